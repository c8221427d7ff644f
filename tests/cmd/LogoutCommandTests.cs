using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Cmd;

public sealed class LogoutCommandTests
{
    [Fact]
    public async Task Without_a_revocation_endpoint_it_removes_the_local_token_and_prints_what_to_do()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(0, await bench.RunAsync("logout", "home"));

        Assert.Equal(
            "home: removed locally; the provider has no revocation endpoint, so remove the login in your account settings there.\n", bench.Output);
        Assert.False(File.Exists(bench["home.json"]));
        Assert.True(File.Exists(bench["home.json.signed-out"]));
    }

    [Fact]
    public async Task It_removes_every_copy_of_the_token_and_names_damaged_files_that_are_left()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        string[] copies = [bench[".home.json.0123456789abcdef0123456789abcdef.tmp"], bench[".home.json.backup"], bench["home.json.status"]];
        foreach (var copy in copies.Append(bench["home.json.corrupt-20260101T000000Z"]))
        {
            File.Copy(bench["home.json"], copy);
        }

        Assert.Equal(0, await bench.RunAsync("logout", "home"));

        Assert.DoesNotContain(copies, File.Exists);
        Assert.Contains(
            $"home: damaged copies may still contain a token: delete home.json.corrupt-20260101T000000Z beside {bench["home.json"]}.\n", bench.Error);
    }

    [Fact]
    public async Task With_the_local_switch_it_prints_that_the_login_stays_valid()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(0, await bench.RunAsync("logout", "home", "--local"));

        Assert.Equal("home: removed locally; the login stays valid at the provider.\n", bench.Output);
    }

    [Fact]
    public async Task All_accounts_can_be_logged_out_in_one_call()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(0, await bench.RunAsync("logout", "--all"));

        Assert.Contains("home: removed locally", bench.Output, StringComparison.Ordinal);
        Assert.Contains("car: not logged in.", bench.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_account_and_the_all_switch_are_an_error()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(1, await bench.RunAsync("logout", "home", "--all"));

        Assert.True(File.Exists(bench["home.json"]));
    }

    [Fact]
    public async Task A_login_that_cannot_be_revoked_keeps_its_local_token()
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

        Assert.Contains("the logout is not complete", bench.Error, StringComparison.Ordinal);
        Assert.Contains("--local", bench.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(bench["other.json"]));
    }
}
