using System.Net;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.OAuth2;

/// <summary>The source oauth2 with a third-party authorization server.</summary>
[Trait("Suite", "slow")]
public sealed class OidcProviderTests
{
    [Theory]
    [InlineData("redirect")]
    [InlineData("secret")]
    public async Task Authorization_code_with_PKCE_redirects_to_any_free_port(string account)
    {
        await using var provider = await OidcProvider.StartAsync();

        await provider.LogInByRedirectAsync(account);

        var file = provider.Read($"{account}.json");
        Assert.Equal(HttpStatusCode.OK, await provider.UserInfoAsync(new Secret(file.Text("access_token")!)));
        Assert.Equal("alice", Jwt.Claims(new Secret(file.Text("id_token")!))!.Text("sub"));
    }

    [Fact]
    public async Task Device_code_is_typed_and_approved()
    {
        await using var provider = await OidcProvider.StartAsync();

        await provider.LogInByDeviceAsync();

        Assert.Equal(HttpStatusCode.OK, await provider.UserInfoAsync(new Secret(provider.Read("device.json").Text("access_token")!)));
    }

    [Fact]
    public async Task Device_code_is_typed_and_refused()
    {
        await using var provider = await OidcProvider.StartAsync();

        await provider.LogInByDeviceAsync(approve: false);

        Assert.Contains("rejected on the provider's page", provider.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refresh_tokens_rotate_and_the_file_has_the_newest()
    {
        await using var provider = await OidcProvider.StartAsync();
        await provider.LogInByRedirectAsync("redirect");
        var seen = new HashSet<string>();

        for (var i = 0; i < 5; i++)
        {
            Assert.True(seen.Add(provider.Read("redirect.json").Text("refresh_token")!));
            Assert.Equal(0, await provider.RunAsync("refresh", "redirect"));
        }

        Assert.Equal(HttpStatusCode.OK, await provider.UserInfoAsync(new Secret(provider.Read("redirect.json").Text("access_token")!)));
    }

    [Fact]
    public async Task A_used_refresh_token_revokes_its_family_and_the_login_is_lost()
    {
        await using var provider = await OidcProvider.StartAsync();
        await provider.LogInByRedirectAsync("redirect");
        var used = await File.ReadAllTextAsync(provider["redirect.json"], TestContext.Current.CancellationToken);
        Assert.Equal(0, await provider.RunAsync("refresh", "redirect"));
        var good = await File.ReadAllTextAsync(provider["redirect.json"], TestContext.Current.CancellationToken);

        // A restored backup contains the used token.
        provider.Write("redirect.json", used);
        Assert.Equal(1, await provider.RunAsync("refresh", "redirect"));
        provider.Write("redirect.json", good);
        Assert.Equal(1, await provider.RunAsync("refresh", "redirect"));

        Assert.Contains("the login is lost: ", provider.Error, StringComparison.Ordinal);
        Assert.Contains("invalid_grant", provider.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(provider["redirect.json"]));
    }

    [Fact]
    public async Task Logging_out_revokes_the_login_at_the_server()
    {
        await using var provider = await OidcProvider.StartAsync();
        await provider.LogInByRedirectAsync("redirect");
        var before = await File.ReadAllTextAsync(provider["redirect.json"], TestContext.Current.CancellationToken);
        var access = new Secret(JsonMembers.Parse(System.Text.Encoding.UTF8.GetBytes(before)).Text("access_token")!);

        Assert.Equal(0, await provider.RunAsync("logout", "redirect"));

        Assert.Contains("redirect: revoked at the provider and removed locally.\n", provider.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(provider["redirect.json"]));
        Assert.Equal(HttpStatusCode.Unauthorized, await provider.UserInfoAsync(access));
        provider.Write("redirect.json", before);
        Assert.Equal(1, await provider.RunAsync("refresh", "redirect"));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    public async Task Clocks_can_differ_by_hours(int hours)
    {
        await using var provider = await OidcProvider.StartAsync(TimeSpan.FromHours(hours));
        await provider.LogInByRedirectAsync("redirect");

        Assert.Equal(0, await provider.RunAsync("refresh", "redirect"));
        Assert.Equal(0, await provider.RunAsync("token", "redirect"));

        var file = provider.Read("redirect.json");
        Assert.EndsWith(file.Text("access_token") + "\n", provider.Output, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await provider.UserInfoAsync(new Secret(file.Text("access_token")!)));
        // By the exporter's clock, which later reads use.
        Assert.InRange(DateTimeOffset.Parse(file.Text("expiry")!) - provider.Time.GetUtcNow(), TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(61));
    }

    [Fact]
    public async Task A_wrong_secret_does_not_lose_the_token()
    {
        await using var provider = await OidcProvider.StartAsync();
        await provider.LogInByRedirectAsync("secret");
        provider.Configure($"""
              wrong:
                source: oauth2
                client_id: confidential
                client_secret: another
                authentication: basic
                token_endpoint: {provider.Issuer}token
                token_file: wrong.json

            """);
        File.Copy(provider["secret.json"], provider["wrong.json"]);

        Assert.Equal(1, await provider.RunAsync("refresh", "wrong"));
        Assert.Equal(0, await provider.RunAsync("refresh", "secret"));

        Assert.Contains("fix the configuration", provider.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keep_renews_every_hour_and_uses_no_refresh_token_twice()
    {
        await using var provider = await OidcProvider.StartAsync();
        await provider.LogInByRedirectAsync("redirect");
        await provider.LogInByDeviceAsync();
        await provider.LogInByRedirectAsync("secret");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var keep = provider.KeepAsync(stop.Token);
        await provider.WaitForErrorAsync("[info] secret: sleeping");

        foreach (var account in new[] { "redirect", "device", "secret" })
        {
            await provider.AdvanceUntilErrorAsync($"[info] {account}: refreshed");
        }
        await stop.CancelAsync();

        Assert.Equal(0, await keep);
        Assert.DoesNotContain("[error]", provider.Error, StringComparison.Ordinal);
    }
}
