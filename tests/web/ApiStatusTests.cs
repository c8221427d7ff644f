using System.Net;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Sandbox;
using Exporter.Tests.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Web;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary><c>/api/status</c>, and the other paths for programs.</summary>
public sealed class ApiStatusTests
{
    private static readonly string[] ForPrograms = ["/metrics", "/-/healthy", "/-/ready", "/healthz", "/api/status"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_shows_why_a_login_is_lost()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        bench.Sandbox.Netatmo.Authorization.RevokeAll();
        await bench.Account.TokenManager.RenewAsync(null, Cancellation);

        var reply = await bench.Get("/api/status");

        Assert.Equal(("application/json", "no-store"), (reply.Header("Content-Type"), reply.Header("Cache-Control")));
        using var json = JsonDocument.Parse(reply.Body);
        Assert.Equal(1, json.RootElement.GetProperty("schema").GetInt32());
        Assert.Equal(BuildInfo.Current.Version, json.RootElement.GetProperty("version").GetString());
        Assert.Equal(bench.Time.GetUtcNow(), json.RootElement.GetProperty("time").GetDateTimeOffset());
        var account = Assert.Single(json.RootElement.GetProperty("accounts").EnumerateArray());
        Assert.Equal(("netatmo", "lost", "problem"), (Text(account, "account"), Text(account, "state"), Text(account, "condition")));
        Assert.True(account.GetProperty("login_required").GetBoolean());
        Assert.Contains("invalid_grant", Text(account, "last_error"), StringComparison.Ordinal);
        Assert.Equal(bench.DirectoryPath["token.json"], Text(account, "store"));
        Assert.False(account.TryGetProperty("origin", out _));
    }

    [Fact]
    public async Task It_can_be_asked_for_one_account()
    {
        await using var bench = await WebBench.StartAsync(names: ["home", "cabin"]);

        Assert.Equal(["home", "cabin"], Names(await bench.Get("/api/status")));
        Assert.Equal(["home", "cabin"], Names(await bench.Get("/api/status?account=")));
        Assert.Equal(["cabin"], Names(await bench.Get("/api/status?account=cabin")));
        var unknown = await bench.Get("/api/status?account=%3Cb%3Ex");
        Assert.Equal((HttpStatusCode.NotFound, "There is no account of that name.\n"), (unknown.Status, unknown.Body));
    }

    [Fact]
    public async Task The_paths_for_programs_accept_any_host_name_on_every_address()
    {
        await using var bench = await WebBench.StartAsync([("--web.admin-address", "127.0.0.1:0"), ("--addr", "127.0.0.1:0")]);

        foreach (var path in ForPrograms)
        {
            foreach (var address in bench.Addresses)
            {
                Assert.Equal(HttpStatusCode.OK, (await bench.Get(new Uri(address, path).AbsoluteUri, ("Host", "exporter.evil.example"))).Status);
            }
            var head = await WebBench.Send(bench.Http, new HttpRequestMessage(HttpMethod.Head, new Uri(bench.Address, path)));
            Assert.Equal((HttpStatusCode.OK, ""), (head.Status, head.Body));
            var post = await bench.Post(path, []);
            Assert.Equal((HttpStatusCode.MethodNotAllowed, "GET, HEAD"), (post.Status, post.Header("Allow")));
        }
        foreach (var path in new[] { "/api", "/api/", "/api/other", "/API/status", "/-/", "/-/other", "/-/healthy/x", "/healthz/x", "/version" })
        {
            Assert.Equal(HttpStatusCode.MisdirectedRequest, (await bench.Get(path, ("Host", "exporter.evil.example"))).Status);
            Assert.Equal(HttpStatusCode.NotFound, (await bench.Get(new Uri(bench.Addresses[1], path).AbsoluteUri)).Status);
        }
    }

    [Fact]
    public async Task The_paths_for_programs_need_a_password_if_there_are_users()
    {
        await using var bench = await WebBench.StartAsync(webConfig: $"basic_auth_users:\n  bob: {Bcrypt.Hash("right")}\n");

        foreach (var path in ForPrograms)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await bench.Get(path)).Status);
        }
        var reply = await bench.Get("/api/status", ("Authorization", $"Basic {Convert.ToBase64String("bob:right"u8)}"));
        Assert.Equal(["netatmo"], Names(reply));
    }

    [Fact]
    public async Task Below_a_path_of_a_proxy_it_is_the_same()
    {
        await using var bench = await WebBench.StartAsync([("--external-url", "https://example.org/exporter")]);

        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/exporter/api/status", ("Host", "other.example"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/exporter/healthz", ("Host", "other.example"))).Status);
    }

    [Fact]
    public async Task The_documented_example_is_what_it_returns()
    {
        await using var bench = await ExampleAsync();
        var body = (await bench.Get("/api/status?account=weather")).Body.Replace(BuildInfo.Current.Version, "1.4.0", StringComparison.Ordinal)
            .Replace(bench.DirectoryPath.Path, "/var/lib/oauth-exporter", StringComparison.Ordinal);

        Golden.CheckSection("../docs/api.md", "status", $"```json\n{body}\n```\n");
    }

    /// <summary>The template is evaluated by hand: its path, and its value.</summary>
    [Fact]
    public async Task The_sensor_of_Home_Assistant_finds_its_value()
    {
        await using var bench = await ExampleAsync();
        using var json = JsonDocument.Parse((await bench.Get("/api/status?account=weather")).Body);
        var account = json.RootElement.GetProperty("accounts")[0];
        var card = account.GetProperty("readings").GetProperty("cards").EnumerateArray().First(c => Text(c, "title") == "Living room");
        var line = card.GetProperty("lines").EnumerateArray().First(l => Text(l, "label") == "Temperature");

        Assert.Equal((21.3, "°C"), (line.GetProperty("value").GetDouble(), Text(line, "unit")));
        Assert.Equal(JsonValueKind.False, account.GetProperty("login_required").ValueKind);
        var document = await File.ReadAllTextAsync(Path.Combine(Golden.Root, "../docs/api.md"), Cancellation);
        foreach (var part in new[]
        {
            "?account=weather", "value_json.accounts[0].readings.cards", "'title', 'eq', 'Living room'", "'label', 'eq', 'Temperature'",
            "attribute='lines'", "attribute='value'", "value_json.accounts[0].login_required",
        })
        {
            Assert.Contains(part, document, StringComparison.Ordinal);
        }
    }

    private static Task<WebBench> ExampleAsync() => WebBench.StartAsync(names: ["home"], more: bench =>
    {
        bench.DirectoryPath.Write("weather-token.json", Tokens.TokenManagerBench.Json(Tokens.TokenManagerBench.Some(bench.Time)));
        var manager = new TokenManager(
            "weather", new FakeGrant(bench.Time), Tokens.TokenManagerBench.Plain(bench.DirectoryPath["weather-token.json"], bench.Time),
            new TokenManagerOptions { Random = new Random(1) }, bench.Time, NullLogger<TokenManager>.Instance);
        return [new Account("weather", "netatmo", hasAccountLabel: true, manager, FixedReadings.WeatherStation(bench.Time.GetUtcNow())) { Provider = "Netatmo" }];
    });

    private static string Text(JsonElement json, string member) => json.GetProperty(member).GetString()!;

    private static IEnumerable<string> Names(Reply reply) =>
        JsonDocument.Parse(reply.Body).RootElement.GetProperty("accounts").EnumerateArray().Select(account => Text(account, "account"));
}
