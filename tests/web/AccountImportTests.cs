using System.Net;
using System.Text;
using System.Text.Json;
using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The import of accounts as JSON lines.</summary>
public sealed class AccountImportTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_line_has_its_own_result_and_a_bad_one_does_not_stop_the_rest()
    {
        await using var bench = await SharedBench.StartAsync();
        string[] lines =
        [
            """{"name":"a","template":"home","refresh_token":"token-a"}""",
            "",
            "{broken",
            """{"name":"b","template":"none"}""",
            """{"name":"a","template":"home"}""",
            $$"""{"name":"{{new string('x', 20_000)}}","template":"home"}""",
            """{"name":"c d","template":"home"}""",
            """  {"name":"d","template":"home"}  """,
        ];

        // Lines of Windows, a byte order mark, and no line break at the end.
        var reply = await ImportAsync(bench, '\uFEFF' + string.Join("\r\n", lines));

        Assert.Equal((HttpStatusCode.OK, "application/jsonl"), (reply.Status, reply.Header("Content-Type")));
        Assert.Equal(
            [
                (1, "a", "created", null), (3, null, "failed", "malformed"), (4, "b", "failed", "unknown_template"), (5, "a", "failed", "name_taken"),
                (6, null, "failed", "malformed"), (7, "c d", "failed", "invalid_name"), (8, "d", "created", null),
            ],
            Results(reply.Body));
        Assert.Equal(["a", "d"], bench.Rows.All.Keys.Order());
        Assert.Equal("token-a", bench.Rows.All["a"].Account.RefreshToken!.Reveal());
        bench.Log.HoldNone("token-a");
    }

    [Fact]
    public async Task An_empty_import_has_no_result()
    {
        await using var bench = await SharedBench.StartAsync();

        Assert.Equal((HttpStatusCode.OK, ""), await ImportAsync(bench, "") is var empty ? (empty.Status, empty.Body) : default);
        Assert.Equal((HttpStatusCode.OK, ""), await ImportAsync(bench, "\n \n\r\n") is var blank ? (blank.Status, blank.Body) : default);
    }

    [Fact]
    public async Task Tens_of_thousands_of_lines_get_their_results_in_order()
    {
        await using var bench = await SharedBench.StartAsync();
        const int Count = 20_000;
        using var client = WebBench.NewBrowser();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(bench.First.Address, "/api/accounts/import"));
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {SharedBench.Writer}");
        request.Content = new StringContent(
            string.Concat(Enumerable.Range(0, Count).Select(i => $$"""{"name":"n{{i}}","template":"home"}""" + "\n")), Encoding.UTF8, "application/jsonl");
        request.Content.Headers.ContentType!.CharSet = null;

        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        var results = Results(await response.Content.ReadAsStringAsync(Cancellation));

        Assert.Equal(Enumerable.Range(0, Count).Select(i => (i + 1, (string?)$"n{i}", "created", (string?)null)), results);
        Assert.Equal(Count, bench.Rows.All.Count);
    }

    [Fact]
    public async Task A_line_creates_its_account_before_the_next_line_is_complete()
    {
        await using var bench = await SharedBench.StartAsync();
        using var body = new Interactive();
        using var client = WebBench.NewBrowser();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(bench.First.Address, "/api/accounts/import")) { Content = body };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {SharedBench.Writer}");
        request.Headers.ExpectContinue = false;

        var sending = client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        await body.SendAsync("""{"name":"a","template":"home"}""" + "\n{\"name\":");
        while (!bench.Rows.All.ContainsKey("a"))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Cancellation);
        }
        await body.SendAsync("""
            "b","template":"home"}
            """);
        body.End();
        using var response = await sending;

        Assert.Equal([(1, "a", "created", null), (2, "b", "created", null)], Results(await response.Content.ReadAsStringAsync(Cancellation)));
    }

    [Fact]
    public async Task A_name_that_occurs_twice_belongs_to_the_first_line()
    {
        await using var bench = await SharedBench.StartAsync();
        var first = true;
        bench.Rows.Creating = async _ =>
        {
            if (first)
            {
                first = false;
                await Task.Yield();
            }
        };

        var reply = await ImportAsync(bench, """
            {"name":"a","template":"home"}
            {"name":"a","template":"fleet"}
            """);

        Assert.Equal([(1, "a", "created", null), (2, "a", "failed", "name_taken")], Results(reply.Body));
        Assert.Equal("home", bench.Rows.All["a"].Account.Template);
    }

    [Fact]
    public async Task Lines_during_an_outage_of_the_database_fail_temporarily()
    {
        await using var bench = await SharedBench.StartAsync();
        bench.Rows.Creating = account => account.Name == "b"
            ? throw new StoreUnavailableException("the connection was lost", TimeSpan.FromSeconds(5))
            : Task.CompletedTask;

        var reply = await ImportAsync(bench, string.Concat("abc".Select(name => $$"""{"name":"{{name}}","template":"home"}""" + "\n")));

        Assert.Equal([(1, "a", "created", null), (2, "b", "failed", "store_unavailable"), (3, "c", "created", null)], Results(reply.Body));
    }

    [Fact]
    public async Task A_key_for_some_templates_imports_no_account_of_others()
    {
        await using var bench = await SharedBench.StartAsync();

        var reply = await ImportAsync(bench, """
            {"name":"a","template":"home"}
            {"name":"b","template":"fleet"}
            """, SharedBench.OfFleet);

        Assert.Equal([(1, "a", "failed", "template_not_permitted"), (2, "b", "created", null)], Results(reply.Body));
    }

    private static Task<Reply> ImportAsync(SharedBench bench, string body, string key = SharedBench.Writer) =>
        bench.Send(HttpMethod.Post, "/api/accounts/import", key, body, "application/jsonl");

    private static IEnumerable<(int Line, string? Name, string Result, string? Code)> Results(string body) =>
        body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).Select(json => (
            json.GetProperty("line").GetInt32(), json.GetProperty("name").GetString(), json.GetProperty("result").GetString()!,
            json.GetProperty("code").GetString()));

    /// <summary>A body that is sent piece by piece.</summary>
    private sealed class Interactive : HttpContent
    {
        private readonly TaskCompletionSource<Stream> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Interactive() => Headers.TryAddWithoutValidation("Content-Type", "application/jsonl");

        public async Task SendAsync(string text)
        {
            var stream = await started.Task;
            await stream.WriteAsync(Encoding.UTF8.GetBytes(text), Cancellation);
            await stream.FlushAsync(Cancellation);
        }

        public void End() => ended.SetResult();

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            started.SetResult(stream);
            return ended.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
