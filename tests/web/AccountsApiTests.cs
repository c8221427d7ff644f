using System.Net;
using System.Text.Json;
using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The API for shared accounts.</summary>
public sealed class AccountsApiTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_account_is_created_found_listed_and_deleted()
    {
        await using var bench = await SharedBench.StartAsync();

        var created = await bench.Send(HttpMethod.Post, "/api/accounts", body: """{"name":"Truck-1@fleet","template":"home","refresh_token":"secret-token"}""");

        Assert.Equal((HttpStatusCode.Created, "/api/accounts/Truck-1%40fleet"), (created.Status, created.Location));
        Assert.DoesNotContain("secret-token", created.Body + string.Join('\n', bench.Log.All), StringComparison.Ordinal);
        Assert.Equal("secret-token", bench.Rows.All["Truck-1@fleet"].Account.RefreshToken!.Reveal());
        var found = await bench.Send(HttpMethod.Get, created.Location!);
        Assert.Equal((HttpStatusCode.OK, created.Body), (found.Status, found.Body));
        var list = await bench.Send(HttpMethod.Get, "/api/accounts");
        Assert.Equal(["Truck-1@fleet"], Names(list));
        Assert.Equal(HttpStatusCode.NoContent, (await bench.Send(HttpMethod.Delete, created.Location!)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await bench.Send(HttpMethod.Delete, created.Location!)).Status);
        Assert.Equal("no_account", Code(await bench.Send(HttpMethod.Get, created.Location!)));
    }

    [Theory]
    [InlineData("""{"name":"home-1","template":"home"}""", 409, "name_taken", "There is an account of that name already")]
    [InlineData("""{"name":"new","template":"hom"}""", 422, "unknown_template", "use one of: home, fleet.")]
    [InlineData("""{"name":"a/b","template":"home"}""", 422, "invalid_name", "letters, digits and - _ . @ : +")]
    [InlineData("""{"name":"new"}""", 400, "malformed", "The member template is missing; add it.")]
    [InlineData("""{"name":"new","template":"home","refreshtoken":"x"}""", 400, "malformed", "Unknown member refreshtoken; did you mean refresh_token.")]
    [InlineData("""{"name":1,"template":"home"}""", 400, "malformed", "The member name is not a string; write it in quotes.")]
    [InlineData("""{"name":"a","name":"b","template":"home"}""", 400, "malformed", "a member occurs twice")]
    [InlineData("""{"name":"new","template":"home","refresh_token":""}""", 400, "malformed", "The refresh token is empty")]
    [InlineData("""{"name":"\ud800","template":"home"}""", 400, "malformed", "A text is not valid Unicode; correct it.")]
    [InlineData("[]", 400, "malformed", "This is not a JSON object")]
    [InlineData("name=new", 400, "malformed", "This is not JSON")]
    [InlineData("", 400, "malformed", "This is not JSON")]
    public async Task An_account_that_cannot_be_created_is_a_problem_with_the_fix(string body, int status, string code, string part)
    {
        await using var bench = await SharedBench.StartAsync();
        bench.Rows.Add("home-1");

        var reply = await bench.Send(HttpMethod.Post, "/api/accounts", body: body);

        Assert.Equal((status, code, "application/problem+json"), ((int)reply.Status, Code(reply), reply.Header("Content-Type")));
        Assert.Contains(part, Text(reply, "detail"), StringComparison.Ordinal);
        Assert.Single(bench.Rows.All);
    }

    [Fact]
    public async Task A_body_of_another_type_or_size_is_rejected()
    {
        await using var bench = await SharedBench.StartAsync();
        var large = $$"""{"name":"new","template":"home","refresh_token":"{{new string('x', 20_000)}}"}""";

        Assert.Equal("unsupported_type", Code(await bench.Send(HttpMethod.Post, "/api/accounts", body: "{}", type: "text/plain")));
        Assert.Equal("unsupported_type", Code(await bench.Send(HttpMethod.Post, "/api/accounts/import", body: "{}")));
        Assert.Equal("unsupported_type", Code(await bench.Send(HttpMethod.Post, "/api/accounts", body: "{}", type: "application/json; charset=utf-16")));
        Assert.Equal("too_large", Code(await bench.Send(HttpMethod.Post, "/api/accounts", body: large)));
        Assert.Empty(bench.Rows.All);
    }

    [Fact]
    public async Task A_list_has_filters_and_pages()
    {
        await using var bench = await SharedBench.StartAsync();
        foreach (var i in Enumerable.Range(0, 25))
        {
            bench.Rows.Add($"car-{i:00}", i % 2 == 0 ? "home" : "fleet", i == 7 ? "lost" : "active");
        }

        var seen = new List<string>();
        for (var next = ""; next is not null;)
        {
            var page = await bench.Send(HttpMethod.Get, $"/api/accounts?limit=10&after={next}");
            Assert.Equal(25, Json(page).GetProperty("total").GetInt32());
            seen.AddRange(Names(page));
            next = Json(page).GetProperty("next").GetString();
        }

        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"car-{i:00}"), seen);
        Assert.Equal(["car-07"], Names(await bench.Send(HttpMethod.Get, "/api/accounts?state=lost")));
        Assert.Equal(["car-11", "car-13", "car-15", "car-17", "car-19"], Names(await bench.Send(HttpMethod.Get, "/api/accounts?template=fleet&find=CAR-1")));
        Assert.Equal(12, Names(await bench.Send(HttpMethod.Get, "/api/accounts?source=webex")).Count);
        Assert.Empty(Names(await bench.Send(HttpMethod.Get, "/api/accounts?template=other")));
    }

    [Theory]
    [InlineData("state=broken", "use one of: missing, active, refused, lost.")]
    [InlineData("limit=0", "from 1 to 1000")]
    [InlineData("limit=1001", "from 1 to 1000")]
    [InlineData("limit=1&limit=2", "from 1 to 1000")]
    public async Task An_invalid_query_is_a_problem_with_the_fix(string query, string part)
    {
        await using var bench = await SharedBench.StartAsync();

        var reply = await bench.Send(HttpMethod.Get, $"/api/accounts?{query}");

        Assert.Equal((HttpStatusCode.BadRequest, "invalid_query"), (reply.Status, Code(reply)));
        Assert.Contains(part, Text(reply, "detail"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_account_named_like_a_path_of_the_API_is_an_account()
    {
        await using var bench = await SharedBench.StartAsync();
        bench.Rows.Add("import");
        bench.Rows.Add("a.b:c+d");

        Assert.Equal("import", Text(await bench.Send(HttpMethod.Get, "/api/accounts/import"), "name"));
        Assert.Equal("a.b:c+d", Text(await bench.Send(HttpMethod.Get, "/api/accounts/a.b:c+d"), "name"));
        Assert.Equal("a.b:c+d", Text(await bench.Send(HttpMethod.Get, "/api/accounts/a%2Eb%3Ac%2Bd"), "name"));
        Assert.Equal(HttpStatusCode.NoContent, (await bench.Send(HttpMethod.Delete, "/api/accounts/import")).Status);
    }

    [Fact]
    public async Task A_program_gets_an_access_token()
    {
        await using var bench = await SharedBench.StartAsync();
        await bench.Send(HttpMethod.Post, "/api/accounts", body: $$"""{"name":"home-1","template":"home","refresh_token":"{{bench.NewLogin()}}"}""");

        var reply = await bench.Send(HttpMethod.Get, "/api/accounts/home-1/token", SharedBench.Tokens);

        var token = bench.First.Accounts.Opened.Single().TokenManager.Snapshot.State.Token!;
        Assert.Equal((HttpStatusCode.OK, "no-store"), (reply.Status, reply.Header("Cache-Control")));
        Assert.Equal(token.AccessToken!.Reveal(), Text(reply, "access_token"));
        Assert.Equal(token.ExpiresAt, Json(reply).GetProperty("expires").GetDateTimeOffset());
        bench.Log.HoldNone(token.AccessToken.Reveal());
    }

    [Fact]
    public async Task An_account_without_a_token_says_what_to_do()
    {
        await using var bench = await SharedBench.StartAsync();
        bench.Rows.Add("lost").Token = new SharedToken.LoginRequired("the provider rejected the refresh token");
        bench.Rows.Add("busy").Token = new SharedToken.NotNow("a renewal is in progress", TimeSpan.FromSeconds(2.5));

        var (lost, busy) = (await bench.Send(HttpMethod.Get, "/api/accounts/lost/token"), await bench.Send(HttpMethod.Get, "/api/accounts/busy/token"));

        Assert.Equal((HttpStatusCode.Conflict, "login_required"), (lost.Status, Code(lost)));
        Assert.Equal("A user must log in (the provider rejected the refresh token); make a link for the login with POST /api/accounts/lost/login-link.",
            Text(lost, "detail"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "not_now", "3"), (busy.Status, Code(busy), busy.Header("Retry-After")));
        Assert.Equal("no_account", Code(await bench.Send(HttpMethod.Get, "/api/accounts/none/token")));
    }

    [Fact]
    public async Task A_logout_ends_the_login_here()
    {
        await using var bench = await SharedBench.StartAsync();
        await bench.Send(HttpMethod.Post, "/api/accounts", body: $$"""{"name":"home-1","template":"home","refresh_token":"{{bench.NewLogin()}}"}""");
        await bench.Send(HttpMethod.Get, "/api/accounts/home-1/token");

        var reply = await bench.Send(HttpMethod.Post, "/api/accounts/home-1/logout", SharedBench.Writer);

        Assert.Equal(HttpStatusCode.NoContent, reply.Status);
        Assert.False(File.Exists(bench.DirectoryPath["token-home-1.json"]));
        Assert.Equal("login_required", Code(await bench.Send(HttpMethod.Get, "/api/accounts/home-1/token")));
        Assert.Equal("no_account", Code(await bench.Send(HttpMethod.Post, "/api/accounts/none/logout")));
    }

    [Fact]
    public async Task A_logout_that_fails_is_a_problem()
    {
        await using var bench = await SharedBench.StartAsync();
        bench.Rows.Add("home-1");
        await bench.First.Accounts.OpenAsync("home-1", Cancellation);
        // The token file cannot be replaced by a record of the logout.
        Directory.CreateDirectory(bench.DirectoryPath["token-home-1.json/x"]);

        var reply = await bench.Send(HttpMethod.Post, "/api/accounts/home-1/logout");

        Assert.Equal((HttpStatusCode.BadGateway, "logout_incomplete"), (reply.Status, Code(reply)));
    }

    [Fact]
    public async Task While_the_database_cannot_be_reached_every_request_fails_temporarily()
    {
        await using var bench = await SharedBench.StartAsync();
        bench.Rows.Add("home-1");
        bench.Rows.Outage = new StoreOutage(bench.Clock.GetUtcNow(), "the connection was refused");
        (HttpMethod Method, string Path, string? Body)[] requests =
        [
            (HttpMethod.Get, "", null), (HttpMethod.Post, "", """{"name":"a","template":"home"}"""), (HttpMethod.Get, "/home-1", null),
            (HttpMethod.Delete, "/home-1", null), (HttpMethod.Post, "/home-1/login-link", null), (HttpMethod.Post, "/home-1/logout", null),
            (HttpMethod.Get, "/home-1/token", null),
        ];

        foreach (var (method, path, body) in requests)
        {
            var reply = await bench.Send(method, $"/api/accounts{path}", body: body);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "store_unavailable", "5"), (reply.Status, Code(reply), reply.Header("Retry-After")));
            Assert.Equal("The database of the accounts cannot be reached (the connection was refused); send the request again later.",
                Text(reply, "detail"));
        }
        bench.Rows.Outage = null;
        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/api/accounts/home-1")).Status);
    }

    [Fact]
    public async Task Other_paths_and_methods_are_problems_too()
    {
        await using var bench = await SharedBench.StartAsync();

        var (path, method) = (await bench.Send(HttpMethod.Get, "/api/accounts/a/b/c"), await bench.Send(HttpMethod.Put, "/api/accounts/a"));

        Assert.Equal((HttpStatusCode.NotFound, "no_path"), (path.Status, Code(path)));
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "wrong_method", "DELETE, GET"), (method.Status, Code(method), method.Header("Allow")));
    }

    [Fact]
    public async Task The_home_program_has_no_API()
    {
        await using var bench = await WebBench.StartAsync();

        Assert.Equal(HttpStatusCode.NotFound, (await bench.Get("/api/accounts")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await bench.Get("/api/openapi.json")).Status);
    }

    private static JsonElement Json(Reply reply) => JsonDocument.Parse(reply.Body).RootElement;

    private static string Text(Reply reply, string member) => Json(reply).GetProperty(member).GetString()!;

    private static string Code(Reply reply) => Text(reply, "code");

    private static List<string> Names(Reply reply) =>
        [.. Json(reply).GetProperty("accounts").EnumerateArray().Select(account => account.GetProperty("name").GetString()!)];
}
