using System.Net;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Sandbox;

public sealed class ConsentTests
{
    // RFC 7636, appendix B.
    private const string Verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    private const string Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    [Fact]
    public async Task Accepting_redirects_with_a_code_and_the_state()
    {
        await using var visitor = await SandboxVisitor.Start();
        var page = await visitor.Ask(("scope", "read_station read_homecoach"));
        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal("text/html", page.ContentHeaders.ContentType!.MediaType);

        var back = await visitor.Click(page, "accept");
        Assert.Equal(HttpStatusCode.SeeOther, back.Status);
        Assert.StartsWith(SandboxVisitor.Callback + "?", back.Headers.Location!.OriginalString, StringComparison.Ordinal);
        Assert.Equal("a state/&+", back.Location("state"));

        var tokens = await Redeem(visitor, back.Location("code")!);
        Assert.Equal("""["read_station","read_homecoach"]""", tokens.Json.GetProperty("scope").GetRawText());
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(tokens.Text("access_token"), "/api/gethomecoachsdata")).Status);
        Assert.Equal(HttpStatusCode.OK, (await visitor.Renew(tokens.Text("refresh_token"))).Status);
    }

    [Fact]
    public async Task Refusing_redirects_with_access_denied_and_the_state()
    {
        await using var visitor = await SandboxVisitor.Start();
        var back = await visitor.Click(await visitor.Ask(), "refuse");
        Assert.Equal(("access_denied", "a state/&+", null), (back.Location("error"), back.Location("state"), back.Location("code")));
    }

    [Fact]
    public async Task A_page_can_be_submitted_once_and_within_ten_minutes()
    {
        await using var visitor = await SandboxVisitor.Start();
        var page = await visitor.Ask();
        await visitor.Click(page, "accept");
        Assert.Equal(HttpStatusCode.BadRequest, (await visitor.Click(page, "accept")).Status);

        var late = await visitor.Ask();
        visitor.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(HttpStatusCode.BadRequest, (await visitor.Click(late, "accept")).Status);
    }

    [Theory]
    [InlineData("http://127.0.0.1:9210/auth/callback/")]
    [InlineData("http://127.0.0.1:9211/auth/callback")]
    [InlineData("HTTP://127.0.0.1:9210/auth/callback")]
    [InlineData("http://127.0.0.1:9210/auth/callback?x=1")]
    [InlineData("https://attacker.example/")]
    public async Task A_redirect_URI_that_is_not_registered_exactly_is_never_used(string redirectUri)
    {
        await using var visitor = await SandboxVisitor.Start();
        var back = await visitor.Ask(("redirect_uri", redirectUri));
        Assert.Equal(HttpStatusCode.Redirect, back.Status);
        Assert.StartsWith(SandboxVisitor.Callback + "?", back.Headers.Location!.OriginalString, StringComparison.Ordinal);
        Assert.Equal(("redirect_uri_mismatch", "a state/&+"), (back.Location("error"), back.Location("state")));
    }

    [Fact]
    public async Task A_malformed_redirect_URI_returns_Netatmos_404()
    {
        await using var visitor = await SandboxVisitor.Start();
        Assert.Equal((404, 404), (await visitor.Ask(("redirect_uri", "\"http://nas:9210\"/auth/callback"))).ApiError);
    }

    [Fact]
    public async Task An_unknown_client_gets_an_error_page_and_no_redirect()
    {
        await using var visitor = await SandboxVisitor.Start();
        var page = await visitor.Ask(("client_id", "unknown"));
        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.Contains("invalid_client", page.Body, StringComparison.Ordinal);
        Assert.Null(page.Headers.Location);
    }

    [Theory]
    [InlineData("response_type", null, "invalid_request")]
    [InlineData("response_type", "token", "unsupported_response_type")]
    [InlineData("scope", null, "invalid_scope")]
    [InlineData("scope", "read_station everything", "invalid_scope")]
    [InlineData("code_challenge", Challenge, "invalid_request")]
    [InlineData("code_challenge_method", "S256", "invalid_request")]
    public async Task An_invalid_request_redirects_with_its_error(string parameter, string? value, string error)
    {
        await using var visitor = await SandboxVisitor.Start();
        Assert.Equal(error, (await visitor.Ask((parameter, value))).Location("error"));
    }

    [Fact]
    public async Task A_redirect_URI_can_be_registered_while_the_sandbox_runs()
    {
        await using var visitor = await SandboxVisitor.Start();
        visitor.Netatmo.RegisterRedirectUri("http://127.0.0.1:7777/auth/callback?from=netatmo");
        var back = await visitor.Click(await visitor.Ask(("redirect_uri", "http://127.0.0.1:7777/auth/callback?from=netatmo")), "accept");
        Assert.StartsWith("http://127.0.0.1:7777/auth/callback?from=netatmo&code=", back.Headers.Location!.OriginalString, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_code_used_twice_revokes_its_login()
    {
        await using var visitor = await SandboxVisitor.Start();
        var code = await visitor.Code();
        var tokens = await Redeem(visitor, code);
        Assert.Equal((400, "invalid_grant"), (await Redeem(visitor, code)).OAuthError);
        Assert.Equal((403, 2), (await visitor.Api(tokens.Text("access_token"))).ApiError);
        Assert.Equal((400, "invalid_grant"), (await visitor.Renew(tokens.Text("refresh_token"))).OAuthError);
        Assert.Equal(1, visitor.Netatmo.Authorization.Counters.ReusedCodes);
    }

    [Fact]
    public async Task A_code_is_valid_for_a_minute()
    {
        await using var visitor = await SandboxVisitor.Start();
        var (early, late) = (await visitor.Code(), await visitor.Code());
        visitor.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(HttpStatusCode.OK, (await Redeem(visitor, early)).Status);
        visitor.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((400, "invalid_grant"), (await Redeem(visitor, late)).OAuthError);
    }

    [Theory]
    [InlineData("http://localhost:9210/auth/callback")]
    [InlineData(null)]
    public async Task A_code_is_bound_to_its_redirect_URI(string? redirectUri)
    {
        await using var visitor = await SandboxVisitor.Start();
        Assert.Equal((400, "invalid_grant"), (await Redeem(visitor, await visitor.Code(), redirectUri)).OAuthError);
    }

    [Fact]
    public async Task A_code_is_bound_to_its_client_and_stays_valid_after_another_clients_attempt()
    {
        await using var visitor = await SandboxVisitor.Start();
        visitor.Netatmo.Authorization.Register(new RegisteredClient("other", "other-secret", [SandboxVisitor.Callback]));
        var code = await visitor.Code();
        var stolen =
            await visitor.Post("/oauth2/token", ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", SandboxVisitor.Callback),
            ("client_id", "other"), ("client_secret", "other-secret"));
        Assert.Equal((400, "invalid_grant"), stolen.OAuthError);
        Assert.Equal(HttpStatusCode.OK, (await Redeem(visitor, code)).Status);
    }

    [Theory]
    [InlineData(Challenge, Verifier, HttpStatusCode.OK)]
    [InlineData(Challenge, null, HttpStatusCode.BadRequest)]
    [InlineData(Challenge, Challenge, HttpStatusCode.BadRequest)]
    [InlineData(null, Verifier, HttpStatusCode.BadRequest)]
    public async Task PKCE_is_enforced_if_the_login_started_with_it_and_rejected_if_not(string? challenge, string? verifier, HttpStatusCode status)
    {
        await using var visitor = await SandboxVisitor.Start();
        var code = await visitor.Code(("code_challenge", challenge), ("code_challenge_method", challenge is null ? null : "S256"));
        Assert.Equal(status, (await Redeem(visitor, code, verifier: verifier)).Status);
    }

    [Fact]
    public async Task The_page_encodes_a_hostile_client_ID()
    {
        await using var visitor = await SandboxVisitor.Start();
        visitor.Netatmo.Authorization.Register(new RegisteredClient("<script>alert(1)</script>", null, [SandboxVisitor.Callback]));
        var page = await visitor.Ask(("client_id", "<script>alert(1)</script>"));
        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.DoesNotContain("<script", page.Body, StringComparison.Ordinal);
    }

    private static Task<Reply> Redeem(SandboxVisitor visitor, string code, string? redirectUri = SandboxVisitor.Callback, string? verifier = null)
    {
        (string, string)[] form = [("grant_type", "authorization_code"), ("code", code)];
        return visitor.Token([.. form, .. Sent("redirect_uri", redirectUri), .. Sent("code_verifier", verifier)]);
    }

    private static (string, string)[] Sent(string name, string? value) => value is null ? [] : [(name, value)];
}
