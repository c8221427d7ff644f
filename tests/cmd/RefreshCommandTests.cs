using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Cmd;

public sealed class RefreshCommandTests
{
    [Fact]
    public async Task It_renews_a_valid_token_and_prints_the_new_expiry()
    {
        await using var bench = await CommandBench.StartAsync();
        var before = bench.LogInHome();

        Assert.Equal(0, await bench.RunAsync("refresh", "home"));

        Assert.Equal("home: renewed; the token is valid until 2026-11-21 15:00:00Z (in 3 hours).\n", bench.Output);
        Assert.NotEqual(before.RefreshToken, bench.Read("home.json").Text("refresh_token"));
        Assert.Equal(1, bench.Sandbox.Netatmo.Authorization.Counters.Rotations);
    }

    [Theory]
    [InlineData("n\n", 0)]
    [InlineData("", 0)]
    [InlineData("y\n", 1)]
    public async Task At_a_terminal_it_confirms_before_it_renews_a_valid_token(string typed, int rotations)
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(0, await bench.RunAsync(typed, interactive: true, "refresh", "home"));

        Assert.Contains("Renew it now? [y/N]", bench.Error, StringComparison.Ordinal);
        Assert.Equal(rotations, bench.Sandbox.Netatmo.Authorization.Counters.Rotations);
    }

    [Fact]
    public async Task At_a_terminal_it_does_not_confirm_with_the_yes_switch_or_for_an_expired_token()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        Assert.Equal(0, await bench.RunAsync("", interactive: true, "refresh", "home", "--yes"));
        bench.LogInHome(left: TimeSpan.FromSeconds(-1));
        Assert.Equal(0, await bench.RunAsync("", interactive: true, "refresh", "home"));

        Assert.Equal("", bench.Error);
        Assert.Equal(2, bench.Sandbox.Netatmo.Authorization.Counters.Rotations);
    }

    [Fact]
    public async Task A_provider_failure_is_exit_code_2_and_keeps_the_token()
    {
        await using var bench = await CommandBench.StartAsync();
        var before = bench.LogInHome();
        bench.Sandbox.Netatmo.Token.Fail(new Fault.ServerError());

        Assert.Equal(2, await bench.RunAsync("refresh", "home"));

        Assert.Contains("try again later", bench.Error, StringComparison.Ordinal);
        Assert.Equal(before.RefreshToken, bench.Read("home.json").Text("refresh_token"));
    }

    [Fact]
    public async Task A_lost_login_is_exit_code_1_with_the_fix()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        bench.Sandbox.Netatmo.Authorization.RevokeAll();

        Assert.Equal(1, await bench.RunAsync("refresh", "home"));

        Assert.Contains("run: oauth-exporter login home", bench.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(bench["home.json"]));
    }

    [Fact]
    public async Task Without_a_token_it_prints_how_to_log_in()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await bench.RunAsync("refresh", "home"));

        Assert.Equal("home: not logged in; run: oauth-exporter login home\n", bench.Error);
    }

    [Theory]
    [InlineData(new[] { "refresh" }, "There are several accounts; choose one of: home, car.\n")]
    [InlineData(new[] { "refresh", "hoem" }, "There is no account hoem; did you mean home?\n")]
    [InlineData(new[] { "refresh", "elsewhere" }, "There is no account elsewhere; choose one of: home, car.\n")]
    public async Task An_ambiguous_or_unknown_account_is_an_error_with_a_suggestion(string[] arguments, string error)
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await bench.RunAsync(arguments));

        Assert.Equal(error, bench.Error);
    }
}
