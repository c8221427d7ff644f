using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Cmd;

public sealed class LogoutCommandTests
{
    [Fact]
    public async Task Where_the_cloud_offers_no_revocation_it_says_so_and_forgets_here()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(0, await bench.RunAsync("logout", "home"));

        Assert.Equal("home: forgotten here; the provider offers no revocation, so remove the login in your settings there.\n", bench.Output);
        Assert.False(File.Exists(bench["home.json"]));
        Assert.True(File.Exists(bench["home.json.signed-out"]));
    }

    [Fact]
    public async Task Told_to_be_local_it_says_that_the_login_lives_on()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(0, await bench.RunAsync("logout", "home", "--local"));

        Assert.Equal("home: forgotten here; at the provider the login lives on.\n", bench.Output);
    }

    [Fact]
    public async Task All_accounts_are_logged_out_at_once()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(0, await bench.RunAsync("logout", "--all"));

        Assert.Contains("home: forgotten here", bench.Output, StringComparison.Ordinal);
        Assert.Contains("car: nobody is logged in.", bench.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_account_and_all_contradict_each_other()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(1, await bench.RunAsync("logout", "home", "--all"));

        Assert.True(File.Exists(bench["home.json"]));
    }

    [Fact]
    public async Task A_login_that_cannot_be_revoked_now_is_not_forgotten()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.Configure($$"""
              other:
                source: oauth2
                client_id: app
                token_endpoint: {{bench.Sandbox.Address.OriginalString}}/oauth2/token
                revocation_endpoint: {{bench.Sandbox.Address.OriginalString}}/oauth2/token
                token_file: other.json

            """);
        bench.Write("other.json", """{"access_token":"a","refresh_token":"r","expiry":"2026-11-22T00:00:00Z"}""");
        bench.Sandbox.Netatmo.Token.Fail(new Fault.ServerError());

        Assert.Equal(2, await bench.RunAsync("logout", "other"));

        Assert.Contains("nothing was revoked or forgotten", bench.Error, StringComparison.Ordinal);
        Assert.Contains("--local", bench.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(bench["other.json"]));
    }
}
