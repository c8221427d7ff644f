using System.Net;
using Exporter.Accounts;
using Exporter.Ergani;
using Exporter.Netatmo;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>One API client for all accounts of a source.</summary>
public sealed class ApiClientsTests
{
    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_client_sends_each_account_s_requests_to_its_address_with_its_token()
    {
        using var network = new StubHttp().Expect(HttpStatusCode.OK, "{}").Expect(HttpStatusCode.OK, "{}").Expect(HttpStatusCode.OK, "{}");
        var api = ProviderApi.Services(new NetatmoSource(), network, time).GetRequiredService<INetatmoApi>();
        using var manager = TokenManagerOf("home", "of-the-manager");

        await api.GetHomeCoachsData(new ApiAccount(manager, new Uri("https://one.example")), Cancellation);
        await api.GetHomeCoachsData(new ApiAccount(new Secret("given"), new Uri("http://two.example:8080/prefix/")), Cancellation);
        await api.GetHomeCoachsData(new ApiAccount(new Secret("given"), new Uri("http://three.example/prefix?x=1#y")), Cancellation);

        Assert.Equal(
            [
                "https://one.example/api/gethomecoachsdata Bearer of-the-manager",
                "http://two.example:8080/prefix/api/gethomecoachsdata Bearer given",
                "http://three.example/prefix/api/gethomecoachsdata Bearer given",
            ],
            network.Calls.Select(call => $"{call.Request.RequestUri} {call.Request.Headers.Authorization}"));
    }

    [Fact]
    public void Accounts_share_the_client_of_the_source_and_the_one_for_token_requests()
    {
        var services = Composition.Services(time, NullLoggerFactory.Instance);
        AccountContext Open(string name) => new(name, true, new MemoryStore(), new TokenManagerOptions(), services);

        Assert.Same(services.GetRequiredService<INetatmoApi>(), services.GetRequiredService<INetatmoApi>());
        Assert.Same(services.GetRequiredService<IErganiApi>(), services.GetRequiredService<IErganiApi>());
        Assert.Same(Open("one").TokenHttp, Open("two").TokenHttp);
    }

    [Fact]
    public async Task A_rejected_token_is_renewed_for_the_account_whose_it_is()
    {
        using var network = new StubHttp().Expect(HttpStatusCode.Forbidden, """{"error":{"code":3}}""").Expect(HttpStatusCode.OK, "{}");
        var api = ProviderApi.Services(new NetatmoSource(), network, time).GetRequiredService<INetatmoApi>();
        var (grant, other) = (new FakeGrant(time), new FakeGrant(time));
        using var manager = TokenManagerOf("home", "old", grant);
        using var idle = TokenManagerOf("car", "idle", other);

        using var response = await api.GetHomeCoachsData(new ApiAccount(manager, new Uri("https://one.example")), Cancellation);

        Assert.Equal((1, 0), (grant.Requests, other.Requests));
        Assert.Equal("Bearer access-1", network.Calls[^1].Request.Headers.Authorization?.ToString());
    }

    [Fact]
    public async Task Calls_are_counted_for_the_account_that_made_them_each_retry_by_itself()
    {
        using var network = new StubHttp().Expect(HttpStatusCode.BadGateway).Expect(HttpStatusCode.OK, "[]").Expect(HttpStatusCode.OK, "[]");
        var api = ProviderApi.Services(new ErganiSource(), network, time).GetRequiredService<IErganiApi>();
        var (home, work) = (Opened.Context("home", time), Opened.Context("work", time));
        ApiAccount Account(AccountContext context) => new(new Secret("given"), new Uri("https://one.example")) { Calls = new ErganiCalls(context) };

        var answer = api.GetSubmissionsAsync(Account(home), Cancellation);
        await time.AdvanceUntilAsync(() => answer.IsCompleted, TimeSpan.FromSeconds(20));
        await answer;
        await api.GetServicesAsync(Account(work), Cancellation);

        Assert.Equal(["{code=\"200\",operation=\"submissions\"} 1", "{code=\"502\",operation=\"submissions\"} 1"], Counted(home));
        Assert.Equal(["{code=\"200\",operation=\"services\"} 1"], Counted(work));

        static IEnumerable<string> Counted(AccountContext context) =>
            from line in Pages.Text(context.Services.GetRequiredService<ApiMetrics>().Registry).Split('\n')
            where line.StartsWith("ergani_api_requests_total{", StringComparison.Ordinal)
            orderby line
            select line["ergani_api_requests_total".Length..];
    }

    [Fact]
    public async Task What_changes_something_at_the_provider_is_never_sent_twice()
    {
        using var network = new StubHttp().Expect(HttpStatusCode.ServiceUnavailable);
        var services = ProviderApi.Services(new ErganiSource(), network, time);

        using var response = await services.GetRequiredService<IErganiApi>().LogoutAsync(
            new ApiAccount(new Secret("given"), new Uri("https://one.example")), authorization: null, "refresh", Cancellation);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(0, services.GetRequiredKeyedService<ApiTraffic>("ergani").Retries.Value);
    }

    [Fact]
    public async Task Retries_and_timeouts_are_shown_once_for_each_source()
    {
        var services = Opened.Context("home", time).Services;
        var traffic = services.GetRequiredKeyedService<ApiTraffic>("netatmo");
        traffic.Retries.Inc(2);
        traffic.Timeouts.Inc();
        using var one = new Account("home", "netatmo", labelled: true, TokenManagerOf("home", "a"), feed: null);
        using var two = new Account("car", "netatmo", labelled: true, TokenManagerOf("car", "b"), feed: null);
        await Task.WhenAll(one.LoadAsync(ignoresLogout: true, Cancellation), two.LoadAsync(ignoresLogout: true, Cancellation));

        var page = Pages.Text(new MetricsCache([one, two], services.GetRequiredService<ApiMetrics>(), time).Current(Prometheus.ExpositionFormat.PrometheusText, gzip: false));

        Assert.Contains("\nexporter_api_retries_total{source=\"netatmo\"} 2\n", page);
        Assert.Contains("\nexporter_api_timeouts_total{source=\"netatmo\"} 1\n", page);
        Assert.Empty(await Promtool.Check(page, Cancellation));
    }

    private TokenManager TokenManagerOf(string name, string accessToken, FakeGrant? grant = null)
    {
        var token = new Token { AccessToken = new Secret(accessToken), RefreshToken = new Secret("r"), ExpiresAt = ManualTime.Start.AddDays(1) };
        return new TokenManager(name, grant ?? new FakeGrant(time), new MemoryStore(token), new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) }, time, NullLogger.Instance);
    }
}
