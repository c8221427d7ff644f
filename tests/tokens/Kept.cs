using Exporter.Tests.Support;
using Exporter.Tokens;

namespace Exporter.Tests.Tokens;

/// <summary>A keeper with everything around it that a test looks at: clock, grant, store, log.</summary>
internal sealed class Kept : IDisposable
{
    public static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public Kept(ITokenStore? store = null, ManualTime? time = null, KeeperOptions? options = null, IGrant? grant = null, CollectedLog? log = null)
    {
        Time = time ?? new ManualTime();
        Grant = new FakeGrant(Time);
        Store = store ?? new MemoryStore(Some(Time));
        Options = (options ?? new KeeperOptions()) with { Pace = new Pace(Time), Random = new Random(1) };
        Logs = log ?? new CollectedLog();
        Keeper = new Keeper("home", grant ?? Grant, Store, Options, Time, Logs);
    }

    public ManualTime Time { get; }

    public FakeGrant Grant { get; }

    public CollectedLog Logs { get; }

    public ITokenStore Store { get; }

    public KeeperOptions Options { get; }

    public Keeper Keeper { get; }

    public KeeperSnapshot Snapshot => Keeper.Snapshot;

    public TokenState State => Keeper.Snapshot.State;

    public string? Access => State.Token?.AccessToken?.Reveal();

    public string? Refresh => State.Token?.RefreshToken?.Reveal();

    /// <summary>A token of three hours that was given now: <c>access-0</c>, <c>refresh-0</c>.</summary>
    public static Token Some(TimeProvider time, TimeSpan? lifetime = null, string number = "0") => new()
    {
        AccessToken = new Secret($"access-{number}"),
        RefreshToken = new Secret($"refresh-{number}"),
        Lifetime = lifetime ?? 3 * Hour,
        ExpiresAt = time.GetUtcNow() + (lifetime ?? 3 * Hour),
    };

    public static FileStore Plain(string path, TimeProvider time) => new(path, [new PlainTokenFormat()], time);

    public static string Json(Token token) => System.Text.Encoding.UTF8.GetString(new PlainTokenFormat().Write(token, default));

    public async Task<Kept> Loaded()
    {
        await Keeper.LoadAsync(Cancellation);
        return this;
    }

    /// <summary>Moves the clock to the planned renewal and does what is due.</summary>
    public Task WhenDue()
    {
        Time.Advance(Keeper.NextRenewal!.Value - Time.GetUtcNow());
        return Visit();
    }

    public Task Visit() => Keeper.VisitAsync(Cancellation);

    public async Task<string?> StoredRefresh() => await Store.ReadAsync(Cancellation) is Stored.Held held ? held.Token.RefreshToken?.Reveal() : null;

    public void Dispose() => Keeper.Dispose();

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;
}

/// <summary>A store that lets somebody in at the moment that matters.</summary>
internal sealed class WatchedStore(ITokenStore inner) : ITokenStore
{
    public Action BeforeLock { get; set; } = () => { };

    public Action BeforeRelease { get; set; } = () => { };

    public Action BeforeRead { get; set; } = () => { };

    public Action BeforeWrite { get; set; } = () => { };

    public string Location => inner.Location;

    public ValueTask<Stored> ReadAsync(CancellationToken cancellation)
    {
        BeforeRead();
        return inner.ReadAsync(cancellation);
    }

    public ValueTask<Saved> WriteAsync(Token token, string? expected, CancellationToken cancellation)
    {
        BeforeWrite();
        return inner.WriteAsync(token, expected, cancellation);
    }

    public ValueTask<Saved> SignOutAsync(CancellationToken cancellation) => inner.SignOutAsync(cancellation);

    public async ValueTask<StoreLock> LockAsync(CancellationToken cancellation)
    {
        BeforeLock();
        var held = await inner.LockAsync(cancellation);
        return new StoreLock.Taken(null, () => { }, () =>
        {
            BeforeRelease();
            held.Release();
        });
    }
}
