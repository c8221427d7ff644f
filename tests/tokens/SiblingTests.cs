using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Several owners of one token file, as two processes are, against a provider that revokes a family when a refresh token comes twice.</summary>
public sealed class SiblingTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData(2, 100)]
    [InlineData(5, 20)]
    public async Task Row_03_siblings_on_one_file_never_use_a_refresh_token_twice(int siblings, int renewals)
    {
        var provider = new StrictProvider(time);
        var path = directory.Write("token.json", """{"refresh_token":"refresh-0"}""");
        var managers = Enumerable.Range(0, siblings).Select(_ => new Kept(Kept.Plain(path, time), time, grant: provider)).ToList();

        await time.AdvanceWhileIdle([.. managers.Select(kept => Task.Run(() => RenewOften(kept, renewals), Cancellation))], TimeSpan.FromMilliseconds(10));

        Assert.Equal(0, provider.Reused);
        Assert.Equal(siblings * renewals, provider.Redeemed);
        Assert.All(managers, kept => Assert.Equal(renewals, kept.Snapshot.History.Renewals));
        Assert.Contains($"\"refresh-{provider.Redeemed}\"", File.ReadAllText(path));
        managers.ForEach(kept => kept.Dispose());
    }

    [Fact]
    public async Task Row_30_siblings_that_find_it_due_at_the_same_time_renew_once()
    {
        var provider = new StrictProvider(time);
        var path = directory.Write("token.json", """{"refresh_token":"refresh-0"}""");
        var managers = Enumerable.Range(0, 5).Select(_ => new Kept(Kept.Plain(path, time), time, grant: provider)).ToList();

        await Task.WhenAll(managers.Select(kept => kept.Loaded()));
        await time.AdvanceWhileIdle([.. managers.Select(kept => Task.Run(kept.Visit, Cancellation))], TimeSpan.FromMilliseconds(10));

        Assert.Equal((1, 0), (provider.Redeemed, provider.Reused));
        Assert.All(managers, kept => Assert.Equal("access-1", kept.Access));
        managers.ForEach(kept => kept.Dispose());
    }

    private static async Task RenewOften(Kept kept, int renewals)
    {
        await kept.Loaded();
        while (kept.Snapshot.History.Renewals < renewals)
        {
            await kept.TokenManager.RenewAsync(null, Cancellation);
        }
    }

    /// <summary>One family of refresh tokens, each good for one use.</summary>
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
                return new Renewal.Renewed(Kept.Some(time, number: $"{Redeemed}"));
            }
        }
    }
}
