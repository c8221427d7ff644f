using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Exporter.Tests.Cmd;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.OAuth2;

/// <summary>
/// npm's oidc-provider as the authorization server, a browser with cookies, and accounts in a configuration file. Both sides run as in
/// production.
/// </summary>
internal sealed partial class OidcProvider : InProcessCommands
{
    private static readonly string DirectoryPath = Path.Combine(Golden.Root, "peers/oidc");

    private readonly Peer server;
    private readonly HttpClient browser = new(new SocketsHttpHandler { CookieContainer = new CookieContainer() });

    private OidcProvider(Peer server, Uri issuer, ManualTime time)
        : base(time)
    {
        (this.server, Issuer) = (server, issuer);
        Configure($"""
            accounts:
              redirect:
                source: oauth2
                client_id: public
                token_endpoint: {issuer}token
                authorization_endpoint: {issuer}auth
                revocation_endpoint: {issuer}token/revocation
                issuer: {issuer.OriginalString}
                redirect_uri: http://127.0.0.1:0/callback
                scopes: [openid]
                token_file: redirect.json
              device:
                source: oauth2
                client_id: public
                token_endpoint: {issuer}token
                device_authorization_endpoint: {issuer}device/auth
                scopes: [openid]
                token_file: device.json
              secret:
                source: oauth2
                client_id: confidential
                client_secret: 'a secret: with "odd" & characters'
                authentication: basic
                token_endpoint: {issuer}token
                authorization_endpoint: {issuer}auth
                redirect_uri: http://127.0.0.1:0/callback
                scopes: [openid]
                token_file: secret.json

            """);
    }

    public Uri Issuer { get; }

    /// <param name="ahead">How far the exporter's clock is ahead of the server's.</param>
    public static async Task<OidcProvider> StartAsync(TimeSpan ahead = default)
    {
        if (!Directory.Exists(Path.Combine(DirectoryPath, "node_modules")))
        {
            const string missing = "oidc-provider is not installed: npm ci --prefix tests/peers/oidc";
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") != "true", missing);
            Assert.Fail(missing);
        }
        var server = Peer.Start("node", Path.Combine(DirectoryPath, "server.mjs"));
        var issuer = (await server.Says("issuer ", Cancellation)).Split(' ')[1];
        return new OidcProvider(server, new Uri(issuer), new ManualTime(TimeProvider.System.GetUtcNow() + ahead));
    }

    /// <summary>Opens the page that the command printed, which redirects to the command.</summary>
    public async Task LogInByRedirectAsync(string account)
    {
        var login = RunAsync("login", account);
        await WaitForErrorAsync("Waiting for the browser");
        using var page = await browser.GetAsync(new Uri(AddressLine().Match(RecentError).Groups[1].Value), Cancellation);

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal(0, await login);
    }

    /// <summary>Types the code on the page that the command printed.</summary>
    public async Task LogInByDeviceAsync(bool approve = true)
    {
        var login = RunAsync("login", "device");
        await WaitForErrorAsync("The code expires at ");
        var address = new Uri(PageLine().Match(RecentError).Groups[1].Value);
        var confirmation =
            await SubmitAsync(address, await browser.GetStringAsync(address, Cancellation), ("user_code", CodeLine().Match(RecentError).Groups[1].Value));
        await SubmitAsync(address, confirmation, approve ? [] : [("abort", "yes")]);
        await PollUntilAsync(() => login.IsCompleted);

        Assert.Equal(approve ? 0 : 1, await login);
    }

    /// <summary>Whether the server accepts the access token.</summary>
    public async Task<HttpStatusCode> UserInfoAsync(Secret token)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Get, new Uri(Issuer, "/me"))
        { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token.Reveal()) } };
        using var answer = await browser.SendAsync(request, Cancellation);
        return answer.StatusCode;
    }

    public override async ValueTask DisposeAsync()
    {
        browser.Dispose();
        await server.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>Submits a form of the server and returns the next page.</summary>
    private async Task<string> SubmitAsync(Uri address, string page, params (string Name, string Value)[] typed)
    {
        var fields = HiddenField().Matches(page).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
        foreach (var (name, value) in typed)
        {
            fields[name] = value;
        }
        using var answer = await browser.PostAsync(address, new FormUrlEncodedContent(fields), Cancellation);
        return await answer.Content.ReadAsStringAsync(Cancellation);
    }

    [GeneratedRegex(@"(http\S+/auth\?\S+)")]
    private static partial Regex AddressLine();

    [GeneratedRegex(@"page +(http\S+)")]
    private static partial Regex PageLine();

    [GeneratedRegex(@"code +([A-Z-]+)\n")]
    private static partial Regex CodeLine();

    [GeneratedRegex("<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]+)\"")]
    private static partial Regex HiddenField();
}
