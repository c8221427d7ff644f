using System.Net;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Several owners of one token file, as two processes are, against a cloud that revokes a family when a refresh token comes twice.</summary>
public sealed class SiblingTests : IDisposable
{
    private const int Renewals = 100;

    /// <summary>Small, so that a thread that is kept waiting for a processor does not miss the twenty seconds a request may take.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromMicroseconds(20);

    private readonly TemporaryFolder folder = new();
    private readonly ManualTime time = new();
    private readonly StubHttp http = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        http.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Row_03_siblings_on_one_file_never_use_a_refresh_token_twice(int siblings)
    {
        var cloud = new StrictCloud();
        http.Otherwise(cloud.Answer);
        var path = folder.Write("token.json", """{"refresh_token":"refresh-0"}""");
        var keepers = Enumerable.Range(0, siblings).Select(_ => Owner(path)).ToList();

        await time.AdvanceUntil(Task.WhenAll(keepers.Select(kept => Task.Run(() => RenewOften(kept), Cancellation))), Step);

        Assert.Equal(0, cloud.Reused);
        Assert.Equal(siblings * Renewals, cloud.Redeemed);
        Assert.All(keepers, kept => Assert.Equal(Renewals, kept.Snapshot.History.Renewals));
        Assert.Contains($"\"refresh-{cloud.Redeemed}\"", File.ReadAllText(path));
        keepers.ForEach(kept => kept.Dispose());
    }

    [Fact]
    public async Task Row_30_siblings_that_find_it_due_at_the_same_time_renew_once()
    {
        var cloud = new StrictCloud();
        http.Otherwise(cloud.Answer);
        var path = folder.Write("token.json", """{"refresh_token":"refresh-0"}""");
        var keepers = Enumerable.Range(0, 5).Select(_ => Owner(path)).ToList();

        await Task.WhenAll(keepers.Select(kept => kept.Loaded()));
        await time.AdvanceUntil(Task.WhenAll(keepers.Select(kept => kept.Visit())), Step);

        Assert.Equal((1, 0), (cloud.Redeemed, cloud.Reused));
        Assert.All(keepers, kept => Assert.Equal("access-1", kept.Access));
        keepers.ForEach(kept => kept.Dispose());
    }

    private Kept Owner(string path)
    {
        var endpoint = new TokenEndpoint(http.Client, new Uri("http://cloud/token"), new OAuthClient("id", null), time);
        return new Kept(Kept.Plain(path, time), time, grant: new RefreshTokenGrant(endpoint, time));
    }

    private static async Task RenewOften(Kept kept)
    {
        await kept.Loaded();
        while (kept.Snapshot.History.Renewals < Renewals)
        {
            await kept.Keeper.RenewAsync(null, Cancellation);
        }
    }

    /// <summary>One family of refresh tokens, each good for one use.</summary>
    private sealed class StrictCloud
    {
        private readonly Lock gate = new();

        public int Redeemed { get; private set; }

        public int Reused { get; private set; }

        public HttpResponseMessage Answer(HttpRequestMessage request, string body)
        {
            lock (gate)
            {
                if (!body.Contains($"refresh_token=refresh-{Redeemed}&", StringComparison.Ordinal))
                {
                    Reused++;
                    return StubHttp.Answer(HttpStatusCode.BadRequest, """{"error":"invalid_grant"}""");
                }
                Redeemed++;
                return StubHttp.Answer(HttpStatusCode.OK, $$"""{"access_token":"access-{{Redeemed}}","refresh_token":"refresh-{{Redeemed}}","expires_in":10800}""");
            }
        }
    }
}
