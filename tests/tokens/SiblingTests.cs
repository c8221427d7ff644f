using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Several token managers on one file, like two processes. The provider revokes all tokens when a refresh token is reused.</summary>
public sealed class SiblingTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData(2, 100)]
    [InlineData(5, 20)]
    public async Task Row_03_processes_on_one_file_never_use_a_refresh_token_twice(int siblings, int renewals)
    {
        var provider = new StrictProvider(time);
        var path = directory.Write("token.json", """{"refresh_token":"refresh-0"}""");
        var managers = Enumerable.Range(0, siblings)
            .Select(_ => new TokenManagerBench(TokenManagerBench.Plain(path, time), time, grant: provider)).ToList();

        var work = managers.Select(bench => Task.Run(() => RenewOften(bench, renewals), Cancellation));
        await time.AdvanceWhileIdle([.. work], TimeSpan.FromMilliseconds(10));

        Assert.Equal(0, provider.Reused);
        Assert.Equal(siblings * renewals, provider.Redeemed);
        Assert.All(managers, bench => Assert.Equal(renewals, bench.Snapshot.History.Renewals));
        Assert.Contains($"\"refresh-{provider.Redeemed}\"", File.ReadAllText(path));
        managers.ForEach(bench => bench.Dispose());
    }

    [Fact]
    public async Task Row_30_processes_with_a_renewal_due_at_the_same_time_renew_once()
    {
        var provider = new StrictProvider(time);
        var path = directory.Write("token.json", """{"refresh_token":"refresh-0"}""");
        var managers = Enumerable.Range(0, 5).Select(_ => new TokenManagerBench(TokenManagerBench.Plain(path, time), time, grant: provider)).ToList();

        await Task.WhenAll(managers.Select(bench => bench.Loaded()));
        await time.AdvanceWhileIdle([.. managers.Select(bench => Task.Run(bench.Visit, Cancellation))], TimeSpan.FromMilliseconds(10));

        Assert.Equal((1, 0), (provider.Redeemed, provider.Reused));
        Assert.All(managers, bench => Assert.Equal("access-1", bench.Access));
        managers.ForEach(bench => bench.Dispose());
    }

    [Fact]
    public async Task Row_03_behind_the_lock_of_a_stopped_process_it_uses_the_access_token_and_sends_nothing()
    {
        var path = directory.Write("token.json", TokenManagerBench.Json(TokenManagerBench.Some(time)));
        var stopped = await TokenManagerBench.Plain(path, time).LockAsync(Cancellation);
        using var bench = await new TokenManagerBench(TokenManagerBench.Plain(path, time), time).Loaded();
        time.Advance(bench.TokenManager.NextRenewal!.Value - time.GetUtcNow());

        for (var tries = 1; tries <= 3; tries++)
        {
            var visit = Task.Run(bench.Visit, Cancellation);
            while (time.Waiting == 0)
            {
                await Task.Yield();
            }
            var request = bench.TokenManager.GetTokenAsync(Cancellation);
            Assert.True(request.IsCompleted, "a reading waits for the lock");
            Assert.Equal("access-0", (await request)?.AccessToken?.Reveal());
            await time.AdvanceWhileIdle([visit], TimeSpan.FromMilliseconds(100));

            Assert.Equal((0, tries), (bench.Grant.Requests, bench.Snapshot.History.Failures[FailureKind.Locked]));
            Assert.Contains($"process {Environment.ProcessId} holds {path}.lock", bench.Logs.At(LogLevel.Warning)[^1], StringComparison.Ordinal);
            time.Advance(bench.TokenManager.NextRenewal!.Value - time.GetUtcNow());
        }
        stopped.Release();
        await bench.Visit();

        Assert.Equal((1, "access-1"), (bench.Grant.Requests, bench.Access));
    }

    private static async Task RenewOften(TokenManagerBench bench, int renewals)
    {
        await bench.Loaded();
        while (bench.Snapshot.History.Renewals < renewals)
        {
            await bench.TokenManager.RenewAsync(null, Cancellation);
        }
    }

    /// <summary>One family of single-use refresh tokens.</summary>
    private sealed class StrictProvider(TimeProvider time) : IGrant
    {
        private readonly Lock gate = new();

        public int Redeemed { get; private set; }

        public int Reused { get; private set; }

        public bool CanRenew(Token? current) => true;

        public async Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken)
        {
            await Task.Yield();
            lock (gate)
            {
                if (current?.RefreshToken?.Reveal() != $"refresh-{Redeemed}")
                {
                    Reused++;
                    return new Renewal.InvalidGrant("used already");
                }
                Redeemed++;
                return new Renewal.Renewed(TokenManagerBench.Some(time, number: $"{Redeemed}"));
            }
        }
    }
}
