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
        Assert.Equal(["account", "source", "state", "access token ends", "refresh token ends", "next renewal", "store", "last error"], Cells(lines[0]));
        Assert.Equal(["home", "netatmo", "active", "2026-11-21 15:00:00Z (in 3 hours)", "–"], Cells(lines[1])[..5]);
        Assert.Equal([bench["home.json"], "–"], Cells(lines[1])[^2..]);
        Assert.Equal(["car", "bmw-cardata", "missing", "–", "–", "–", bench["car.json"], "–"], Cells(lines[2]));
    }

    [Fact]
    public async Task As_JSON_it_holds_the_same_for_programs()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        bench.LogInCar();

        Assert.Equal(0, await bench.RunAsync("status", "--json"));

        using var json = JsonDocument.Parse(bench.Output);
        var home = json.RootElement[0];
        Assert.Equal(("home", "netatmo", "active", false), (home.GetProperty("account").GetString(), home.GetProperty("source").GetString(), home.GetProperty("state").GetString(), home.GetProperty("login_required").GetBoolean()));
        Assert.Equal(bench.Time.GetUtcNow().AddHours(3), home.GetProperty("access_token_ends").GetDateTimeOffset());
        Assert.Equal(JsonValueKind.Null, home.GetProperty("refresh_token_ends").ValueKind);
        Assert.True(home.GetProperty("next_renewal").GetDateTimeOffset() < bench.Time.GetUtcNow().AddHours(3));
        Assert.Equal(bench["home.json"], home.GetProperty("store").GetString());
    }

    [Fact]
    public async Task It_asks_no_cloud_and_shows_no_secret()
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
