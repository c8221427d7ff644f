using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Cmd;

public sealed class RefreshCommandTests
{
    [Fact]
    public async Task It_renews_though_the_token_is_good_and_says_the_new_expiry()
    {
        await using var bench = await CommandBench.StartAsync();
        var before = bench.LogInHome();

        Assert.Equal(0, await bench.RunAsync("refresh", "home"));

        Assert.Equal("home: renewed; the token is good until 2026-11-21 15:00:00Z (in 3 hours).\n", bench.Output);
        Assert.NotEqual(before.RefreshToken, bench.Read("home.json").Text("refresh_token"));
        Assert.Equal(1, bench.Sandbox.Netatmo.Authorization.Counters.Rotations);
    }

    [Theory]
    [InlineData("n\n", 0)]
    [InlineData("", 0)]
    [InlineData("y\n", 1)]
    public async Task At_a_terminal_it_asks_before_it_renews_a_good_token(string typed, int rotations)
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(0, await bench.RunAsync(typed, interactive: true, "refresh", "home"));

        Assert.Contains("Renew it now? [y/N]", bench.Error, StringComparison.Ordinal);
        Assert.Equal(rotations, bench.Sandbox.Netatmo.Authorization.Counters.Rotations);
    }

    [Fact]
    public async Task At_a_terminal_nothing_is_asked_when_it_is_told_yes_or_the_token_has_ended()
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
    public async Task A_cloud_that_does_not_work_is_exit_code_2_and_the_token_stays()
    {
        await using var bench = await CommandBench.StartAsync();
        var before = bench.LogInHome();
        bench.Sandbox.Netatmo.Token.Fail(new Fault.ServerError());

        Assert.Equal(2, await bench.RunAsync("refresh", "home"));

        Assert.Contains("try again later", bench.Error, StringComparison.Ordinal);
        Assert.Equal(before.RefreshToken, bench.Read("home.json").Text("refresh_token"));
    }

    [Fact]
    public async Task A_login_that_is_lost_is_exit_code_1_and_the_remedy()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        bench.Sandbox.Netatmo.Authorization.RevokeAll();

        Assert.Equal(1, await bench.RunAsync("refresh", "home"));

        Assert.Contains("run: exporter login home", bench.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(bench["home.json"]));
    }

    [Fact]
    public async Task Without_a_token_it_says_that_nobody_is_logged_in()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await bench.RunAsync("refresh", "home"));

        Assert.Equal("home: nobody is logged in; run: exporter login home\n", bench.Error);
    }

    [Theory]
    [InlineData(new[] { "refresh" }, "There are several accounts; name one of them: home, car.\n")]
    [InlineData(new[] { "refresh", "hoem" }, "There is no account hoem; did you mean home?\n")]
    [InlineData(new[] { "refresh", "elsewhere" }, "There is no account elsewhere; there are: home, car.\n")]
    public async Task An_account_that_is_not_clear_is_asked_for(string[] arguments, string said)
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await bench.RunAsync(arguments));

        Assert.Equal(said, bench.Error);
    }
}
