using Exporter.Metrics;
using Exporter.Accounts;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using Xunit;

namespace Exporter.Tests.Accounts;

public sealed class MetricsCacheTests : IDisposable
{
    private readonly ManualTime time = new();
    private readonly List<Account> accounts = [];
    private readonly ApiMetrics api = new();

    [Fact]
    public async Task Every_account_has_the_generic_series_whatever_its_source()
    {
        var good = Add("home", new FixedFeed(new FeedStatus { Up = true, LastTry = time.GetUtcNow(), ReadAt = time.GetUtcNow(), NextTry = time.GetUtcNow().AddMinutes(8), Tries = 3 }));
        await good.TokenManager.AdoptAsync(new Token
        {
            AccessToken = new Secret("a"),
            RefreshToken = new Secret("r"),
            ExpiresAt = time.GetUtcNow().AddHours(3),
            RefreshExpiresAt = time.GetUtcNow().AddDays(14),
        }, CancellationToken.None);
        Add("car", null);

        Golden.CheckPage("accounts/accounts.prom", Text());
    }

    [Fact]
    public void An_account_by_flags_alone_has_no_account_label()
    {
        Add("netatmo", new FixedFeed(new FeedStatus()), labelled: false);

        Assert.Contains("exporter_up{source=\"netatmo\"} 0\n", Text(), StringComparison.Ordinal);
        Assert.DoesNotContain("account=", Text(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reading_is_encoded_once_and_again_only_when_it_changes_or_grows_stale()
    {
        var feed = new FixedFeed(new FeedStatus { Up = true }) { ChangesAt = time.GetUtcNow().AddHours(1) };
        Add("home", feed);
        var exposition = New();

        var first = exposition.Current(ExpositionFormat.PrometheusText, gzip: false).Readings;
        Assert.Same(first, exposition.Current(ExpositionFormat.PrometheusText, gzip: false).Readings);

        time.Advance(TimeSpan.FromHours(1));
        feed.ChangesAt = null;
        var stale = exposition.Current(ExpositionFormat.PrometheusText, gzip: false).Readings;
        Assert.NotSame(first, stale);

        feed.Status = new FeedStatus { Up = false };
        Assert.NotSame(stale, exposition.Current(ExpositionFormat.PrometheusText, gzip: false).Readings);
        Assert.Equal(3, feed.Exposures);
    }

    [Fact]
    public async Task A_renewal_changes_the_state_and_leaves_the_readings_encoded()
    {
        var account = Add("home", new FixedFeed(new FeedStatus { Up = true }) { ChangesAt = time.GetUtcNow().AddHours(1) });
        var exposition = New();
        var before = exposition.Current(ExpositionFormat.PrometheusText, gzip: false);

        await account.TokenManager.AdoptAsync(new Token { AccessToken = new Secret("a"), ExpiresAt = time.GetUtcNow().AddHours(3) }, CancellationToken.None);
        var after = exposition.Current(ExpositionFormat.PrometheusText, gzip: false);

        Assert.Same(before.Readings, after.Readings);
        Assert.NotSame(before.State, after.State);
    }

    [Fact]
    public void A_page_says_one_thing_of_an_account_whatever_happens_while_it_is_written()
    {
        var account = Add("home", new FixedFeed(new FeedStatus { Up = true, ReadAt = time.GetUtcNow() }), live: new("home_up", "Up.", MetricKind.Gauge, moment => moment.Feed!.Up ? 1 : 0));
        var moment = New().Current(ExpositionFormat.PrometheusText, gzip: false);
        ((FixedFeed)account.Feed!).Status = new FeedStatus { Up = false, ReadAt = time.GetUtcNow().AddMinutes(8) };
        time.Advance(TimeSpan.FromMinutes(9));

        var page = Pages.Text(moment);

        Assert.Contains("exporter_up{account=\"home\",source=\"netatmo\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("home_up{account=\"home\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("exporter_reading_age_seconds{account=\"home\",source=\"netatmo\"} 0\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void What_time_alone_changes_is_read_again_for_every_scrape_but_those_within_ten_milliseconds()
    {
        double? value = 1;
        Add("home", new FixedFeed(new FeedStatus { Up = true, ReadAt = time.GetUtcNow() }), live: new("home_live", "Live.", MetricKind.Gauge, _ => value));
        var exposition = New();
        Assert.Contains("home_live{account=\"home\"} 1\n", Page(), StringComparison.Ordinal);

        value = 2.5;
        time.Advance(TimeSpan.FromMilliseconds(9));
        Assert.Contains("home_live{account=\"home\"} 1\n", Page(), StringComparison.Ordinal);

        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Contains("home_live{account=\"home\"} 2.5\n", Page(), StringComparison.Ordinal);

        value = null;
        time.Advance(TimeSpan.FromMinutes(9));
        Assert.Contains("exporter_reading_age_seconds{account=\"home\",source=\"netatmo\"} 540.01\n", Page(), StringComparison.Ordinal);
        Assert.DoesNotContain("home_live", Page(), StringComparison.Ordinal);

        string Page() => Pages.Text(exposition.Current(ExpositionFormat.PrometheusText, gzip: false));
    }

    [Fact]
    public void Calls_of_all_accounts_are_counted_in_one_registry_and_shown_with_the_next_change()
    {
        var feed = new FixedFeed(new FeedStatus());
        Add("home", feed);
        api.Factory.CreateCounter("netatmo_api_requests_total", "Calls.", ["account"]).WithLabels("home").Inc();
        var exposition = New();
        Assert.Contains("netatmo_api_requests_total{account=\"home\"} 1\n", Text(exposition), StringComparison.Ordinal);

        api.Factory.CreateCounter("netatmo_api_requests_total", "Calls.", ["account"]).WithLabels("home").Inc();
        Assert.Contains("netatmo_api_requests_total{account=\"home\"} 1\n", Text(exposition), StringComparison.Ordinal);

        feed.Status = new FeedStatus { Up = true };
        Assert.Contains("netatmo_api_requests_total{account=\"home\"} 2\n", Text(exposition), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_asks_while_a_page_is_made_is_given_the_one_before_and_does_not_wait()
    {
        var feed = new FixedFeed(new FeedStatus { Up = true });
        Add("home", feed);
        var exposition = New();
        var before = exposition.Current(ExpositionFormat.PrometheusText, gzip: false);
        using var begun = new SemaphoreSlim(0);
        using var finish = new SemaphoreSlim(0);
        feed.Status = new FeedStatus { Up = false };
        feed.Exposing = () =>
        {
            begun.Release();
            finish.Wait();
        };

        var making = Task.Run(() => exposition.Current(ExpositionFormat.PrometheusText, gzip: false), CancellationToken.None);
        await begun.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Same(before, exposition.Current(ExpositionFormat.PrometheusText, gzip: false));
        finish.Release();

        var after = await making;
        Assert.NotSame(before.Readings, after.Readings);
        Assert.Same(after, exposition.Current(ExpositionFormat.PrometheusText, gzip: false));
    }

    [Fact]
    public void One_accounts_new_reading_is_no_work_for_the_others()
    {
        var (quiet, busy) = (new FixedFeed(new FeedStatus()), new FixedFeed(new FeedStatus()));
        Add("quiet", quiet);
        Add("busy", busy);
        var exposition = New();
        _ = exposition.Current(ExpositionFormat.PrometheusText, gzip: false);
        busy.Status = new FeedStatus { Up = true };
        _ = exposition.Current(ExpositionFormat.PrometheusText, gzip: false);

        Assert.Equal((1, 2), (quiet.Exposures, busy.Exposures));
    }

    [Fact]
    public void One_family_holds_the_samples_of_all_accounts()
    {
        Add("home", new FixedFeed(new FeedStatus()));
        Add("office", new FixedFeed(new FeedStatus()));

        Assert.Contains("# TYPE reading gauge\nreading{account=\"home\"} 1\nreading{account=\"office\"} 1\n", Text(), StringComparison.Ordinal);
    }

    public void Dispose() => accounts.ForEach(a => a.Dispose());

    private Account Add(string name, IFeed? feed, bool labelled = true, LiveValue? live = null)
    {
        var manager = new TokenManager(name, new NeverGrant(), new MemoryStore(), new TokenManagerOptions { Random = new Random(1) }, time, NullLogger.Instance);
        var account = new Account(name, "netatmo", labelled, manager, feed) { Live = live is null ? [] : [live] };
        accounts.Add(account);
        return account;
    }

    private MetricsCache New() => new(accounts, api, time);

    private string Text() => Text(New());

    private static string Text(MetricsCache exposition) => Pages.Text(exposition.Current(ExpositionFormat.PrometheusText, gzip: false));

    private sealed class FixedFeed(FeedStatus status) : IFeed
    {
        public FeedStatus Status { get; set; } = status;

        public DateTimeOffset? ChangesAt { get; set; }

        public int Exposures { get; private set; }

        public Action Exposing { get; set; } = () => { };

        public Task Changed { get; } = new TaskCompletionSource().Task;

        public Exposed Expose(DateTimeOffset now)
        {
            Exposures++;
            Exposing();
            return new Exposed([MetricFamily.Gauge("reading", "A reading.", 1)], ChangesAt) { Status = Status };
        }

        public Task RunAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class NeverGrant : IGrant
    {
        public bool CanRenew(Token? current) => current?.RefreshToken is not null;

        public Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken) => throw new InvalidOperationException("no renewal is expected here");
    }
}
