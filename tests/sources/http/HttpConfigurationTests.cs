using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>What the real program says about accounts with a module, at its start and when it reloads.</summary>
[Trait("Suite", "slow")]
public sealed class HttpConfigurationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "the module door needs api_key or api_key_file: The API key.")]
    [InlineData("settings: {api_key: k, apikey: k}", "the module door has no setting apikey; did you mean api_key?")]
    [InlineData("settings: {api_key: k, detail: all}", "detail must be one of little, much")]
    [InlineData("settings: {api_key_file: nothing.txt}", "api_key_file: ")]
    public async Task A_wrong_setting_of_a_module_is_one_clear_sentence(string line, string sentence)
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("door.yml");
        bench.ConfigureOnly(HttpBench.Of("door", "door.yml", line));

        var (exitCode, _, error) = await bench.CheckAsync();

        Assert.Equal(1, exitCode);
        Assert.Contains(sentence, Assert.Single(error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mistakes_of_a_module_have_their_line_and_column()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("depot.yml", ("get: /jobs", "gett: /jobs"), ("$job.waiting", "$jop.waiting"), ("pow(10, $measure.unit)\n", "power(10)\n"));
        bench.ConfigureOnly(HttpBench.Service());

        var (exitCode, _, error) = await bench.CheckAsync();

        Assert.Equal(1, exitCode);
        Assert.Contains("depot.yml:26:5: a request has no key gett; did you mean get?", error, StringComparison.Ordinal);
        Assert.Contains("there is no $jop here; did you mean $job?", error, StringComparison.Ordinal);
        Assert.Contains("power", error, StringComparison.Ordinal);
        Assert.All(error.TrimEnd('\n').Split('\n'), line => Assert.Matches("depot[.]yml:[0-9]+:[0-9]+: ", line));
    }

    [Fact]
    public async Task A_budget_that_is_too_small_is_a_warning()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("depot.yml", ("60 per 1m", "10 per 1m"));
        bench.ConfigureOnly(HttpBench.Service());

        var (exitCode, output, error) = await bench.CheckAsync();

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("depot.yml:9:1: the requests may be up to 23 per 1m", output, StringComparison.Ordinal);
        Assert.Contains("Make interval: longer or at_most: smaller", output, StringComparison.Ordinal);
        Assert.EndsWith("The configuration is valid: depot (http).\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_modules_with_one_name_are_a_problem()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("depot.yml");
        bench.WriteModuleAs("other.yml", "depot.yml", ("interval: 1m", "interval: 2m"));
        bench.WriteModuleAs("copy.yml", "depot.yml");
        bench.ConfigureOnly(HttpBench.Service(), HttpBench.Service("copy", "copy.yml"), HttpBench.Service("other", "other.yml"));

        var (exitCode, _, error) = await bench.CheckAsync();

        Assert.Equal(1, exitCode);
        Assert.Contains("two different modules have this name, and so the same metrics; rename one of them",
            Assert.Single(error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reload_opens_an_account_again_only_if_its_module_file_changed()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("depot.yml");
        bench.WriteModule("door.yml");
        bench.ConfigureOnly(HttpBench.Service(), HttpBench.Of("door", "door.yml", $"settings: {{api_key: {HttpProvider.ApiKey}}}"));
        await using var exporter = await bench.RunProgramAsync();
        await exporter.Shows("depot_power_watts{meter=\"main\",account=\"depot\"}", Cancellation);
        await exporter.Shows("door_open{account=\"door\"} 1", Cancellation);

        bench.WriteModule("depot.yml", ("depot_power_watts", "depot_electric_power_watts"));
        await exporter.HangUpAsync(Cancellation);
        await exporter.Says("the configuration was reloaded: account depot changed, accounts unchanged: 1", Cancellation);
        var page = await exporter.Shows("depot_electric_power_watts{meter=\"main\",account=\"depot\"}", Cancellation);
        Assert.DoesNotContain("depot_power_watts{", page, StringComparison.Ordinal);

        bench.WriteModule("depot.yml", ("requests:", "request:"));
        await exporter.HangUpAsync(Cancellation);
        await exporter.Says("the configuration was not reloaded, and nothing was changed: ", Cancellation);
        page = await exporter.PageAsync(Cancellation);

        Assert.Contains("depot_electric_power_watts{meter=\"main\",account=\"depot\"}", page, StringComparison.Ordinal);
        Assert.Contains("exporter_up{account=\"depot\",source=\"http\"} 1", page, StringComparison.Ordinal);
        Assert.Equal(1, bench.Http.Endpoint("public").Requests);
        Assert.Equal(2 * HttpBench.RequestsOfAReading, bench.Requests - 1);
    }
}
