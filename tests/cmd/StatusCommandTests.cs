using Exporter.Sandbox;
using System.Text.Json;
using Xunit;

namespace Exporter.Tests.Cmd;

public sealed class StatusCommandTests
{
    [Fact]
    public async Task Every_account_is_a_row_and_a_missing_login_is_exit_code_1()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(1, await bench.RunAsync("status"));

        var lines = bench.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(
            ["account", "source", "state", "access token expires", "refresh token expires", "next renewal", "store", "last error"], Cells(lines[0]));
        Assert.Equal(["home", "netatmo", "active", "2026-11-21 15:00:00Z (in 3 hours)", "–"], Cells(lines[1])[..5]);
        Assert.Equal([bench["home.json"], "–"], Cells(lines[1])[^2..]);
        Assert.Equal(["car", "bmw-cardata", "missing", "–", "–", "–", bench["car.json"], "–"], Cells(lines[2]));
    }

    [Fact]
    public async Task The_JSON_contains_the_same_data()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        bench.LogInCar();

        Assert.Equal(0, await bench.RunAsync("status", "--json"));

        using var json = JsonDocument.Parse(bench.Output);
        var home = json.RootElement[0];
        Assert.Equal("home", home.GetProperty("account").GetString());
        Assert.Equal("netatmo", home.GetProperty("source").GetString());
        Assert.Equal("active", home.GetProperty("state").GetString());
        Assert.False(home.GetProperty("login_required").GetBoolean());
        Assert.Equal(bench.Time.GetUtcNow().AddHours(3), home.GetProperty("access_token_ends").GetDateTimeOffset());
        Assert.Equal(JsonValueKind.Null, home.GetProperty("refresh_token_ends").ValueKind);
        Assert.True(home.GetProperty("next_renewal").GetDateTimeOffset() < bench.Time.GetUtcNow().AddHours(3));
        Assert.Equal(bench["home.json"], home.GetProperty("store").GetString());
    }

    [Fact]
    public async Task It_sends_no_request_and_prints_no_secret()
    {
        await using var bench = await CommandBench.StartAsync();
        var issued = bench.LogInHome(left: TimeSpan.FromSeconds(-1));

        await bench.RunAsync("status");
        await bench.RunAsync("status", "--json");

        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
        Assert.DoesNotContain(issued.AccessToken, bench.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(issued.RefreshToken, bench.Output, StringComparison.Ordinal);
    }

    private static string[] Cells(string line) => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
