using System.Net;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The pages of many accounts and of many readings: a part of each, and the link to the next.</summary>
public sealed class PagingTests
{
    [Fact]
    public async Task Readings_beyond_a_page_are_on_the_next_one()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true, provider: new NetatmoProviderOptions { Stations = NetatmoSample.Large });
        bench.Run();
        await bench.UntilAsync(() => bench.Account.ReadingSource!.Status.Up);

        var seen = new HashSet<string>();
        var pages = 0;
        for (var next = "/"; next is not null; pages++)
        {
            var page = (await bench.Get(next)).Body;
            Assert.InRange(page.Length, 1000, 500_000);
            Assert.All(page.Split("<section class=\"tile\"").Skip(1), tile => Assert.True(seen.Add(tile.Split("</h3>")[0].Split('>')[^1])));
            next = page.Contains("Next readings", StringComparison.Ordinal)
                ? "/" + WebUtility.HtmlDecode(page.Split("\">Next readings")[0].Split("href=\"")[^1])
                : null;
        }

        Assert.Equal((1000, 17), (seen.Count, pages));
    }

    [Fact]
    public async Task Accounts_beyond_a_page_are_on_the_next_one()
    {
        await using var bench = await WebBench.StartAsync(names: [.. Enumerable.Range(0, 25).Select(i => $"home{i}")]);

        var (first, next) = ((await bench.Get("/")).Body, (await bench.Get("/?from=21")).Body);

        Assert.Contains("And 5 more accounts. <a href=\"?from=21\">", first, StringComparison.Ordinal);
        Assert.Contains("<a href=\"?from=1\">Previous accounts</a>", next, StringComparison.Ordinal);
        Assert.Equal((20, 5), (Sections(first), Sections(next)));
        Assert.Contains("<p id=\"counts\" data-live>25 accounts. Login needed: 25.</p>", first, StringComparison.Ordinal);

        var found = (await bench.Get("/?find=HOME2")).Body;
        Assert.Equal(6, Sections(found));
        Assert.Contains("<a href=\"./\">Show all</a>", found, StringComparison.Ordinal);

        static int Sections(string page) => page.Split("<section class=\"card\"").Length - 1;
    }

    [Theory]
    [InlineData("/?from=2147483647")]
    [InlineData("/?from=-2147483648")]
    [InlineData("/?account=other&from=9")]
    [InlineData("/?from=1&from=2")]
    [InlineData("/?from=x")]
    public async Task A_wrong_part_is_no_server_error(string path)
    {
        await using var bench = await WebBench.StartAsync();

        Assert.InRange((int)(await bench.Get(path)).Status, 200, 400);
    }
}
