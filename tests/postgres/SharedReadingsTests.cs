using System.Text.RegularExpressions;
using Exporter.Accounts;
using Exporter.Postgres;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>A scrape of any replica gives the whole page.</summary>
public sealed partial class SharedReadingsTests(SharedDatabase database) : IClassFixture<SharedDatabase>, IAsyncLifetime
{
    private const string Home = """scripted_temperature_celsius{account="home"} 21.5""";

    private readonly ScriptedApi api = new();
    private ReplicaBench polling = null!;
    private ReplicaBench scraped = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.EmptyAsync(Cancellation);
        (polling, scraped) = (new ReplicaBench(database, api: api), new ReplicaBench(database, api: api));
        await scraped.Get<SharedReadings>().StartAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await polling.DisposeAsync();
        await scraped.DisposeAsync();
    }

    [Fact]
    public async Task A_reading_of_one_replica_is_on_the_page_of_another()
    {
        await CreateAsync("home");

        await polling.StartPollsAsync();

        await scraped.PageUntilAsync(Home);
        await scraped.PageUntilAsync("""exporter_up{account="home",source="scripted"} 1""");
        await scraped.PageUntilAsync("""exporter_token_state{account="home",source="scripted",state="active"} 1""");
        Assert.DoesNotContain("exporter_token_renewals_total", await scraped.PageAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_is_ready_when_it_has_read_the_accounts()
    {
        Assert.NotNull(polling.Get<IReadiness>().Waiting);

        await polling.Get<SharedReadings>().StartAsync(Cancellation);

        while (polling.Get<IReadiness>().Waiting is not null)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Cancellation);
        }
    }

    [Fact]
    public async Task The_state_of_a_token_follows_a_logout_at_another_replica()
    {
        var row = await CreateAsync("home");
        await polling.StartPollsAsync();
        await scraped.PageUntilAsync(Home);

        await polling.Rows.LogOutAsync(row.Id, Cancellation);

        await scraped.PageUntilAsync("""exporter_login_required{account="home",source="scripted"} 1""");
    }

    [Fact]
    public async Task A_deleted_account_leaves_the_page()
    {
        await CreateAsync("home");
        await polling.StartPollsAsync();
        await scraped.PageUntilAsync(Home);

        await polling.Get<AccountCatalog>().DeleteAsync("home", Cancellation);

        await scraped.PageUntilAsync(Home, contains: false);
        Assert.DoesNotContain("account=\"home\"", await scraped.PageAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_database_the_readings_stay_and_their_age_grows()
    {
        await CreateAsync("home");
        await polling.StartPollsAsync();
        await scraped.PageUntilAsync(Home);

        await database.StoppedAsync(polling, async () =>
        {
            scraped.Time.Advance(TimeSpan.FromMinutes(3));
            var page = await scraped.PageAsync();
            Assert.Contains(Home, page, StringComparison.Ordinal);
            Assert.InRange(double.Parse(Age().Match(page).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture), 170, 400);
        }, Cancellation);

        // Changes during the stop are read when the connection is back.
        await database.QueryAsync("update account set reads = reads", Cancellation);
        await polling.Get<AccountCatalog>().DeleteAsync("home", Cancellation);
        var gone = scraped.PageUntilAsync(Home, contains: false);
        await scraped.AdvanceUntilAsync(gone);
    }

    [Fact]
    public async Task Shards_divide_the_accounts_and_stay_the_same_when_accounts_come()
    {
        for (var i = 0; i < 30; i++)
        {
            await CreateAsync($"home-{i}");
        }
        await polling.StartPollsAsync();
        await database.UntilAsync("select count(*) from reading where content is null", "0", Cancellation);
        await scraped.PageUntilAsync("""scripted_temperature_celsius{account="home-29"} 21.5""");
        while (Accounts(await scraped.PageAsync()).Count < 30)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancellation);
        }

        var before = await ShardsAsync();
        await CreateAsync("house");
        await polling.AdvanceUntilAsync(scraped.PageUntilAsync("""scripted_temperature_celsius{account="house"} 21.5"""));
        var after = await ShardsAsync();

        Assert.Equal(30, before.Sum(part => part.Count));
        Assert.Equal(30, before.SelectMany(part => part).Distinct().Count());
        Assert.All(before, part => Assert.NotEmpty(part));
        Assert.Equal(before, after.Select(part => part.Where(name => name != "house").ToList()));
        Assert.DoesNotContain("exporter_accounts{", await scraped.PageAsync(new Shard(0, 3)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0/1", true)]
    [InlineData("99/100", true)]
    [InlineData("3/3", false)]
    [InlineData("-1/3", false)]
    [InlineData("0/101", false)]
    [InlineData("1", false)]
    [InlineData("a/b", false)]
    [InlineData("", false)]
    public void A_shard_is_a_part_of_a_number(string text, bool isShard) => Assert.Equal(isShard, Shard.Parse(text).Failure is null);

    private async Task<List<List<string>>> ShardsAsync()
    {
        var parts = new List<List<string>>();
        for (var i = 0; i < 3; i++)
        {
            parts.Add(Accounts(await scraped.PageAsync(new Shard(i, 3))));
        }
        return parts;
    }

    private static List<string> Accounts(string page) =>
        [.. page.Split('\n').Where(line => line.StartsWith("scripted_temperature_celsius{", StringComparison.Ordinal)).Select(line => line.Split('"')[1])];

    private async Task<AccountRow> CreateAsync(string name)
    {
        var row = await polling.CreateAsync(name);
        await polling.IsNotDueAsync();
        return row;
    }

    [GeneratedRegex("""exporter_reading_age_seconds\{account="home",source="scripted"\} (\S+)""")]
    private static partial Regex Age();
}
