using System.Collections.Immutable;
using Exporter.Metrics;
using Exporter.Accounts;

namespace Exporter.BmwCarData;

/// <summary>How the connection to the stream goes. Immutable; counts since the start of the process.</summary>
internal sealed record BmwStreamState
{
    /// <summary>Accepted, and every subscription granted.</summary>
    public bool Connected { get; init; }

    public DateTimeOffset? LastTry { get; init; }

    public DateTimeOffset? NextTry { get; init; }

    /// <summary>Why there is no connection; null when there is one, or nothing went wrong yet.</summary>
    public ApiFailure? Failure { get; init; }

    /// <summary>By <c>accepted</c> or the word of what came instead.</summary>
    public ImmutableSortedDictionary<string, long> Connects { get; init; } = ImmutableSortedDictionary<string, long>.Empty;

    /// <summary>Of connections that there were, by word.</summary>
    public ImmutableSortedDictionary<string, long> Disconnects { get; init; } = ImmutableSortedDictionary<string, long>.Empty;

    public ImmutableSortedDictionary<string, long> Failures { get; init; } = ImmutableSortedDictionary<string, long>.Empty;

    public static ImmutableSortedDictionary<string, long> Counted(ImmutableSortedDictionary<string, long> counts, string word) =>
        counts.SetItem(word, counts.GetValueOrDefault(word) + 1);
}

/// <summary>The stream's own series: whether it is connected is one thing, and whether a car says something is another.</summary>
internal static class BmwStreamMetrics
{
    public static IReadOnlyList<MetricFamily> From(BmwStreamState state, BmwReading reading, BmwMetricsOptions options)
    {
        var cars = reading.Cars.Select(car => new { Labels = BmwMetrics.Labels(car.Key, options), car.Value }).ToList();
        return
        [
            MetricFamily.Gauge("bmw_mqtt_connected", "Whether BMW's stream is connected and subscribed to: 1 or 0. A car that sleeps says nothing on a stream that is fine.", state.Connected ? 1 : 0),
            MetricFamily.Counter("bmw_mqtt_connects_total", "Tries to connect to BMW's stream, by what came of them.",
                BmwFailure.Words.Except(["new_token"]).Prepend("accepted").Select(word => Count("result", word, state.Connects))),
            MetricFamily.Counter("bmw_mqtt_disconnects_total", "Connections to BMW's stream that ended, by reason; each id token has one of its own.",
                BmwFailure.Words.Select(word => Count("reason", word, state.Disconnects))),
            MetricFamily.Counter("bmw_mqtt_messages_total", "Messages of the car that came by the stream.", cars.Select(car => new Sample(car.Labels, car.Value.Messages))),
            MetricFamily.Counter("bmw_mqtt_message_errors_total", "Messages, or entries of messages, that could not be read.",
                BmwMessage.Problems.Select(word => Count("reason", word, reading.Errors))),
            MetricFamily.Gauge("bmw_mqtt_last_message_timestamp_seconds", "When the car last said something, by our clock.",
                cars.Where(car => car.Value.LastMessage is not null).Select(car => new Sample(car.Labels, car.Value.LastMessage!.Value.ToUnixTimeMilliseconds() / 1000.0))),
        ];
    }

    private static Sample Count(string label, string word, ImmutableSortedDictionary<string, long> counts) => new(LabelSet.Of((label, word)), counts.GetValueOrDefault(word));
}
