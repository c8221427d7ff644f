using Exporter.Accounts;
using Exporter.Metrics;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Tests.Postgres;

/// <summary>A source whose token answers and readings a test scripts.</summary>
/// <param name="api">Null for a source that only keeps a token.</param>
internal sealed class ScriptedSource(FakeGrant grant, ScriptedApi? api = null) : ISource
{
    public string Name => "scripted";

    public SourceSettings Settings { get; } = new("scripted", []);

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new PlainTokenFormat()];

    public Func<AccountContext, Account> Configure(Section section) => context =>
    {
        var manager = context.CreateTokenManager(grant);
        return new Account(context.Name, Name, context.HasAccountLabel, manager, api?.Open(context, manager)) { Provider = "Scripted" };
    };
}

/// <summary>What several replicas read. Thread-safe.</summary>
internal sealed class ScriptedApi
{
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    private readonly Lock gate = new();
    private readonly List<(string Account, string? Token)> polls = [];
    private readonly List<string> connected = [];

    /// <summary>Whether the readings come as a stream.</summary>
    public bool Streams { get; init; }

    public ApiFailure? Failure { get; set; }

    public double Temperature { get; set; } = 21.5;

    public Task Held { get; set; } = Task.CompletedTask;

    /// <summary>Every poll, with the access token that it used.</summary>
    public IReadOnlyList<(string Account, string? Token)> Polls { get { lock (gate) { return [.. polls]; } } }

    /// <summary>The accounts with a connected stream, once for each connection.</summary>
    public IReadOnlyList<string> Connected { get { lock (gate) { return [.. connected]; } } }

    public IReadingSource Open(AccountContext context, TokenManager manager) =>
        Streams ? new Stream(this, context.Name, manager) : Poller(context, manager);

    private Poller<Reading> Poller(AccountContext context, TokenManager manager)
    {
        // Of the polls of this account so far, as sources remember answers.
        var remembered = 0;
        return new Poller<Reading>(
            context.Name,
            async cancellationToken =>
            {
                if (manager.Snapshot.State is not TokenState.Active(var token, _, _))
                {
                    return new ApiFailure.NoToken("there is no token");
                }
                lock (gate) { polls.Add((context.Name, token.AccessToken?.Reveal())); }
                await Held.WaitAsync(cancellationToken);
                remembered++;
                return Failure is { } failure ? failure : new Reading(Temperature, remembered);
            },
            (reading, _) => new ReadingMetrics(reading.Families(), null),
            (_, _) => Presentation.Empty,
            Reading.Format with { Memory = new PollMemory(writer => writer.WriteNumberValue(remembered), json => remembered = json.GetInt32()) },
            manager, new PollerOptions(Interval), context.Time, context.Logging.CreateLogger<ScriptedSource>());
    }

    private sealed record Reading(double Temperature, int Number)
    {
        public static ReadingFormat<Reading> Format { get; } = new(
            "scripted",
            (writer, reading) =>
            {
                writer.WriteStartArray();
                writer.WriteNumberValue(reading.Temperature);
                writer.WriteNumberValue(reading.Number);
                writer.WriteEndArray();
            },
            json => new Reading(json[0].GetDouble(), json[1].GetInt32()));

        public IReadOnlyList<MetricFamily> Families() =>
        [
            MetricFamily.Gauge("scripted_temperature_celsius", "A temperature.", [new Sample(LabelSet.Empty, Temperature)]),
            MetricFamily.Gauge("scripted_poll_number", "A count that a poll remembers.", [new Sample(LabelSet.Empty, Number)]),
        ];
    }

    /// <summary>Is connected while it runs, and receives a value whenever <see cref="Temperature"/> changes.</summary>
    private sealed class Stream(ScriptedApi api, string account, TokenManager manager) : IStoredReadingSource
    {
        private readonly Latest<Received> latest = new(new Received(null, new ReadingStatus()));

        public ReadingStatus Status => latest.Value.Status;

        public Task Changed => latest.Changed;

        public ReadingMetrics Collect(DateTimeOffset now) =>
            new ReadingMetrics(latest.Value.Reading?.Families() ?? [], null) with { Status = Status };

        public Presentation Present(DateTimeOffset now) => Presentation.Empty;

        public SavedReading Save() => new(SavedReadingJson.Write(
            "scripted", Status, latest.Value.Reading is { } reading ? writer => Reading.Format.Write(writer, reading) : null));

        public string? Restore(SavedReading saved, DateTimeOffset now)
        {
            var (parts, problem) = SavedReadingJson.Read(saved, "scripted");
            latest.Set(new Received(parts?.Reading is { } json ? Reading.Format.Read(json) : null, parts?.Status ?? new ReadingStatus()));
            return problem;
        }

        public async Task RunAsync(CancellationToken cancellationToken)
        {
            lock (api.gate) { api.connected.Add(account); }
            try
            {
                while (true)
                {
                    lock (api.gate) { api.polls.Add((account, manager.Snapshot.State.Token?.AccessToken?.Reveal())); }
                    if (latest.Value.Reading?.Temperature != api.Temperature)
                    {
                        var number = (latest.Value.Reading?.Number ?? 0) + 1;
                        latest.Set(new Received(new Reading(api.Temperature, number), Status with { Up = true, Tries = Status.Tries + 1 }));
                    }
                    await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                lock (api.gate) { api.connected.Remove(account); }
            }
        }

        private sealed record Received(Reading? Reading, ReadingStatus Status);
    }
}
