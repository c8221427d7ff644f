using System.Buffers.Text;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Exporter.BmwCarData;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>A feed with its stream, a token manager without a provider, and a manual clock. The test provides the broker.</summary>
internal sealed class StreamBench : IAsyncDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly BmwCarDataOptions options;
    private CancellationTokenSource stop = new();
    private Task running = Task.CompletedTask;

    /// <param name="certificate">The certificate to trust, in PEM format.</param>
    public StreamBench(int port, string certificate, params IReadOnlyList<string> vins)
        : this(port, certificate, new ManualTime(), vins)
    {
    }

    public StreamBench(int port, string certificate, ManualTime time, params IReadOnlyList<string> vins)
    {
        Time = time;
        var trusted = new X509Certificate2Collection();
        trusted.ImportFromPem(certificate);
        options = new BmwCarDataOptions(null, vins, new Uri("https://auth.invalid"), "127.0.0.1", port, MqttLogging: false)
        {
            MqttCertificates = trusted,
        };
        Grant = new FakeGrant(Time);
        var managerOptions = new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(Time), Random = new Random(1) };
        TokenManager = new TokenManager("car", Grant, new MemoryStore(Token(0)), managerOptions, Time, Logs);
        Feed = Open();
    }

    public ManualTime Time { get; }

    public CollectedLog Logs { get; } = new();

    public FakeGrant Grant { get; }

    public TokenManager TokenManager { get; }

    public BmwFeed Feed { get; private set; }

    public string ValuesFile => BmwValuesFile.PathOf(directory.Path, "car");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The ID token with this number, which is the password. Number 0 expires an hour after the start.</summary>
    public static string IdToken(int number) => IdToken(number, ManualTime.Start + TimeSpan.FromHours(number + 1));

    public static Token Token(int number) => Token(number, ManualTime.Start + TimeSpan.FromHours(number + 1));

    public static Token Token(int number, DateTimeOffset end) => new()
    {
        AccessToken = new Secret($"access-{number}"),
        RefreshToken = new Secret($"refresh-{number}"),
        IdToken = new Secret(IdToken(number, end)),
        Lifetime = TimeSpan.FromHours(1),
        ExpiresAt = end,
        Members = JsonMembers.Empty.With("gcid", Mosquitto.User),
    };

    /// <summary>The next renewal returns the token with this number.</summary>
    public void NextToken(int number) => Grant.Then(new Renewal.Renewed(Token(number)));

    public async Task Start()
    {
        await TokenManager.LoadAsync(Cancellation);
        running = Task.Run(() => Feed.RunAsync(stop.Token), Cancellation);
    }

    public async Task Stop()
    {
        await stop.CancelAsync();
        await running;
        stop.Dispose();
        stop = new CancellationTokenSource();
    }

    /// <summary>Restarts the feed with the files on disk.</summary>
    public async Task Restart()
    {
        await Stop();
        Feed = Open();
        await Start();
    }

    /// <summary>Runs the stream until the condition is met. Advances the clock only while the stream waits for its next attempt.</summary>
    /// <param name="advances">Whether the clock advances to the next connection.</param>
    public async Task Until(Func<bool> reached, bool advances = true)
    {
        while (true)
        {
            var changed = Feed.Changed;
            Assert.False(running.IsCompleted, "The feed has ended.");
            if (reached())
            {
                return;
            }
            if (advances && Feed.Status.NextTry is { } next && next > Time.GetUtcNow())
            {
                // The resolution of timers is a millisecond.
                Time.Advance(next - Time.GetUtcNow() + TimeSpan.FromMilliseconds(1));
            }
            await changed.WaitAsync(Cancellation);
        }
    }

    public bool IsConnected => Value("bmw_mqtt_connected") == 1;

    public Task UntilConnected() => Until(() => IsConnected);

    public double? Value(string family, params (string Name, string Value)[] labels) => Feed.Collect(Time.GetUtcNow()).Families
        .SingleOrDefault(f => f.Name == family)?.Samples
        .Where(s => labels.All(l => s.Labels[l.Name] == l.Value)).Select(s => (double?)s.Value).FirstOrDefault();

    public string Page() => Pages.Text(Feed.Collect(Time.GetUtcNow()).Families);

    public async ValueTask DisposeAsync()
    {
        await Stop();
        stop.Dispose();
        TokenManager.Dispose();
        directory.Dispose();
    }

    private static string IdToken(int number, DateTimeOffset end)
    {
        var claims = $$"""{"exp":{{end.ToUnixTimeSeconds()}},"number":{{number}}}""";
        return $"e30.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}.c2ln";
    }

    private BmwFeed Open() => new(
        options, new BmwStream("car", options, TokenManager, Time, Logs) { Random = new Random(1) }, new BmwValuesFile(ValuesFile, Time, Logs), Time);
}
