using Exporter.Accounts;
using Exporter.Postgres;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>The services of one replica with a clock and a provider of its own. The template of its accounts is <c>fleet</c>.</summary>
internal sealed class ReplicaBench : IAsyncDisposable
{
    /// <summary>The keys of every replica that is given none.</summary>
    public static readonly TokenKeys Keys = TokenKeys.Parse($"first {Convert.ToBase64String(new byte[32])}", "keys").Value!;

    private readonly SharedDatabase shared;
    private readonly ServiceProvider services;
    private readonly TokenKeys keys;
    private bool isSaving;

    public ReplicaBench(SharedDatabase shared, TokenKeys? keys = null, string template = "fleet", ScriptedApi? api = null)
    {
        (this.shared, this.keys) = (shared, keys ?? Keys);
        Grant = new FakeGrant(Time);
        var source = new ScriptedSource(Grant, api);
        using var directory = new TemporaryDirectory();
        var flags = new Dictionary<Setting, IReadOnlyList<string>>
        {
            [Configuration.ConfigFile] = [directory.Write("exporter.yml", $"accounts:\n  {template}:\n    source: scripted\n")],
        };
        var configuration = Configuration.Load([], [source.Settings], flags, new Dictionary<string, string>(), directory.Path);
        var templates = ConfiguredAccount.All(configuration, [source], needsTokenFile: false);
        Assert.Empty(configuration.Problems);
        services = new ServiceCollection()
            .AddSingleton<TimeProvider>(Time)
            .AddLogging().Replace(ServiceDescriptor.Singleton<ILoggerFactory>(Log))
            .AddSources([source]).AddAccounts([])
            .AddSharedStore(shared.Server.Options(), this.keys, templates)
            .BuildServiceProvider();
    }

    public SharedDatabase Database => shared;

    /// <summary>Starts at the time of the database, whose clock cannot be replaced.</summary>
    public ManualTime Time { get; } = new(TimeProvider.System.GetUtcNow());

    public CollectedLog Log { get; } = new();

    public FakeGrant Grant { get; }

    public AccountRows Rows => Get<AccountRows>();

    public RowSaver Saver => Get<RowSaver>();

    public AttendedAccounts Attended => Get<AttendedAccounts>();

    public ISharedAccounts Accounts => Get<ISharedAccounts>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public T Get<T>() where T : notnull => services.GetRequiredService<T>();

    public PostgresStore Store(AccountRow row) => new(Rows, keys, row.Id, row.Name, Time)
    {
        Rules = new LifecycleRules(new TokenManagerOptions(), Grant.CanRenew, PostgresStore.Name),
    };

    /// <summary>Creates an account with <c>access-0</c> and <c>refresh-0</c>, whose renewal has been due for an hour.</summary>
    public async Task<AccountRow> CreateAsync(string name, TimeSpan? expiresIn = null, bool hasToken = true, string template = "fleet")
    {
        var token = Token("0", expiresIn ?? TimeSpan.FromMinutes(5));
        TokenState state = hasToken ? new TokenState.Active(token, Time.GetUtcNow(), 0) : new TokenState.Missing();
        var progress = new TokenProgress(state, null, Time.GetUtcNow());
        var row = new NewRow(name, template, "scripted", hasToken ? AccountRow.Seal(keys, name, token) : null, progress)
        {
            Readings = Get<AccountTemplates>().Readings.GetValueOrDefault(template),
        };
        Assert.Single(await Get<AccountCatalog>().CreateAsync([row], Cancellation));
        await IsDueAsync();
        return await FindAsync(name);
    }

    public Token Token(string number, TimeSpan expiresIn) => new()
    {
        AccessToken = new Secret($"access-{number}"),
        RefreshToken = new Secret($"refresh-{number}"),
        ExpiresAt = Time.GetUtcNow() + expiresIn,
    };

    /// <summary>Advances the clock until the work is done, slowly enough for the database, which has a clock of its own.</summary>
    public async Task AdvanceUntilAsync(Task work)
    {
        while (!work.IsCompleted)
        {
            Time.Advance(TimeSpan.FromMilliseconds(250));
            await Task.WhenAny(work, Task.Delay(TimeSpan.FromMilliseconds(25), TimeProvider.System, Cancellation));
        }
        await work;
    }

    public Task IsDueAsync() => shared.QueryAsync("update account set renew_at = now() - interval '1 h'", Cancellation);

    /// <summary>Otherwise an account that is opened for a user renews at once.</summary>
    public Task IsNotDueAsync() => shared.QueryAsync("update account set renew_at = now() + interval '1 h'", Cancellation);

    public async Task<AccountRow> FindAsync(string name) =>
        await Rows.FindAsync(name, Cancellation) ?? throw new InvalidOperationException($"there is no account {name}");

    public async Task<string?> RefreshTokenOfAsync(string name) =>
        (await FindAsync(name)).Progress(keys).Value!.State.Token?.RefreshToken?.Reveal();

    public async Task StartSaverAsync()
    {
        isSaving = true;
        await Saver.StartAsync(Cancellation);
    }

    /// <summary>Starts the queue. Its first look at what is due comes at once, and each further one when the clock advances.</summary>
    public async Task StartAsync()
    {
        await StartSaverAsync();
        await Get<RenewalWorker>().StartAsync(Cancellation);
    }

    /// <summary>Starts to poll what is due.</summary>
    public Task StartPollsAsync() => Get<PollWorker>().StartAsync(Cancellation);

    /// <summary>The page of this replica, in text. Each call reads what the replica has at that time.</summary>
    public async Task<string> PageAsync(Shard? shard = null)
    {
        // The live values of a page are shared for a moment.
        Time.Advance(TimeSpan.FromMilliseconds(20));
        var page = await Get<IMetricsSource>().PageAsync(Prometheus.ExpositionFormat.PrometheusText, gzip: false, shard, Cancellation);
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        page.WriteTo(buffer);
        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Waits until the page of this replica contains a line, or does not.</summary>
    public async Task PageUntilAsync(string line, bool contains = true)
    {
        while ((await PageAsync()).Split('\n').Contains(line) != contains)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancellation);
        }
    }

    /// <summary>Renews what is due now, and saves the results.</summary>
    public async Task RenewDueAsync()
    {
        await StartAsync();
        await shared.UntilAsync("select count(*) from account where renew_at < now() or sent_at is not null", "0", Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        Grant.Release();
        await Get<RenewalWorker>().StopAsync(CancellationToken.None);
        await Get<RenewalWorker>().FinishAsync(CancellationToken.None);
        await Get<PollWorker>().StopAsync(CancellationToken.None);
        await Get<PollWorker>().FinishAsync(CancellationToken.None);
        await Get<StreamWorker>().StopAsync(CancellationToken.None);
        await Get<SharedReadings>().StopAsync(CancellationToken.None);
        if (isSaving)
        {
            await Saver.FinishAsync(CancellationToken.None);
        }
        await services.DisposeAsync();
        Log.HoldNone("access-0", "refresh-0");
        Log.Dispose();
    }
}
