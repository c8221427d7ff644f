using System.Text.Json;
using Exporter.Sandbox;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Cmd;

public sealed class TokenCommandTests
{
    [Fact]
    public async Task It_prints_a_valid_token_and_nothing_else()
    {
        await using var bench = await CommandBench.StartAsync();
        var issued = bench.LogInHome();

        Assert.Equal(0, await bench.RunAsync("token", "home"));

        Assert.Equal((issued.AccessToken + "\n", ""), (bench.Output, bench.Error));
        Assert.Equal(0, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(30)]
    public async Task It_first_renews_a_token_that_has_expired_or_soon_expires(int left)
    {
        await using var bench = await CommandBench.StartAsync();
        var issued = bench.LogInHome(left: TimeSpan.FromSeconds(left), lifetime: TimeSpan.FromHours(3));

        Assert.Equal(0, await bench.RunAsync("token", "home"));

        Assert.Equal(bench.Read("home.json").Text("access_token") + "\n", bench.Output);
        Assert.NotEqual(issued.AccessToken + "\n", bench.Output);
    }

    [Fact]
    public async Task It_prints_a_valid_token_even_if_its_renewal_fails()
    {
        await using var bench = await CommandBench.StartAsync();
        var issued = bench.LogInHome(left: TimeSpan.FromSeconds(30), lifetime: TimeSpan.FromHours(3));
        bench.Sandbox.Netatmo.Token.Fail(new Fault.ServerError());

        Assert.Equal(0, await bench.RunAsync("token", "home"));

        Assert.Equal(issued.AccessToken + "\n", bench.Output);
    }

    [Fact]
    public async Task The_JSON_contains_the_expiry()
    {
        await using var bench = await CommandBench.StartAsync();
        var issued = bench.LogInHome();

        Assert.Equal(0, await bench.RunAsync("token", "home", "--json"));

        using var json = JsonDocument.Parse(bench.Output);
        Assert.Equal(issued.AccessToken, json.RootElement.GetProperty("access_token").GetString());
        Assert.Equal(bench.Time.GetUtcNow() + issued.ExpiresIn, json.RootElement.GetProperty("expires_at").GetDateTimeOffset());
        Assert.Equal(2, json.RootElement.EnumerateObject().Count());
    }

    [Fact]
    public async Task It_prints_the_ID_token_on_request()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar();

        Assert.Equal(0, await bench.RunAsync("token", "car", "--id"));

        Assert.Equal(bench.Sandbox.Bmw.Gcid, Jwt.Claims(new Secret(bench.Output.TrimEnd()))!.Text("sub"));
        Assert.Equal(bench.Time.GetUtcNow() + TimeSpan.FromHours(1), Jwt.Expiry(new Secret(bench.Output.TrimEnd())));
    }

    [Fact]
    public async Task A_missing_ID_token_is_an_error_with_the_fix()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();

        Assert.Equal(1, await bench.RunAsync("token", "home", "--id"));

        Assert.Equal("", bench.Output);
        Assert.Contains("openid", bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_token_it_prints_only_the_reason_on_stderr()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await bench.RunAsync("token", "home"));

        Assert.Equal(("", "home: not logged in; run: oauth-exporter login home\n"), (bench.Output, bench.Error));
    }

    [Fact]
    public async Task It_reports_a_corrupt_file()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.Write("home.json", "{\"access_token\":");

        Assert.Equal(1, await bench.RunAsync("token", "home"));

        Assert.Contains("is not a token file", bench.Error, StringComparison.Ordinal);
        Assert.Contains("oauth-exporter login home", bench.Error, StringComparison.Ordinal);
    }
}
