using System.Net;
using System.Text.RegularExpressions;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The start page of a program with shared accounts.</summary>
public sealed partial class SharedAccountsPageTests
{
    [Fact]
    public async Task It_shows_twenty_accounts_with_links_to_the_next_and_to_their_cards()
    {
        await using var bench = await StartAsync(45);

        var seen = new List<string>();
        var pages = 0;
        for (var next = "/"; next is not null; pages++)
        {
            var page = (await bench.Get(next)).Body;
            seen.AddRange(Links().Matches(page).Select(link => link.Groups[1].Value));
            next = page.Contains(">Next accounts<", StringComparison.Ordinal)
                ? "/" + WebUtility.HtmlDecode(page.Split("\">Next accounts")[0].Split("href=\"")[^1])
                : null;
        }

        Assert.Equal(3, pages);
        Assert.Equal(Enumerable.Range(0, 45).Select(i => $"car-{i:00}"), seen);
        Assert.Contains("<a href=\"?\">First accounts</a>", (await bench.Get("/?after=car-19")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_finds_accounts_by_name_and_state()
    {
        await using var bench = await StartAsync(45);
        bench.Rows.Add("lost-1", state: "lost");

        var (lost, named) = ((await bench.Get("/?find=&state=lost")).Body, (await bench.Get("/?find=R-1&state=")).Body);

        Assert.Equal(["lost-1"], Names(lost));
        Assert.Contains("<option value=\"lost\" selected>Login lost</option>", lost, StringComparison.Ordinal);
        Assert.Contains("1 found.", lost, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(10, 10).Select(i => $"car-{i}"), Names(named));
        Assert.Contains("<a href=\"?state=active\">Working: 45</a>", lost, StringComparison.Ordinal);
        Assert.Contains("46 accounts.", lost, StringComparison.Ordinal);
        Assert.Contains("There is no such account.", (await bench.Get("/?find=none")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_is_as_expected()
    {
        await using var bench = await StartAsync(1);
        bench.Rows.Add("lost-1", "fleet", "lost");
        bench.Rows.Add("new-1", state: "missing");

        Golden.Check("web/shared-accounts.html", Content((await bench.Get("/")).Body));
    }

    [Fact]
    public async Task The_card_of_an_account_opens_it()
    {
        await using var bench = await StartAsync(1);

        var page = await bench.Get("/?account=car-00");

        var account = bench.First.Accounts.Opened.Single();
        Assert.Contains($"<section class=\"card\" id=\"{AccountKey.CardOf(account)}\"", page.Body, StringComparison.Ordinal);
        Assert.Contains("href=\"auth?account=car-00\">Log in at Netatmo</a>", page.Body, StringComparison.Ordinal);
        foreach (var unknown in new[] { "none", "..%2Fetc", "%3Cb%3E", new string('x', 200) })
        {
            Assert.Equal((HttpStatusCode.NotFound, "Unknown account"),
                await bench.Get($"/?account={unknown}") is var reply ? (reply.Status, reply.Title) : default);
        }
    }

    [Fact]
    public async Task While_the_database_cannot_be_reached_it_shows_what_it_read_last_and_its_age()
    {
        await using var bench = await StartAsync(3);
        var before = Names((await bench.Get("/")).Body);
        bench.Clock.Advance(TimeSpan.FromMinutes(2));
        bench.Rows.Outage = new StoreOutage(bench.Clock.GetUtcNow(), "the connection was refused");
        bench.Clock.Advance(TimeSpan.FromMinutes(3));

        var (page, other) = (await bench.Get("/"), await bench.Get("/?find=car"));

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal(before, Names(page.Body));
        Assert.Contains(": the connection was refused.", page.Body, StringComparison.Ordinal);
        Assert.Contains(">5\u00a0min 0\u00a0s ago</time>", WebUtility.HtmlDecode(page.Body), StringComparison.Ordinal);
        Assert.Contains("This part of the list was not read before.", other.Body, StringComparison.Ordinal);
        Assert.Empty(Names(other.Body));
        var card = await bench.Get("/?account=car-00");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "The database cannot be reached"), (card.Status, card.Title));

        bench.Rows.Outage = null;
        Assert.DoesNotContain("class=\"notice", (await bench.Get("/")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_denied_login_names_the_API_for_a_link()
    {
        await using var bench = await StartAsync(1);
        bench.DirectoryPath.Write("token-car-00.json", """{"access_token":"a","refresh_token":"b"}""");

        var reply = await bench.Get("/auth?account=car-00");

        Assert.Equal((HttpStatusCode.Forbidden, "You may not log in from here"), (reply.Status, reply.Title));
        Assert.Contains("POST /api/accounts/NAME/login-link", reply.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("docker exec", reply.Body, StringComparison.Ordinal);
    }

    private static async Task<SharedBench> StartAsync(int count)
    {
        var bench = await SharedBench.StartAsync();
        foreach (var i in Enumerable.Range(0, count))
        {
            bench.Rows.Add($"car-{i:00}");
        }
        return bench;
    }

    private static IEnumerable<string> Names(string page) => Links().Matches(page).Select(link => link.Groups[1].Value);

    private static string Content(string page) => "<main" + page.Split("<main")[1].Split("</main>")[0] + "</main>\n";

    [GeneratedRegex("<th scope=\"row\"><a href=\"\\?account=([^\"]+)\">")]
    private static partial Regex Links();
}
