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

public sealed class ApiClientsTests
{
    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_client_sends_the_requests_of_each_account_to_its_address_with_its_token()
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
    public void Accounts_share_the_clients_for_API_and_token_requests()
    {
        var services = Composition.Services(time, NullLoggerFactory.Instance);
        AccountContext Open(string name) => new(name, true, new MemoryStore(), new TokenManagerOptions(), services);

        Assert.Same(services.GetRequiredService<INetatmoApi>(), services.GetRequiredService<INetatmoApi>());
        Assert.Same(services.GetRequiredService<IErganiApi>(), services.GetRequiredService<IErganiApi>());
        Assert.Same(Open("one").TokenHttp, Open("two").TokenHttp);
    }

    [Fact]
    public async Task A_rejected_token_is_renewed_by_the_token_manager_of_its_account()
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
    public async Task Calls_and_each_of_their_retries_are_counted_for_their_account()
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
    public async Task A_request_that_the_budget_does_not_allow_is_not_sent_and_neither_is_a_retry()
    {
        using var network = new StubHttp().Expect(HttpStatusCode.BadGateway);
        var api = ProviderApi.Services(new NetatmoSource(), network, time).GetRequiredService<INetatmoApi>();
        var budget = new CountedBudgets { Left = 1 }.Open(new BudgetKey("netatmo", "Netatmo", "home"), []);
        var account = new ApiAccount(new Secret("given"), new Uri("https://one.example")) { Budget = budget };

        var sending = api.GetHomeCoachsData(account, Cancellation);
        await time.AdvanceUntilAsync(() => sending.IsCompleted, TimeSpan.FromSeconds(20));

        using var response = await sending;
        Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(91)), (response.StatusCode, response.Headers?.RetryAfter?.Delta));
        Assert.Equal((1, 1), (network.Calls.Count, budget.Used));
    }

    [Fact]
    public async Task A_request_that_changes_data_at_the_provider_is_never_retried()
    {
        using var network = new StubHttp().Expect(HttpStatusCode.ServiceUnavailable);
        var services = ProviderApi.Services(new ErganiSource(), network, time);

        using var response = await services.GetRequiredService<IErganiApi>().LogoutAsync(
            new ApiAccount(new Secret("given"), new Uri("https://one.example")), authorization: null, "refresh", Cancellation);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(0, services.GetRequiredService<ApiMetrics>().Retries("ergani").Value);
    }

    [Fact]
    public async Task Retries_and_timeouts_are_one_series_for_each_source()
    {
        var services = Opened.Context("home", time).Services;
        var metrics = services.GetRequiredService<ApiMetrics>();
        metrics.Retries("netatmo").Inc(2);
        metrics.Timeouts("netatmo").Inc();
        using var one = new Account("home", "netatmo", hasAccountLabel: true, TokenManagerOf("home", "a"), readingSource: null);
        using var two = new Account("car", "netatmo", hasAccountLabel: true, TokenManagerOf("car", "b"), readingSource: null);
        await Task.WhenAll(one.LoadAsync(isProgramStart: true, Cancellation), two.LoadAsync(isProgramStart: true, Cancellation));

        var cache = new MetricsCache(new([one, two]), metrics, time);
        var page = Pages.Text(cache.Current(Prometheus.ExpositionFormat.PrometheusText, gzip: false));

        Assert.Contains("\nexporter_api_retries_total{source=\"netatmo\"} 2\n", page);
        Assert.Contains("\nexporter_api_timeouts_total{source=\"netatmo\"} 1\n", page);
        Assert.Empty(await Promtool.Check(page, Cancellation));
    }

    private TokenManager TokenManagerOf(string name, string accessToken, FakeGrant? grant = null)
    {
        var token = new Token { AccessToken = new Secret(accessToken), RefreshToken = new Secret("r"), ExpiresAt = ManualTime.Start.AddDays(1) };
        var options = new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) };
        return new TokenManager(name, grant ?? new FakeGrant(time), new MemoryStore(token), options, time, NullLogger<TokenManager>.Instance);
    }
}
