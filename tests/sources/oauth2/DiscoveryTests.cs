using System.Net;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.OAuth2;

/// <summary>Accounts that need only the issuer and the client, with a third-party authorization server.</summary>
[Trait("Suite", "slow")]
public sealed class DiscoveryTests
{
    [Fact]
    public async Task A_login_by_redirect_needs_only_the_issuer_and_the_client()
    {
        await using var provider = await OidcProvider.StartAsync();
        provider.Configure($"""
              discovered:
                source: oauth2
                client_id: public
                issuer: {provider.Issuer.OriginalString}
                redirect_uri: http://127.0.0.1:0/callback
                scopes: [openid]
                token_file: discovered.json

            """);

        await provider.LogInByRedirectAsync("discovered");
        Assert.Equal(0, await provider.RunAsync("refresh", "discovered"));

        var access = new Secret(provider.Read("discovered.json").Text("access_token")!);
        Assert.Equal(HttpStatusCode.OK, await provider.UserInfoAsync(access));
        Assert.Equal(0, await provider.RunAsync("logout", "discovered"));
        Assert.Contains("discovered: revoked at the provider and removed locally.\n", provider.Output, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, await provider.UserInfoAsync(access));
    }

    [Theory]
    [InlineData("issuer: {0}")]
    [InlineData("token_endpoint: {0}/token")]
    public async Task Client_credentials_with_a_resource_need_no_login(string server)
    {
        await using var provider = await OidcProvider.StartAsync();
        provider.Configure($$"""
              machine:
                source: oauth2
                grant: client_credentials
                client_id: machine
                client_secret: a secret of a machine
                {{server.Replace("{0}", provider.Issuer.OriginalString.TrimEnd('/'), StringComparison.Ordinal)}}
                scopes: [read]
                token_parameters:
                  resource: https://api.example
                token_file: machine.json

            """);

        Assert.Equal(0, await provider.RunAsync("token", "machine"));
        var first = provider.Read("machine.json");
        Assert.Equal(0, await provider.RunAsync("refresh", "machine"));
        var second = provider.Read("machine.json");

        var claims = Jwt.Claims(new Secret(first.Text("access_token")!))!;
        Assert.Equal(("https://api.example", "read", "machine"), (claims.Text("aud"), claims.Text("scope"), claims.Text("client_id")));
        Assert.NotEqual(first.Text("access_token"), second.Text("access_token"));
        Assert.Null(second.Text("refresh_token"));
    }

    [Fact]
    public async Task A_wrong_issuer_is_a_temporary_failure_with_the_fix()
    {
        await using var provider = await OidcProvider.StartAsync();
        provider.Configure($"""
              wrong:
                source: oauth2
                grant: client_credentials
                client_id: machine
                client_secret: a secret of a machine
                issuer: {provider.Issuer.OriginalString.Replace("127.0.0.1", "localhost", StringComparison.Ordinal).TrimEnd('/')}/realm
                token_file: wrong.json

            """);

        Assert.Equal(2, await provider.RunAsync("token", "wrong"));

        Assert.Contains("correct issuer", provider.Error, StringComparison.Ordinal);
    }
}
