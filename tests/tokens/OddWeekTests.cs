using System.Net;
using Exporter.BmwCarData;
using Exporter.Ergani;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>A week with a provider that gives odd answers at random, and with refresh tokens for a single use.</summary>
public sealed class OddWeekTests
{
    private static readonly TimeSpan Week = TimeSpan.FromDays(7);

    private readonly ManualTime time = new();

    public static TheoryData<int> Seeds => [1, 2, 3, 4, 5];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task An_OAuth_login_survives(int seed) => await RunAsync(
        seed, new TokenManagerOptions(),
        http => new RefreshTokenGrant(new TokenEndpoint(http, new Uri("https://provider/token"), new OAuthClient("id", null), time), time));

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_login_whose_provider_rejects_valid_tokens_now_and_then_survives(int seed) => await RunAsync(
        seed, new TokenManagerOptions { RejectionRetries = [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromHours(1)] },
        http => new RefreshTokenGrant(new TokenEndpoint(http, new Uri("https://provider/token"), new OAuthClient("id", null), time), time));

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_BMW_login_survives(int seed) => await RunAsync(
        seed, new TokenManagerOptions(),
        http => new BmwLogin(new BmwCarDataOptions("id", [], new Uri("https://provider"), "mqtt.example", 9000, MqttLogging: false),
            http, () => null, time).Renewal);

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Ergani_gets_no_login_after_a_rejected_one_and_few_before(int seed)
    {
        var random = new Random(seed);
        var (logins, rejected) = (new List<DateTimeOffset>(), 0);
        using var http = new StubHttp().Otherwise((request, _) =>
        {
            if (request.RequestUri!.AbsolutePath.EndsWith("Refresh", StringComparison.Ordinal))
            {
                return StubHttp.Answer(HttpStatusCode.Unauthorized, "");
            }
            Assert.Equal(0, rejected);
            logins.Add(time.GetUtcNow());
            var answer = OddAnswer.All[random.Next(OddAnswer.All.Count)];
            rejected += answer.Status == 401 ? 1 : 0;
            return answer.ToResponse();
        });
        var environment = new ErganiEnvironment("TEST", new Uri("https://provider/"));
        var grant = new ErganiGrant(new ErganiCredentials("user", new Secret("password"), environment), http.Client, time);
        using var bench = await new TokenManagerBench(time: time, grant: grant).Loaded();

        await PassAsync(bench);

        Assert.Equal(1, rejected);
        Assert.All(logins.Zip(logins.Skip(1)), pair => Assert.True(pair.Second - pair.First >= TimeSpan.FromMinutes(1), "two logins within a minute"));
    }

    /// <summary>The provider is down half of the time, and takes each refresh token once.</summary>
    private async Task RunAsync(int seed, TokenManagerOptions options, Func<HttpClient, IGrant> grant)
    {
        var random = new Random(seed);
        var (refresh, renewals, requests) = ("refresh-0", 0, new List<(DateTimeOffset At, TimeSpan Wait)>());
        TokenManagerBench? bench = null;
        var certain = await PermanentAsync(grant);
        var odd = OddAnswer.All.Where(answer => options.RejectionRetries.Count > 0 || !certain.Contains(answer)).ToList();
        Assert.InRange(odd.Count, 30, 40);
        using var http = new StubHttp().Otherwise((_, body) =>
        {
            Assert.Contains($"refresh_token={refresh}&", $"{body}&");
            var answer = random.Next(2) == 0 ? odd[random.Next(odd.Count)] : null;
            var asked = int.TryParse(answer?.RetryAfter, out var seconds) ? Math.Min(seconds, 3600) : 0;
            requests.Add((time.GetUtcNow(), TimeSpan.FromSeconds(asked)));
            if (answer is not null)
            {
                return answer.ToResponse();
            }
            refresh = $"refresh-{++renewals}";
            return StubHttp.Answer(HttpStatusCode.OK, $$"""{"access_token":"a-{{renewals}}","refresh_token":"{{refresh}}","expires_in":3600}""");
        });
        using (bench = await new TokenManagerBench(time: time, options: options, grant: grant(http.Client)).Loaded())
        {
            await PassAsync(bench);

            Assert.InRange(renewals, 80, 400);
            Assert.Equal(refresh, bench.Refresh);
            Assert.Equal(refresh, await bench.StoredRefresh());
            // Retry-After is kept, and no hour has more requests than the back-off allows.
            Assert.All(requests.Zip(requests.Skip(1)), pair => Assert.True(
                pair.Second.At - pair.First.At >= (pair.First.Wait > Backoff.Shortest ? pair.First.Wait : Backoff.Shortest)));
            Assert.All(requests, request => Assert.InRange(
                requests.Count(other => other.At >= request.At && other.At < request.At.AddHours(1)), 1, 40));
            // Whatever happens at the end of the week, the login recovers.
            while (bench.State is not TokenState.Active { FailedRenewals: 0 })
            {
                await bench.WhenDue();
            }
        }
    }

    private async Task PassAsync(TokenManagerBench bench)
    {
        for (var end = time.GetUtcNow() + Week; time.GetUtcNow() < end;)
        {
            time.Advance(bench.TokenManager.NextRenewal is { } next && next > time.GetUtcNow() ? next - time.GetUtcNow() : TimeSpan.FromSeconds(1));
            await bench.Visit();
        }
    }

    /// <summary>The answers that end the login for certain.</summary>
    private async Task<HashSet<OddAnswer>> PermanentAsync(Func<HttpClient, IGrant> grant)
    {
        var certain = new HashSet<OddAnswer>();
        foreach (var answer in OddAnswer.All)
        {
            using var http = new StubHttp().Otherwise((_, _) => answer.ToResponse());
            if (await grant(http.Client).RenewAsync(TokenManagerBench.Some(time), Cancellation) is Renewal.InvalidGrant)
            {
                certain.Add(answer);
            }
        }
        return certain;
    }
}
