using System.Net;
using System.Text.Json;
using Exporter.Sandbox;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The login by redirect: success, and the message for each failure.</summary>
public sealed class LoginTests
{
    [Fact]
    public async Task A_login_returns_to_the_start_page_with_a_saved_token()
    {
        await using var bench = await WebBench.StartAsync();

        var reply = await bench.Get(await bench.ConsentAsync());

        Assert.Equal((HttpStatusCode.SeeOther, bench.Card), (reply.Status, reply.Location));
        var token = Assert.IsType<TokenState.Active>(bench.Account.TokenManager.Snapshot.State).Held;
        Assert.Null(bench.Account.TokenManager.Snapshot.Unpersisted?.Reason);
        using var saved = JsonDocument.Parse(File.ReadAllText(bench.DirectoryPath["token.json"]));
        Assert.Equal(token.RefreshToken!.Reveal(), saved.RootElement.GetProperty("refresh_token").GetString());
        Assert.Contains(">OK</span>", (await bench.Get("/")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Auth_starts_the_login_of_the_only_account_that_needs_one()
    {
        await using var bench = await WebBench.StartAsync();
        Assert.StartsWith(bench.Sandbox.Address.OriginalString, (await bench.Get("/auth")).Location, StringComparison.Ordinal);

        await bench.Get(await bench.ConsentAsync("/auth"));

        Assert.Equal("./", (await bench.Get("/auth")).Location);
        Assert.StartsWith(bench.Sandbox.Address.OriginalString, (await bench.Get("/auth/authorize")).Location, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_accounts_log_in_at_the_same_time_and_each_gets_its_own_token()
    {
        await using var bench = await WebBench.StartAsync(names: ["home", "cabin"]);
        Assert.Equal("../", (await bench.Get("/auth/authorize")).Location);

        var first = await bench.ConsentAsync("/auth?account=home");
        var second = await bench.ConsentAsync("/auth?account=cabin");
        await bench.Get(second);
        Assert.IsType<TokenState.Missing>(bench.Accounts[0].TokenManager.Snapshot.State);
        await bench.Get(first);

        Assert.All(bench.Accounts, a => Assert.IsType<TokenState.Active>(a.TokenManager.Snapshot.State));
        Assert.Equal(2, bench.Accounts.Select(a => a.TokenManager.Snapshot.State.Token!.AccessToken).Distinct().Count());
    }

    [Fact]
    public async Task An_unknown_account_is_not_found()
    {
        await using var bench = await WebBench.StartAsync();

        Assert.Equal(HttpStatusCode.NotFound, (await bench.Get("/auth?account=unknown")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await bench.Get("/auth/authorize?account=%3Cscript%3E")).Status);
    }

    [Fact]
    public async Task A_denied_login_changes_nothing()
    {
        await using var bench = await WebBench.StartAsync(loggedIn: true);
        var before = bench.Account.TokenManager.Snapshot.State;

        var reply = await bench.Get(await bench.ConsentAsync(decision: "refuse"));

        Assert.Equal((HttpStatusCode.BadRequest, "The login was denied"), (reply.Status, reply.Title));
        Assert.Same(before, bench.Account.TokenManager.Snapshot.State);
    }

    [Fact]
    public async Task An_expired_code_is_reported()
    {
        await using var bench = await WebBench.StartAsync();
        var callback = await bench.ConsentAsync();
        bench.Clock.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal("The code was rejected", (await bench.Get(callback)).Title);
    }

    [Fact]
    public async Task A_login_expires_after_ten_minutes()
    {
        await using var bench = await WebBench.StartAsync();
        var callback = await bench.ConsentAsync();
        bench.Clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal("The login took too long", (await bench.Get(callback)).Title);
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task A_rejected_client_is_reported_differently_from_a_rejected_code()
    {
        await using var bench = await WebBench.StartAsync([("--client-secret", "wrong")]);

        var reply = await bench.Get(await bench.ConsentAsync());

        Assert.Equal("The client was rejected", reply.Title);
        Assert.Contains("client_secret", reply.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong\"", bench.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redirect_URI_that_is_not_registered_is_reported()
    {
        await using var bench = await WebBench.StartAsync();
        var netatmo = bench.Sandbox.Netatmo;
        var registered = $"http://localhost:{bench.Address.Port}/auth/callback";
        netatmo.Authorization.Register(new RegisteredClient(netatmo.ClientId, netatmo.ClientSecret, [registered]));

        var callback = await bench.ConsentAsync();
        Assert.StartsWith("http://localhost:", callback, StringComparison.Ordinal);
        var reply = await bench.Get(new Uri(callback).PathAndQuery);

        Assert.Equal("The redirect URI is not registered", reply.Title);
        Assert.Contains($"{bench.Address}auth/callback", reply.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("invalid_scope", "The scope was rejected")]
    [InlineData("temporarily_unavailable", "The provider is unavailable")]
    [InlineData("unauthorized_client", "The client was rejected")]
    [InlineData("%3Cscript%3Ealert(1)%3C/script%3E", "The provider rejected the request")]
    public async Task Each_error_code_has_its_own_message(string error, string title)
    {
        await using var bench = await WebBench.StartAsync();

        var reply = await bench.Get($"/auth/callback?error={error}&state=unknown&error_description=%3Cb%3Eboo");

        Assert.Equal(title, reply.Title);
        Assert.DoesNotContain("boo", reply.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("alert(1)", reply.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("invalid_scope", "The scope was rejected")]
    [InlineData("access_denied", "The login was denied")]
    [InlineData("%3Cb%3Eno", "The provider rejected the request")]
    public async Task An_error_of_the_provider_is_shown_and_logged_with_its_description(string error, string title)
    {
        await using var bench = await WebBench.StartAsync();
        var state = (await bench.Get("/auth")).Location!.Split("state=")[1].Split('&')[0];

        var reply = await bench.Get(
            $"/auth/callback?error={error}&state={state}&error_description=The+%3Ci%3Eaddress%0Adiffers{new string('x', 1000)}");

        Assert.Equal(title, reply.Title);
        var said = $"The provider sent {Uri.UnescapeDataString(error)} (The <i>address differs{new string('x', 178)}…)";
        Assert.Contains(said, WebUtility.HtmlDecode(reply.Body), StringComparison.Ordinal);
        Assert.Contains(said, bench.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("<i>", reply.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", reply.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_scope_is_reported_and_the_token_is_kept()
    {
        await using var bench = await WebBench.StartAsync([("--home-coaches", "true")]);
        var authorize = (await bench.Get("/auth")).Location!.Replace("%20read_homecoach", "", StringComparison.Ordinal);

        var reply = await bench.Get(await bench.ConsentAtAsync(authorize));

        Assert.Equal((HttpStatusCode.OK, "Logged in with fewer scopes"), (reply.Status, reply.Title));
        Assert.Contains("did not grant read_homecoach", reply.Body, StringComparison.Ordinal);
        Assert.IsType<TokenState.Active>(bench.Account.TokenManager.Snapshot.State);
    }

    [Fact]
    public async Task An_unusable_response_is_reported_on_a_page()
    {
        await using var bench = await WebBench.StartAsync();
        var callback = await bench.ConsentAsync();
        bench.Sandbox.Netatmo.Token.Fail(new Fault.Html());

        var reply = await bench.Get(callback);

        Assert.Equal((HttpStatusCode.BadGateway, "The provider is unavailable"), (reply.Status, reply.Title));
    }

    [Fact]
    public async Task A_token_that_cannot_be_saved_is_used_and_the_page_warns()
    {
        await using var bench = await WebBench.StartAsync([("--token-file", "/proc/no/token.json")]);

        Assert.Equal(HttpStatusCode.SeeOther, (await bench.Get(await bench.ConsentAsync())).Status);

        Assert.Contains("a restart would lose it", (await bench.Get("/")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_at_another_name_of_this_machine_is_redirected_to_the_external_URL()
    {
        await using var bench = await WebBench.StartAsync();

        var reply = await bench.Get("/auth", ("Host", $"localhost:{bench.Address.Port}"));

        Assert.Equal($"{bench.Address}auth/authorize?account=netatmo&moved=1", reply.Location);
        Assert.StartsWith(bench.Sandbox.Address.OriginalString, (await bench.Get(reply.Location!)).Location, StringComparison.Ordinal);
    }

    [Fact]
    public async Task From_another_machine_the_page_explains_the_external_URL()
    {
        await using var bench = await WebBench.StartAsync();

        var reply = await bench.Get("/auth", ("Host", "nas:9210"));

        Assert.Equal((HttpStatusCode.OK, null), (reply.Status, reply.Location));
        Assert.Contains("--external-url http://nas:9210", reply.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("state=", reply.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_login_starts_and_finishes_at_the_configured_external_URL()
    {
        await using var bench = await WebBench.StartAsync([("--external-url", "https://example.org/weather/")]);
        bench.Sandbox.Netatmo.RegisterRedirectUri("https://example.org/weather/auth/callback");

        Assert.Equal("https://example.org/weather/auth/authorize?account=netatmo&moved=1", (await bench.Get("/auth", ("Host", "nas:9210"))).Location);
        var start = await bench.Get("/weather/auth", ("Host", "example.org:443"), ("X-Forwarded-Proto", "https"));
        Assert.NotNull(start.Location);
        var location = (await bench.Get("/weather/auth/authorize?moved=1")).Location;
        Assert.Contains("redirect_uri=https%3A%2F%2Fexample.org%2Fweather%2Fauth%2Fcallback", location, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_cookie_of_a_login_is_encrypted_and_hidden_from_scripts_and_other_sites()
    {
        await using var bench = await WebBench.StartAsync([("--external-url", "https://example.org")]);

        var reply = await bench.Get("/auth/authorize?moved=1");

        var cookie = reply.Header("Set-Cookie")!;
        Assert.StartsWith("__Host-exporter-login-", cookie, StringComparison.Ordinal);
        string[] attributes = ["; secure", "; httponly", "; samesite=lax", "; path=/", "; max-age=600"];
        Assert.All(attributes, attribute => Assert.Contains(attribute, cookie, StringComparison.Ordinal));
        Assert.DoesNotContain("domain", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(reply.Location!.Split("state=")[1].Split('&')[0], cookie, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PKCE_is_S256_and_every_login_has_its_own_state()
    {
        await using var bench = await WebBench.StartAsync();

        var (first, second) = ((await bench.Get("/auth")).Location!, (await bench.Get("/auth")).Location!);

        Assert.Contains("code_challenge_method=S256", first, StringComparison.Ordinal);
        Assert.NotEqual(first.Split("state=")[1].Split('&')[0], second.Split("state=")[1].Split('&')[0]);
        Assert.NotEqual(first.Split("code_challenge=")[1].Split('&')[0], second.Split("code_challenge=")[1].Split('&')[0]);
    }
}
