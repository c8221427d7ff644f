using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>A token manager with its clock, grant, store and log.</summary>
internal sealed class TokenManagerBench : IDisposable
{
    public static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public TokenManagerBench(
        ITokenStore? store = null, ManualTime? time = null, TokenManagerOptions? options = null, IGrant? grant = null, CollectedLog? log = null)
    {
        Time = time ?? new ManualTime();
        Grant = new FakeGrant(Time);
        Store = store ?? new MemoryStore(Some(Time));
        Options = (options ?? new TokenManagerOptions()) with { RenewalRateLimiter = new RenewalRateLimiter(Time), Random = new Random(1) };
        Logs = log ?? new CollectedLog();
        TokenManager = new TokenManager("home", grant ?? Grant, Store, Options, Time, Logs);
    }

    public ManualTime Time { get; }

    public FakeGrant Grant { get; }

    public CollectedLog Logs { get; }

    public ITokenStore Store { get; }

    public TokenManagerOptions Options { get; }

    public TokenManager TokenManager { get; }

    public TokenSnapshot Snapshot => TokenManager.Snapshot;

    public TokenState State => TokenManager.Snapshot.State;

    public string? Access => State.Token?.AccessToken?.Reveal();

    public string? Refresh => State.Token?.RefreshToken?.Reveal();

    /// <summary>A token with a lifetime of three hours, issued now: <c>access-0</c>, <c>refresh-0</c>.</summary>
    public static Token Some(TimeProvider time, TimeSpan? lifetime = null, string number = "0") => new()
    {
        AccessToken = new Secret($"access-{number}"),
        RefreshToken = new Secret($"refresh-{number}"),
        Lifetime = lifetime ?? 3 * Hour,
        ExpiresAt = time.GetUtcNow() + (lifetime ?? 3 * Hour),
    };

    public static FileStore Plain(string path, TimeProvider time) => new(path, [new PlainTokenFormat()], time);

    public static string Json(Token token) => System.Text.Encoding.UTF8.GetString(new PlainTokenFormat().Write(token, default));

    public async Task<TokenManagerBench> Loaded()
    {
        await TokenManager.LoadAsync(Cancellation);
        return this;
    }

    /// <summary>Advances the clock to the next renewal and visits.</summary>
    public Task WhenDue()
    {
        Time.Advance(TokenManager.NextRenewal!.Value - Time.GetUtcNow());
        return Visit();
    }

    /// <summary>
    /// Advances until a renewal is sent although the store cannot save its result: when the access token expires, and not earlier.
    /// </summary>
    public async Task WhenExpired()
    {
        var (expiry, before) = (State.Token!.ExpiresAt!.Value, Grant.Requests);
        while (Grant.Requests == before)
        {
            Assert.True(Time.GetUtcNow() < expiry, "it was not sent");
            await WhenDue();
        }
        Assert.True(Time.GetUtcNow() >= expiry, "it was sent while the access token worked");
        Assert.True(Snapshot.History.Failures[FailureKind.Store] > 0);
    }

    public Task Visit() => TokenManager.VisitAsync(Cancellation);

    public async Task<string?> StoredRefresh() =>
        await Store.ReadAsync(Cancellation) is ReadResult.Held held ? held.Token.RefreshToken?.Reveal() : null;

    public void Dispose() => TokenManager.Dispose();

    private static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;
}

/// <summary>A store that runs test code before a call.</summary>
internal sealed class WatchedStore(ITokenStore inner) : ITokenStore
{
    public Action BeforeLock { get; set; } = () => { };

    public Action BeforeRelease { get; set; } = () => { };

    public Action BeforeRead { get; set; } = () => { };

    public Action BeforeWrite { get; set; } = () => { };

    public string Location => inner.Location;

    public ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken)
    {
        BeforeRead();
        return inner.ReadAsync(cancellationToken);
    }

    public ValueTask<Result<IDisposable, string>> PrepareAsync(CancellationToken cancellationToken) => inner.PrepareAsync(cancellationToken);

    public ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken)
    {
        BeforeWrite();
        return inner.WriteAsync(token, expected, cancellationToken);
    }

    public ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken) => inner.LogOutAsync(cancellationToken);

    public ValueTask<string?> RecordAsync(TokenRecord record, string? stamp, CancellationToken cancellationToken) =>
        inner.RecordAsync(record, stamp, cancellationToken);

    public ValueTask<TokenRecord?> ReadRecordAsync(string? stamp, CancellationToken cancellationToken) =>
        inner.ReadRecordAsync(stamp, cancellationToken);

    public async ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken)
    {
        BeforeLock();
        var held = await inner.LockAsync(cancellationToken);
        return new StoreLock.Taken(null, () => null, () =>
        {
            BeforeRelease();
            held.Release();
        });
    }
}
