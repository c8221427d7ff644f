using Counts = System.Collections.Immutable.ImmutableSortedDictionary<string, long>;

namespace Exporter.BmwCarData;

/// <summary>The state of the connection to the stream. Immutable. The counts start with the process; in a shared store, they continue.</summary>
internal sealed record BmwStreamState
{
    /// <summary>Whether the server accepted the connection and all subscriptions.</summary>
    public bool Connected { get; init; }
    public DateTimeOffset? LastTry { get; init; }
    public DateTimeOffset? NextTry { get; init; }

    /// <summary>Why there is no connection; null if there is one, or no attempt has failed yet.</summary>
    public ApiFailure? Failure { get; init; }

    /// <summary>By <c>accepted</c> or <see cref="ConnectionEnd.Label"/>.</summary>
    public Counts Connects { get; init; } = Counts.Empty;

    /// <summary>Ends of accepted connections, by <see cref="ConnectionEnd.Label"/>.</summary>
    public Counts Disconnects { get; init; } = Counts.Empty;

    /// <summary>By <see cref="ApiFailure.Kind"/>.</summary>
    public Counts Failures { get; init; } = Counts.Empty;

    public BmwStreamState CountConnect(string label) => this with { Connects = Add(Connects, label) };

    public BmwStreamState CountDisconnect(string label) => this with { Disconnects = Add(Disconnects, label) };

    public BmwStreamState CountFailure(string kind) => this with { Failures = Add(Failures, kind) };

    private static Counts Add(Counts counts, string label) => counts.SetItem(label, counts.GetValueOrDefault(label) + 1);
}

/// <summary>The stream's own metrics. A sleeping car sends nothing, so the connection and the messages have different metrics.</summary>
internal static class BmwStreamMetrics
{
    public static IReadOnlyList<MetricFamily> From(BmwStreamState state, BmwReading reading, BmwCarDataOptions options)
    {
        var cars = reading.Cars.Select(car => new { Labels = BmwMetrics.Labels(car.Key, options), car.Value }).ToList();
        return
        [
            MetricFamily.Gauge("bmw_mqtt_connected", "Whether BMW's stream is connected and subscribed: 1 or 0.", state.Connected ? 1 : 0),
            MetricFamily.Counter("bmw_mqtt_connects_total", "Attempts to connect to BMW's stream, by result.",
                ConnectionEnd.Labels.Except(["new_token"]).Prepend("accepted").Select(label => Count("result", label, state.Connects))),
            MetricFamily.Counter("bmw_mqtt_disconnects_total", "Ended connections to BMW's stream, by reason. Each ID token has its own connection.",
                ConnectionEnd.Labels.Select(label => Count("reason", label, state.Disconnects))),
            MetricFamily.Counter("bmw_mqtt_messages_total", "Messages of the car.", cars.Select(car => new Sample(car.Labels, car.Value.Messages))),
            MetricFamily.Counter("bmw_mqtt_message_errors_total", "Invalid messages and invalid entries of messages, by reason.",
                BmwMessageParser.Errors.Select(error => Count("reason", error, reading.Errors))),
            MetricFamily.Gauge("bmw_mqtt_last_message_timestamp_seconds", "When the last message of the car arrived, by the exporter's clock.",
                from car in cars
                where car.Value.LastMessage is not null
                select new Sample(car.Labels, car.Value.LastMessage!.Value.ToUnixTimeMilliseconds() / 1000.0)),
        ];
    }

    private static Sample Count(string name, string value, Counts counts) => new(LabelSet.Of((name, value)), counts.GetValueOrDefault(value));
}
