using System.Text.Json;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>The commands for people who write a module, with the real program.</summary>
[Trait("Suite", "slow")]
public sealed class HttpCommandTests
{
    [Fact]
    public async Task Recorded_answers_have_no_secret_and_give_the_same_metrics()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("depot.yml");
        bench.ConfigureOnly(HttpBench.Service());

        var recorded = await HttpBench.RunRealAsync("http", "record", bench["recorded"], "--account", "depot", "--config", bench["exporter.yml"]);
        var tried = await HttpBench.RunRealAsync("http", "try", bench["depot.yml"], bench["recorded"]);

        Assert.Equal((0, 0), (recorded.ExitCode, tried.ExitCode));
        Assert.Equal(Page(recorded.Output), Page(tried.Output));
        Assert.Contains("depot_energy_joules_total{meter=\"main\"}", tried.Output, StringComparison.Ordinal);
        Assert.Contains("# absent: depot_humidity_ratio has no value once", tried.Output, StringComparison.Ordinal);
        Assert.Contains("Look through the files before you share them", recorded.Error, StringComparison.Ordinal);
        Assert.Equal(HttpBench.RequestsOfAReading + 1, Directory.GetFiles(bench["recorded"]).Length);
        using var token = JsonDocument.Parse(await File.ReadAllBytesAsync(bench["depot-token.json"], TestContext.Current.CancellationToken));
        string[] secrets = [token.RootElement.GetProperty("access_token").GetString()!, HttpProvider.ServiceClientSecret];
        foreach (var file in Directory.GetFiles(bench["recorded"]))
        {
            var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
            Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task An_API_key_is_not_recorded()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("door.yml");
        bench.ConfigureOnly(HttpBench.Of("door", "door.yml", $"settings: {{api_key: {HttpProvider.ApiKey}}}"));

        var recorded = await HttpBench.RunRealAsync("http", "record", bench["recorded"], "--account", "door", "--config", bench["exporter.yml"]);

        Assert.Equal(0, recorded.ExitCode);
        Assert.Equal(["api.json", "public.json"], Directory.GetFiles(bench["recorded"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Directory.GetFiles(bench["recorded"]),
            file => Assert.DoesNotContain(HttpProvider.ApiKey, File.ReadAllText(file), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_module_is_tried_with_the_answer_of_the_documentation()
    {
        await using var bench = await HttpBench.StartForProgramAsync();
        bench.WriteModule("meters.yml");
        bench.Write("meters.json", """[{"meter": "water", "litres": 12, "leak": false}, {"meter": "gas", "litres": 3, "leak": null}]""");

        var (exitCode, output, error) = await HttpBench.RunRealAsync("http", "try", bench["meters.yml"], bench["meters.json"]);

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("meters_volume_liters_total{meter=\"gas\"} 3\n", output, StringComparison.Ordinal);
        Assert.Contains("# absent: meters_leak has no value once\n", output, StringComparison.Ordinal);
        Assert.Equal(0, bench.Requests);
    }

    [Fact]
    public async Task The_schema_has_the_keys_of_a_module()
    {
        var (exitCode, output, error) = await HttpBench.RunRealAsync("http", "schema");

        Assert.Equal((0, ""), (exitCode, error));
        using var schema = JsonDocument.Parse(output);
        var keys = schema.RootElement.GetProperty("properties").EnumerateObject().Select(member => member.Name).ToList();
        Assert.Superset(new HashSet<string> { "module", "api", "oauth", "budget", "errors", "requests", "series" }, keys.ToHashSet());
    }

    private static IEnumerable<string> Page(string output) =>
        output.Split('\n').Where(line => line.StartsWith("depot_", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
}
