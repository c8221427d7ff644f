using Exporter.Accounts;
using Exporter.Metrics;
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
    public async Task Every_account_has_the_generic_series()
    {
        var now = time.GetUtcNow();
        var status = new ReadingStatus { Up = true, LastTry = now, ReadAt = now, NextTry = now.AddMinutes(8), Tries = 3 };
        var good = Add("home", new FakeReadingSource(status));
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
    public void An_account_that_flags_configure_has_no_account_label()
    {
        Add("netatmo", new FakeReadingSource(new ReadingStatus()), hasAccountLabel: false);

        Assert.Contains("exporter_up{source=\"netatmo\"} 0\n", Text(), StringComparison.Ordinal);
        Assert.DoesNotContain("account=", Text(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reading_is_encoded_again_only_when_it_changes_or_becomes_stale()
    {
        var source = new FakeReadingSource(new ReadingStatus { Up = true }) { ChangesAt = time.GetUtcNow().AddHours(1) };
        Add("home", source);
        var cache = New();

        var first = cache.Current(ExpositionFormat.PrometheusText, gzip: false).Readings;
        Assert.Same(first, cache.Current(ExpositionFormat.PrometheusText, gzip: false).Readings);

        time.Advance(TimeSpan.FromHours(1));
        source.ChangesAt = null;
        var stale = cache.Current(ExpositionFormat.PrometheusText, gzip: false).Readings;
        Assert.NotSame(first, stale);

        source.Status = new ReadingStatus { Up = false };
        Assert.NotSame(stale, cache.Current(ExpositionFormat.PrometheusText, gzip: false).Readings);
        Assert.Equal(3, source.Collections);
    }

    [Fact]
    public async Task A_renewal_does_not_encode_the_readings_again()
    {
        var account = Add("home", new FakeReadingSource(new ReadingStatus { Up = true }) { ChangesAt = time.GetUtcNow().AddHours(1) });
        var cache = New();
        var before = cache.Current(ExpositionFormat.PrometheusText, gzip: false);

        var token = new Token { AccessToken = new Secret("a"), ExpiresAt = time.GetUtcNow().AddHours(3) };
        await account.TokenManager.AdoptAsync(token, CancellationToken.None);
        var after = cache.Current(ExpositionFormat.PrometheusText, gzip: false);

        Assert.Same(before.Readings, after.Readings);
        Assert.NotSame(before.State, after.State);
    }

    [Fact]
    public void A_change_while_a_page_is_written_does_not_affect_the_page()
    {
        var account = Add(
            "home", new FakeReadingSource(new ReadingStatus { Up = true, ReadAt = time.GetUtcNow() }),
            live: new("home_up", "Up.", MetricKind.Gauge, snapshot => snapshot.ReadingStatus!.Up ? 1 : 0));
        var moment = New().Current(ExpositionFormat.PrometheusText, gzip: false);
        ((FakeReadingSource)account.ReadingSource!).Status = new ReadingStatus { Up = false, ReadAt = time.GetUtcNow().AddMinutes(8) };
        time.Advance(TimeSpan.FromMinutes(9));

        var page = Pages.Text(moment);

        Assert.Contains("exporter_up{account=\"home\",source=\"netatmo\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("home_up{account=\"home\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("exporter_reading_age_seconds{account=\"home\",source=\"netatmo\"} 0\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Live_values_are_read_for_every_scrape_except_within_ten_milliseconds()
    {
        double? value = 1;
        Add(
            "home", new FakeReadingSource(new ReadingStatus { Up = true, ReadAt = time.GetUtcNow() }),
            live: new("home_live", "Live.", MetricKind.Gauge, _ => value));
        var cache = New();
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

        string Page() => Pages.Text(cache.Current(ExpositionFormat.PrometheusText, gzip: false));
    }

    [Fact]
    public void Counts_of_calls_appear_on_the_page_with_the_next_change()
    {
        var source = new FakeReadingSource(new ReadingStatus());
        Add("home", source);
        api.Factory.CreateCounter("netatmo_api_requests_total", "Calls.", ["account"]).WithLabels("home").Inc();
        var cache = New();
        Assert.Contains("netatmo_api_requests_total{account=\"home\"} 1\n", Text(cache), StringComparison.Ordinal);

        api.Factory.CreateCounter("netatmo_api_requests_total", "Calls.", ["account"]).WithLabels("home").Inc();
        Assert.Contains("netatmo_api_requests_total{account=\"home\"} 1\n", Text(cache), StringComparison.Ordinal);

        source.Status = new ReadingStatus { Up = true };
        Assert.Contains("netatmo_api_requests_total{account=\"home\"} 2\n", Text(cache), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_scrape_during_encoding_returns_the_previous_page_without_waiting()
    {
        var source = new FakeReadingSource(new ReadingStatus { Up = true });
        Add("home", source);
        var cache = New();
        var before = cache.Current(ExpositionFormat.PrometheusText, gzip: false);
        using var started = new SemaphoreSlim(0);
        using var finish = new SemaphoreSlim(0);
        source.Status = new ReadingStatus { Up = false };
        source.Collecting = () =>
        {
            started.Release();
            finish.Wait();
        };

        var making = Task.Run(() => cache.Current(ExpositionFormat.PrometheusText, gzip: false), CancellationToken.None);
        await started.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Same(before, cache.Current(ExpositionFormat.PrometheusText, gzip: false));
        finish.Release();

        var after = await making;
        Assert.NotSame(before.Readings, after.Readings);
        Assert.Same(after, cache.Current(ExpositionFormat.PrometheusText, gzip: false));
    }

    [Fact]
    public void A_new_reading_of_one_account_does_not_collect_the_others()
    {
        var (quiet, busy) = (new FakeReadingSource(new ReadingStatus()), new FakeReadingSource(new ReadingStatus()));
        Add("quiet", quiet);
        Add("busy", busy);
        var cache = New();
        _ = cache.Current(ExpositionFormat.PrometheusText, gzip: false);
        busy.Status = new ReadingStatus { Up = true };
        _ = cache.Current(ExpositionFormat.PrometheusText, gzip: false);

        Assert.Equal((1, 2), (quiet.Collections, busy.Collections));
    }

    [Fact]
    public void The_samples_of_all_accounts_are_in_one_family()
    {
        Add("home", new FakeReadingSource(new ReadingStatus()));
        Add("office", new FakeReadingSource(new ReadingStatus()));

        Assert.Contains("# TYPE reading gauge\nreading{account=\"home\"} 1\nreading{account=\"office\"} 1\n", Text(), StringComparison.Ordinal);
    }

    public void Dispose() => accounts.ForEach(a => a.Dispose());

    private Account Add(string name, IReadingSource? source, bool hasAccountLabel = true, LiveValue? live = null)
    {
        var options = new TokenManagerOptions { Random = new Random(1) };
        var manager = new TokenManager(name, new NeverGrant(), new MemoryStore(), options, time, NullLogger<TokenManager>.Instance);
        var account = new Account(name, "netatmo", hasAccountLabel, manager, source) { Live = live is null ? [] : [live] };
        accounts.Add(account);
        return account;
    }

    private MetricsCache New() => new(new(accounts), api, time);

    private string Text() => Text(New());

    private static string Text(MetricsCache cache) => Pages.Text(cache.Current(ExpositionFormat.PrometheusText, gzip: false));

    private sealed class FakeReadingSource(ReadingStatus status) : IReadingSource
    {
        public ReadingStatus Status { get; set; } = status;

        public DateTimeOffset? ChangesAt { get; set; }

        public int Collections { get; private set; }

        public Action Collecting { get; set; } = () => { };

        public Task Changed { get; } = new TaskCompletionSource().Task;

        public ReadingMetrics Collect(DateTimeOffset now)
        {
            Collections++;
            Collecting();
            return new ReadingMetrics([MetricFamily.Gauge("reading", "A reading.", 1)], ChangesAt) { Status = Status };
        }

        public Presentation Present(DateTimeOffset now) => Presentation.Empty;

        public Task RunAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class NeverGrant : IGrant
    {
        public bool CanRenew(Token? current) => current?.RefreshToken is not null;

        public Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("unexpected renewal");
    }
}
