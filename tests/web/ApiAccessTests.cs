using System.Net;
using System.Text.Json;
using Exporter.Web;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Who may use the API, and attacks against it.</summary>
public sealed class ApiAccessTests
{
    private static readonly (HttpMethod Method, string Path, string Scope)[] Operations =
    [
        (HttpMethod.Get, "", "accounts:read"), (HttpMethod.Post, "", "accounts:write"), (HttpMethod.Post, "/import", "accounts:write"),
        (HttpMethod.Get, "/home-1", "accounts:read"), (HttpMethod.Delete, "/home-1", "accounts:write"),
        (HttpMethod.Post, "/home-1/login-link", "accounts:write"), (HttpMethod.Post, "/home-1/logout", "accounts:write"),
        (HttpMethod.Get, "/home-1/token", "tokens:read"),
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer wrong")]
    [InlineData("Bearer every-key2")]
    [InlineData("Bearer every-ke")]
    [InlineData("Bearer EVERY-KEY")]
    [InlineData("Basic ZXZlcnkta2V5Og==")]
    [InlineData("every-key")]
    public async Task Without_a_right_key_the_API_does_nothing(string? authorization)
    {
        await using var bench = await SharedBench.StartAsync();
        bench.Rows.Add("home-1");

        foreach (var (method, path, _) in Operations)
        {
            var reply = await bench.Send(
                method, $"/api/accounts{path}", key: null, headers: authorization is null ? [] : [("Authorization", authorization)]);
            Assert.Equal((HttpStatusCode.Unauthorized, "application/problem+json"), (reply.Status, reply.Header("Content-Type")));
            Assert.StartsWith("Bearer realm=\"exporter\"", reply.Header("WWW-Authenticate"), StringComparison.Ordinal);
        }
        Assert.True(bench.Rows.All.ContainsKey("home-1"));
    }

    [Fact]
    public async Task The_hash_of_a_key_is_no_key()
    {
        await using var bench = await SharedBench.StartAsync();
        var hash = SharedBench.Keys.Split("sha256: ")[1].Split('\n')[0];

        Assert.Equal(HttpStatusCode.Unauthorized, (await bench.Send(HttpMethod.Get, "/api/accounts", hash)).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/api/accounts", key: null, headers: ("Authorization", "bearer  every-key"))).Status);
    }

    [Fact]
    public async Task Each_operation_needs_its_own_scope()
    {
        await using var bench = await SharedBench.StartAsync();
        bench.Rows.Add("home-1");
        var keys = new Dictionary<string, string>
        {
            ["accounts:read"] = SharedBench.Reader,
            ["accounts:write"] = SharedBench.Writer,
            ["tokens:read"] = SharedBench.Tokens,
        };

        foreach (var (method, path, scope) in Operations)
        {
            foreach (var (_, key) in keys.Where(one => one.Key != scope))
            {
                var reply = await bench.Send(method, $"/api/accounts{path}", key);
                Assert.Equal((HttpStatusCode.Forbidden, "insufficient_scope"), (reply.Status, Code(reply)));
                Assert.EndsWith($"error=\"insufficient_scope\", scope=\"{scope}\"", reply.Header("WWW-Authenticate"), StringComparison.Ordinal);
            }
        }
        Assert.True(bench.Rows.All.ContainsKey("home-1"));
    }

    [Fact]
    public async Task A_key_for_some_templates_reaches_no_account_of_others()
    {
        await using var bench = await SharedBench.StartAsync();
        bench.Rows.Add("home-1");
        bench.Rows.Add("car-1", "fleet");

        foreach (var (method, path, _) in Operations.Where(operation => operation.Path.StartsWith("/home-1", StringComparison.Ordinal)))
        {
            var (foreign, missing) = (
                await bench.Send(method, $"/api/accounts{path}", SharedBench.OfFleet),
                await bench.Send(method, $"/api/accounts{path}".Replace("home-1", "none", StringComparison.Ordinal), SharedBench.OfFleet));
            Assert.Equal((HttpStatusCode.NotFound, missing.Body), (foreign.Status, foreign.Body));
        }
        var created = await bench.Send(HttpMethod.Post, "/api/accounts", SharedBench.OfFleet, """{"name":"new","template":"home"}""");
        var list = await bench.Send(HttpMethod.Get, "/api/accounts", SharedBench.OfFleet);
        var filtered = await bench.Send(HttpMethod.Get, "/api/accounts?template=home", SharedBench.OfFleet);

        Assert.Equal((HttpStatusCode.Forbidden, "template_not_permitted"), (created.Status, Code(created)));
        Assert.Contains("\"total\":1,", list.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("home-1", list.Body, StringComparison.Ordinal);
        Assert.Contains("\"accounts\":[],\"total\":0", filtered.Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/api/accounts/car-1", SharedBench.OfFleet)).Status);
    }

    [Theory]
    [InlineData("Origin", "https://attacker.example")]
    [InlineData("Origin", "null")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-origin")]
    public async Task A_browser_cannot_use_the_API_even_with_a_key(string header, string value)
    {
        await using var bench = await SharedBench.StartAsync();
        bench.Rows.Add("home-1");

        foreach (var (method, path, _) in Operations)
        {
            var reply = await bench.Send(method, $"/api/accounts{path}", headers: (header, value));
            Assert.Equal((HttpStatusCode.Forbidden, "browser"), (reply.Status, Code(reply)));
        }
        Assert.True(bench.Rows.All.ContainsKey("home-1"));
    }

    [Fact]
    public async Task Without_a_file_of_keys_the_API_says_how_to_make_one()
    {
        await using var bench = await SharedBench.StartAsync(keys: null);

        var reply = await bench.Send(HttpMethod.Get, "/api/accounts");

        Assert.Equal((HttpStatusCode.Forbidden, "no_keys"), (reply.Status, Code(reply)));
        Assert.Contains("--web.api-keys-file FILE", reply.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_file_applies_at_once_and_an_invalid_one_rejects_every_request()
    {
        await using var bench = await SharedBench.StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/api/accounts")).Status);

        await File.WriteAllTextAsync(bench.KeysFile, $"keys:\n{SharedBench.Entry("new", "new-key", "accounts:read")}\n", Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, (await bench.Send(HttpMethod.Get, "/api/accounts")).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/api/accounts", "new-key")).Status);

        await File.WriteAllTextAsync(bench.KeysFile, "keys: [{name: new}]\n", Cancellation);
        var invalid = await bench.Send(HttpMethod.Get, "/api/accounts", "new-key");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "invalid_keys_file"), (invalid.Status, Code(invalid)));
        var error = Assert.Single(bench.Log.At(LogLevel.Error));
        Assert.StartsWith("every request of the API is rejected until you fix the file of API keys: ", error, StringComparison.Ordinal);
        Assert.Contains("keys[0]: the key has no sha256; add sha256", error, StringComparison.Ordinal);

        File.Delete(bench.KeysFile);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await bench.Send(HttpMethod.Get, "/api/accounts", "new-key")).Status);
        await File.WriteAllTextAsync(bench.KeysFile, SharedBench.Keys, Cancellation);
        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/api/accounts")).Status);
    }

    [Fact]
    public async Task A_client_that_guesses_keys_must_wait_and_others_need_not()
    {
        await using var bench = await SharedBench.StartAsync();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await GuessAsync($"guess-{i}")).Status);
        }

        var guess = await GuessAsync("guess");
        Assert.Equal((HttpStatusCode.TooManyRequests, "too_many_failures", "6"), (guess.Status, Code(guess), guess.Header("Retry-After")));
        Assert.Equal(HttpStatusCode.TooManyRequests, (await GuessAsync(SharedBench.Everything)).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/api/accounts")).Status);
        var warning = Assert.Single(bench.Log.At(LogLevel.Warning));
        Assert.Equal("the API rejects 203.0.113.9, which sent too many wrong keys", warning);

        bench.Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(HttpStatusCode.OK, (await GuessAsync(SharedBench.Everything)).Status);
        bench.Log.HoldNone("guess-9", SharedBench.Everything);

        Task<Reply> GuessAsync(string key) => bench.Send(HttpMethod.Get, "/api/accounts", key, headers: (WebBench.RemoteAddress, "203.0.113.9"));
    }

    [Fact]
    public async Task A_client_that_guesses_keys_does_not_block_others_behind_the_same_proxy()
    {
        await using var bench = await SharedBench.StartAsync();
        for (var i = 0; i < 11; i++)
        {
            // The proxy adds the last address; the client wrote the first.
            await bench.Send(HttpMethod.Get, "/api/accounts", "wrong", headers: ("X-Forwarded-For", $"10.0.0.{i}, 203.0.113.9"));
        }

        var (attacker, other) = (
            await bench.Send(HttpMethod.Get, "/api/accounts", headers: ("X-Forwarded-For", "203.0.113.9")),
            await bench.Send(HttpMethod.Get, "/api/accounts", headers: ("X-Forwarded-For", "203.0.113.10")));

        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.OK), (attacker.Status, other.Status));
    }

    [Fact]
    public async Task Users_have_a_password_for_the_pages_and_programs_a_key_for_the_API()
    {
        await using var bench = await SharedBench.StartAsync(webConfig: $"basic_auth_users:\n  bob: {Bcrypt.Hash("right")}\n");
        bench.Rows.Add("home-1");
        var password = ("Authorization", $"Basic {Convert.ToBase64String("bob:right"u8)}");

        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/api/accounts/home-1")).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/API/Accounts")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await bench.Send(HttpMethod.Get, "/api/accounts", key: null, headers: password)).Status);
        foreach (var path in new[] { "/", "/api/status?account=home-1", "/api/openapi.json", "/api/accounts-other", "/api/accounts/../status", "/auth" })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await bench.Send(HttpMethod.Get, path)).Status);
        }
        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/", key: null, headers: password)).Status);
    }

    [Theory]
    [InlineData("https://example.org/api/accounts", "/api/accounts/auth/settoken", HttpStatusCode.Unauthorized)]
    [InlineData("https://example.org/api/accounts", "/api/accounts/", HttpStatusCode.Unauthorized)]
    [InlineData("https://example.org/api/accounts", "/api/accounts/api/accounts", HttpStatusCode.OK)]
    [InlineData("https://example.org/exporter", "/exporter/api/accounts", HttpStatusCode.OK)]
    [InlineData("https://example.org/exporter", "/EXPORTER/api/accounts", HttpStatusCode.OK)]
    [InlineData("https://example.org/exporter", "/exporter/auth", HttpStatusCode.Unauthorized)]
    public async Task The_path_of_a_proxy_opens_no_page_without_a_password(string externalUrl, string path, HttpStatusCode expected)
    {
        await using var bench = await SharedBench.StartAsync(
            [("--external-url", externalUrl)], webConfig: $"basic_auth_users:\n  bob: {Bcrypt.Hash("right")}\n");

        Assert.Equal(expected, (await bench.Send(HttpMethod.Get, path)).Status);
    }

    [Fact]
    public async Task The_API_accepts_any_host_name_and_the_pages_only_known_ones()
    {
        await using var bench = await SharedBench.StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/api/accounts", headers: ("Host", "exporter.prod.svc"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/api/openapi.json", headers: ("Host", "exporter.prod.svc"))).Status);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, (await bench.Send(HttpMethod.Get, "/", headers: ("Host", "exporter.prod.svc"))).Status);
    }

    [Fact]
    public async Task With_an_admin_address_the_API_is_there_only()
    {
        await using var bench = await SharedBench.StartAsync([("--web.admin-address", "127.0.0.1:0")]);
        var other = bench.First.App.Urls.Last();

        Assert.Equal(HttpStatusCode.OK, (await bench.Send(HttpMethod.Get, "/api/accounts")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await bench.Send(HttpMethod.Get, $"{other}/api/accounts")).Status);
    }

    private static string Code(Reply reply) => JsonDocument.Parse(reply.Body).RootElement.GetProperty("code").GetString()!;
}
