using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Program;

/// <summary>The real program with a token file, a real Prometheus, and the sandbox as the provider.</summary>
[Trait("Suite", "slow")]
public sealed class WeatherStationTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_with_only_a_refresh_token_brings_every_station_and_module_to_Prometheus()
    {
        var fixture = Path.GetFullPath(Path.Combine(Golden.Root, "../../shared/fixtures/netatmo/stations.json"));
        await using var sandbox = await SandboxAsync(File.Exists(fixture) ? NetatmoSample.Named(fixture) : NetatmoSample.Odd);
        await using var exporter = await RunningExporter.StartAsync(sandbox, TokenFile(sandbox), Cancellation);
        await exporter.Says("reading succeeded", Cancellation);

        await using var prometheus = await PrometheusPeer.StartAsync(directory, $"{exporter.Http.BaseAddress!.Authority}", Cancellation);
        var modules = await prometheus.ValuesAsync("netatmo_sensor_info", Cancellation);

        var lines = (await exporter.PageAsync(Cancellation)).Split('\n');
        var expected = lines.Count(line => line.StartsWith("netatmo_sensor_info{", StringComparison.Ordinal));
        Assert.NotEmpty(modules);
        Assert.Equal(expected, modules.Count);
        if (File.Exists(fixture))
        {
            Assert.Equal(18, modules.Count);
        }
        Assert.Equal([1.0], await prometheus.ValuesAsync("up == 1", Cancellation));
        Assert.Equal([1.0], await prometheus.ValuesAsync("exporter_up", Cancellation));
        Assert.DoesNotContain("level=error", exporter.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kill_after_each_renewal_keeps_the_login()
    {
        await using var sandbox = await SandboxAsync();
        var file = TokenFile(sandbox);
        for (var round = 0; round < 5; round++)
        {
            await using var exporter = await RunningExporter.StartAsync(sandbox, file, Cancellation);
            await exporter.Says("reading succeeded", Cancellation);
            await exporter.KillAsync(Cancellation);
            sandbox.Netatmo.Authorization.ExpireAccessTokens();
            File.WriteAllText(file, WithoutExpiry(file));
        }

        var counters = sandbox.Netatmo.Authorization.Counters;
        Assert.Equal((5, 0, 0), (counters.Rotations, counters.ReusedRefreshTokens, counters.RevokedFamilies));
    }

    [Fact]
    public async Task A_revoked_access_token_costs_one_renewal_and_one_retry()
    {
        await using var sandbox = await SandboxAsync();
        var file = TokenFile(sandbox);
        await using (var first = await RunningExporter.StartAsync(sandbox, file, Cancellation))
        {
            await first.Says("reading succeeded", Cancellation);
        }
        sandbox.Netatmo.Authorization.ExpireAccessTokens();

        await using var exporter = await RunningExporter.StartAsync(sandbox, file, Cancellation);
        await exporter.Says("reading succeeded", Cancellation);

        Assert.Equal(2, sandbox.Netatmo.Token.Requests);
        Assert.Equal(3, sandbox.Netatmo.StationsData.Requests);
    }

    [Fact]
    public async Task A_rejected_refresh_token_costs_one_request_and_not_one_per_scrape()
    {
        await using var sandbox = await SandboxAsync();
        var file = TokenFile(sandbox);
        sandbox.Netatmo.Authorization.RevokeAll();
        await using var exporter = await RunningExporter.StartAsync(sandbox, file, Cancellation);
        const string lost = "exporter_token_state{source=\"netatmo\",state=\"lost\"} 1";
        await exporter.Shows(lost, Cancellation);

        for (var scrape = 0; scrape < 20; scrape++)
        {
            Assert.Contains(lost, await exporter.PageAsync(Cancellation), StringComparison.Ordinal);
        }

        Assert.Equal(1, sandbox.Netatmo.Token.Requests);
        Assert.Equal(HttpStatusCode.OK, await exporter.StatusAsync("/-/ready", Cancellation));
        Assert.Equal(HttpStatusCode.OK, await exporter.StatusAsync("/", Cancellation));
        Assert.Equal(0, await exporter.TerminateAsync(Cancellation));
    }

    [Theory]
    [InlineData("token")]
    [InlineData("api")]
    public async Task A_provider_that_hangs_delays_neither_a_scrape_nor_the_shutdown(string what)
    {
        await using var sandbox = await SandboxAsync();
        var endpoint = what == "token" ? sandbox.Netatmo.Token : sandbox.Netatmo.StationsData;
        endpoint.Fail(new Fault.Hang());
        await using var exporter = await RunningExporter.StartAsync(sandbox, TokenFile(sandbox), Cancellation);
        await endpoint.Reached(1, Cancellation);

        // The provider does not respond, so the page has not waited for it.
        Assert.Contains("netatmo_up 0", await exporter.PageAsync(Cancellation), StringComparison.Ordinal);
        var exit = await exporter.TerminateAsync(Cancellation);

        Assert.Equal(what == "token" ? 1 : 0, exit);
    }

    [Fact]
    public async Task One_broken_account_of_ten_does_not_affect_the_others_and_has_a_state()
    {
        await using var sandbox = await SandboxAsync();
        var accounts = Enumerable.Range(0, 10).Select(i => $"""
              a{i}:
                source: netatmo
                client_id: {(i == 3 ? "unknown" : sandbox.Netatmo.ClientId)}
                client_secret: {sandbox.Netatmo.ClientSecret}
                token_file: {directory.Write($"token-{i}.json", $$"""{"refresh_token":"{{sandbox.Netatmo.Login().RefreshToken}}"}""")}
                api_url: {sandbox.Address}
            """);
        var config = directory.Write("exporter.yml", "accounts:\n" + string.Join('\n', accounts) + "\n");
        await using var exporter = await RunningExporter.StartAsync(["--config", config, "-a", "127.0.0.1:0"], Cancellation);
        foreach (var i in Enumerable.Range(0, 10).Where(i => i != 3))
        {
            await exporter.Shows($"netatmo_up{{account=\"a{i}\"}} 1", Cancellation);
        }

        const string refused = "exporter_token_state{account=\"a3\",source=\"netatmo\",state=\"refused\"} 1";
        var page = await exporter.Shows(refused, Cancellation);
        Assert.Equal(9, Regex.Count(page, "^netatmo_up{account=.* 1$", RegexOptions.Multiline));
        Assert.Contains("netatmo_up{account=\"a3\"} 0", page, StringComparison.Ordinal);
        Assert.Contains(refused, page, StringComparison.Ordinal);
        Assert.Matches(new Regex("^netatmo_sensor_temperature_celsius{.*account=\"a9\"", RegexOptions.Multiline), page);
    }

    [Fact]
    public async Task Check_prints_every_problem_in_one_run_one_line_each()
    {
        var config = directory.Write("exporter.yml", $"""
            accounts:
              home:
                source: netatmo
                client_id: x
                client_secret_file: {directory["missing.txt"]}
                token_file: token.json
                refresh_intervall: 9m
              office:
                source: netatmo
                client_id: y
                client_secret: z
                token_file: ./token.json
                age_stale: 90
            """);

        var (exit, _, error) = await RunningExporter.RunAsync(["check", "--config", config], Cancellation);

        var lines = error.TrimEnd('\n').Split('\n');
        Assert.Equal((1, 4), (exit, lines.Length));
        AssertProblem(5, "missing.txt");
        AssertProblem(7, "did you mean refresh_interval?");
        Assert.Contains(lines, l => l.EndsWith("did you mean refresh_interval?", StringComparison.Ordinal));
        AssertProblem(12, "home");
        AssertProblem(13, "a duration needs a unit");

        void AssertProblem(int line, string text) => Assert.Contains(
            lines, l => l.StartsWith($"{config}:{line}: ", StringComparison.Ordinal) && l.Contains(text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("-a:0")]
    [InlineData("--addr=127.0.0.1:0")]
    public async Task The_flag_notations_of_netatmo_exporter_work(string address)
    {
        string[] arguments = ["check", address, "-ix", "-s", "@text", "--token-file", directory["t.json"]];
        var (exit, output, error) = await RunningExporter.RunAsync(arguments, Cancellation);

        Assert.Equal((0, "The configuration is valid: netatmo (netatmo).\n", ""), (exit, output, error));
    }

    /// <summary>netatmo-exporter ignores it too.</summary>
    [Fact]
    public async Task A_stray_argument_does_not_prevent_a_start()
    {
        await using var exporter = await RunningExporter.StartAsync(
            ["-a", "127.0.0.1:0", "-ix", "-s", "@text", "--token-file", directory["t.json"], "stray"], Cancellation);

        Assert.Contains("stray", exporter.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_misspelled_command_does_not_serve()
    {
        var (exit, _, error) = await RunningExporter.RunAsync(["chekc", "-i", "x", "-s", "y", "--token-file", directory["t.json"]], Cancellation);

        Assert.Equal((1, "chekc: unknown command; did you mean check?\n"), (exit, error));
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_and_exit_code_1()
    {
        await using var sandbox = await SandboxAsync();
        var (exit, _, error) = await RunningExporter.RunAsync(
            ["-i", "x", "-s", "y", "--token-file", directory["t.json"], "-a", sandbox.Address.Authority], Cancellation);

        Assert.Equal(1, exit);
        Assert.Contains($"cannot listen on {sandbox.Address.Authority}", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_token_file_is_set_aside_and_the_program_stays_up()
    {
        await using var sandbox = await SandboxAsync();
        var file = directory.Write("token.json", "{\"refresh_token\":\"ab");
        await using var exporter = await RunningExporter.StartAsync(sandbox, file, Cancellation);

        Assert.Contains("exporter_login_required{source=\"netatmo\"} 1", await exporter.PageAsync(Cancellation), StringComparison.Ordinal);
        Assert.Equal("{\"refresh_token\":\"ab", File.ReadAllText(Assert.Single(Directory.GetFiles(directory.Path, "token.json.corrupt-*"))));
    }

    public void Dispose() => directory.Dispose();

    private static Task<SandboxServer> SandboxAsync(NetatmoSample? stations = null) => SandboxServer.StartAsync(
        new SandboxOptions { Providers = [new NetatmoProviderOptions { Stations = stations ?? NetatmoSample.Small }] }, Cancellation);

    private string TokenFile(SandboxServer sandbox) =>
        directory.Write("token.json", $$"""{"refresh_token":"{{sandbox.Netatmo.Login().RefreshToken}}"}""");

    /// <summary>A user removes the expiry from the file to force a renewal.</summary>
    private static string WithoutExpiry(string file)
    {
        using var token = JsonDocument.Parse(File.ReadAllText(file));
        return $$"""{"refresh_token":"{{token.RootElement.GetProperty("refresh_token").GetString()}}"}""";
    }
}
