using System.Collections.Concurrent;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Many accounts in one process. Runs alone, because it measures the memory of the process.</summary>
[Collection(nameof(Alone))]
public class RefreshLoopTests
{
    private const int Accounts = 10_000;
    private const int MostBytesPerAccount = 4096;
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(3);
    private static readonly TimeSpan OutageBegins = TimeSpan.FromHours(10);
    private static readonly TimeSpan OutageEnds = TimeSpan.FromHours(12);
    private static readonly TimeSpan Recovery = TimeSpan.FromMinutes(20);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_loop_renews_a_token_until_it_is_cancelled()
    {
        using var bench = await new TokenManagerBench().Loaded();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var loop = new RefreshLoop([bench.TokenManager], bench.Time, bench.Logs).RunAsync(end.Token);

        while (bench.Snapshot.History.Renewals < 5)
        {
            await bench.Time.AdvanceUntil(bench.TokenManager.Changed, TimeSpan.FromSeconds(30));
        }
        await end.CancelAsync();
        await loop;

        Assert.Equal(0, bench.Time.Waiting);
        Assert.Equal(1, bench.Grant.MostInFlight);
    }

    [Fact, Trait("Suite", "slow")]
    public async Task Row_30_ten_thousand_accounts_through_a_day_with_an_outage_of_two_hours()
    {
        var time = new ManualTime();
        var provider = new Provider(time);
        var options = new TokenManagerOptions
        {
            RenewalRateLimiter = new RenewalRateLimiter(time),
            Random = new Random(30),
            ReadEvery = TimeSpan.FromHours(1),
        };
        var (grants, stores) = (new AccountGrant[Accounts], new MemoryStore[Accounts]);
        for (var account = 0; account < Accounts; account++)
        {
            // After a long downtime, half of the tokens are expired and the others expire within three hours.
            grants[account] = new AccountGrant(provider);
            var expiry = time.GetUtcNow() + Lifetime * (options.Random.NextDouble() * 2 - 1);
            stores[account] = new MemoryStore(TokenManagerBench.Some(time, Lifetime, $"{account}") with { ExpiresAt = expiry });
        }
        var managers = new TokenManager[Accounts];
        for (var account = 0; account < Accounts; account++)
        {
            managers[account] = new TokenManager("account", grants[account], stores[account], options, time, NullLogger<TokenManager>.Instance);
            await managers[account].LoadAsync(Cancellation);
        }
        var loop = new RefreshLoop(managers, time, NullLogger<RefreshLoop>.Instance);
        var visits = new List<Task>();

        for (var second = TimeSpan.Zero; second < TimeSpan.FromDays(1);)
        {
            var isBusy = second < Recovery || (second >= OutageEnds && second < OutageEnds + Recovery);
            var step = TimeSpan.FromSeconds(isBusy ? 1 : second >= OutageBegins && second < OutageEnds ? 5 : 20);
            visits.AddRange(loop.VisitDue(Cancellation));
            await Quiet(visits, time);
            time.Advance(step);
            await Quiet(visits, time);
            second += step;
        }

        Assert.Equal(1, grants.Max(g => g.MostInFlight));
        Assert.Equal(0, provider.Late);
        Assert.All(managers, manager => Assert.True(manager.Snapshot.State.Token!.IsUsable(time.GetUtcNow())));
        Assert.True(provider.Recovered <= Recovery, $"the last account was back {provider.Recovered} after the outage");
        // Twenty per second, and the first burst.
        Assert.InRange(provider.MostInTenSeconds, 1, 240);

        Array.ForEach(managers, manager => manager.Dispose());
        var held = GC.GetTotalMemory(forceFullCollection: true);
        Array.Clear(managers);
        Array.Clear(stores);
        var bytes = (held - GC.GetTotalMemory(forceFullCollection: true)) / Accounts;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{provider.Requests} requests, at most {provider.MostInTenSeconds} in ten seconds, {bytes} bytes per account");
        Assert.InRange(bytes, 1, MostBytesPerAccount);
    }

    /// <summary>Waits until every visit waits for one timer.</summary>
    private static async Task Quiet(List<Task> visits, ManualTime time)
    {
        while (true)
        {
            visits.RemoveAll(visit => visit.IsCompleted);
            if (visits.Count == time.Waiting)
            {
                return;
            }
            await Task.Yield();
        }
    }

    /// <summary>The token endpoint of all accounts.</summary>
    private sealed class Provider(ManualTime time)
    {
        private readonly ConcurrentDictionary<long, int> perTenSeconds = new();

        public ManualTime Time => time;

        public int Requests => perTenSeconds.Values.Sum();

        public int MostInTenSeconds => perTenSeconds.Values.Max();

        /// <summary>Renewals of expired tokens, except after a downtime of the program or of the provider.</summary>
        public int Late { get; private set; }

        /// <summary>The time from the end of the outage to the renewal of the last expired token.</summary>
        public TimeSpan Recovered { get; private set; }

        public Renewal Answer(Token current)
        {
            var now = time.GetUtcNow();
            var since = now - ManualTime.Start;
            perTenSeconds.AddOrUpdate(now.ToUnixTimeSeconds() / 10, 1, (_, count) => count + 1);
            if (since >= OutageBegins && since < OutageEnds)
            {
                return new Renewal.Transient(FailureKind.ServerError, "outage");
            }
            lock (perTenSeconds)
            {
                if (current.ExpiresAt <= now && since >= OutageEnds && current.ExpiresAt < ManualTime.Start + OutageEnds + Recovery)
                {
                    Recovered = since - OutageEnds;
                }
                else if (current.ExpiresAt <= now && since > Recovery)
                {
                    Late++;
                }
            }
            return new Renewal.Renewed(current with
            {
                AccessToken = new Secret($"{Guid.NewGuid():N}"),
                RefreshToken = new Secret($"{Guid.NewGuid():N}"),
                ExpiresAt = now + Lifetime,
            });
        }
    }

    private sealed class AccountGrant(Provider provider) : IGrant
    {
        private int inFlight;

        public int MostInFlight { get; private set; }

        public bool CanRenew(Token? current) => true;

        public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
        {
            MostInFlight = Math.Max(MostInFlight, Interlocked.Increment(ref inFlight));
            await Task.Delay(TimeSpan.FromMilliseconds(300), provider.Time, cancellationToken);
            Interlocked.Decrement(ref inFlight);
            return provider.Answer(current!);
        }
    }
}
