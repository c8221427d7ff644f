using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>
/// The shipped compose file, and its mounts in a directory with the layout of each container. The tests need neither a container engine nor
/// Grafana: they use the schema of the specification, and the content of Grafana's provisioning files.
/// </summary>
[Trait("Suite", "slow")]
public sealed partial class ComposeTests : IDisposable
{
    private static readonly string DirectoryPath = Path.GetFullPath(Path.Combine(Golden.Root, "../examples/compose"));

    private static readonly string Checker = Path.Combine(Golden.Root, "peers/compose");

    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_file_conforms_to_the_compose_specification()
    {
        var (exit, _, error) = await CheckAsync("--compose", Path.Combine(DirectoryPath, "compose.yml"));

        Assert.True(exit == 0, error);
    }

    [Theory]
    [InlineData("read_only: true", "read_onyl: true")]
    [InlineData("depends_on: [exporter]", "depends_on: 3")]
    [InlineData("restart: unless-stopped", "restart: [always]")]
    public async Task A_file_with_a_mistake_does_not_conform(string right, string wrong)
    {
        var text = File.ReadAllText(Path.Combine(DirectoryPath, "compose.yml"));
        var file = directory.Write("compose.yml", text.Replace(right, wrong, StringComparison.Ordinal));

        Assert.Equal(1, (await CheckAsync("--compose", file)).ExitCode);
    }

    [Fact]
    public void Every_variable_is_in_the_example_env_file()
    {
        var used = Variable().Matches(File.ReadAllText(Path.Combine(DirectoryPath, "compose.yml"))).Select(match => match.Groups[1].Value);

        Assert.Equal(used.Distinct().Order(StringComparer.Ordinal), Example().Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_host_path_exists()
    {
        var services = await ServicesAsync();

        Assert.All(services.SelectMany(Mounts), mount => Assert.True(Path.Exists(mount.Host), mount.Host));
        var build = services.Single(service => service.Name == "exporter").Value.GetProperty("build").GetString()!;
        Assert.True(File.Exists(Path.Combine(DirectoryPath, build, "Dockerfile")));
    }

    [Fact]
    public async Task Prometheus_accepts_its_configuration_and_scrapes_an_existing_service()
    {
        var services = await ServicesAsync();
        CopyMounts(services.Single(service => service.Name == "prometheus"));
        var file = directory["etc/prometheus/prometheus.yml"];

        var (exit, output, error) = await Peer.Run("promtool", ["check", "config", file], default, Cancellation);

        Assert.True(exit == 0, error);
        Assert.Contains("rules found", Encoding.UTF8.GetString(output), StringComparison.Ordinal);
        var scraped = (await ReadAsync(file)).GetProperty("scrape_configs").EnumerateArray().Single();
        Assert.Equal("exporter", scraped.GetProperty("job_name").GetString());
        var target = scraped.GetProperty("static_configs")[0].GetProperty("targets")[0].GetString()!;
        Assert.Contains(target.Split(':')[0], services.Select(service => service.Name));
    }

    [Fact]
    public async Task The_exporter_accepts_every_variable_and_its_value()
    {
        var exporter = (await ServicesAsync()).Single(service => service.Name == "exporter").Value;
        var example = Example();
        var environment = exporter.GetProperty("environment").EnumerateObject().ToDictionary(v => v.Name, v => Variable().Replace(
            v.Value.GetString()!, match => example[match.Groups[1].Value] is { Length: > 0 } value ? value : "x"));
        var settings = CommandLine.ProgramSettings.Concat(Composition.Sources.SelectMany(source => source.Settings.All));

        // The variable of the image, with a directory of this machine.
        var image = ImageVariable().Match(File.ReadAllText(Path.Combine(Golden.Root, "../Dockerfile")));
        environment[image.Groups[1].Value] = directory[image.Groups[2].Value.TrimStart('/')];
        await using var check = Peer.Start(RunningExporter.Binary, ["check"], environment, directory.Path);
        Assert.True(await check.Ends(Cancellation) == 0, check.Output);
        Assert.Contains("The configuration is valid: netatmo", check.Output, StringComparison.Ordinal);
        Assert.Empty(environment.Keys.Except(settings.Select(setting => setting.Variable)));
    }

    [Fact]
    public async Task Grafana_finds_the_data_source_and_every_dashboard()
    {
        var services = await ServicesAsync();
        CopyMounts(services.Single(service => service.Name == "grafana"));

        var sources = await ReadAsync(directory["etc/grafana/provisioning/datasources/prometheus.yml"]);
        var source = sources.GetProperty("datasources").EnumerateArray().Single();
        var providers = await ReadAsync(directory["etc/grafana/provisioning/dashboards/exporter.yml"]);
        var provider = providers.GetProperty("providers").EnumerateArray().Single();

        Assert.Equal(("prometheus", true), (source.GetProperty("type").GetString(), source.GetProperty("isDefault").GetBoolean()));
        Assert.Equal(
            (await ReadAsync(Path.Combine(DirectoryPath, "prometheus.yml"))).GetProperty("global").GetProperty("scrape_interval").GetString(),
            source.GetProperty("jsonData").GetProperty("timeInterval").GetString());
        Assert.Contains(new Uri(source.GetProperty("url").GetString()!).Host, services.Select(service => service.Name));
        Assert.Equal("file", provider.GetProperty("type").GetString());
        var path = directory[provider.GetProperty("options").GetProperty("path").GetString()!.TrimStart('/')];
        var names = Directory.GetFiles(path, "*.json").Select(file => Path.GetFileNameWithoutExtension(file));
        Assert.Equal(Dashboard.Names, names.Order(StringComparer.Ordinal));
    }

    public void Dispose() => directory.Dispose();

    private static async Task<(int ExitCode, JsonElement Content, string Error)> CheckAsync(params string[] arguments)
    {
        if (!Directory.Exists(Path.Combine(Checker, "node_modules")))
        {
            const string missing = "the compose file's checker is not installed: npm ci --prefix tests/peers/compose";
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") != "true", missing);
            Assert.Fail(missing);
        }
        var (exit, output, error) = await Peer.Run("node", [Path.Combine(Checker, "check.mjs"), .. arguments], default, Cancellation);
        return (exit, exit == 0 ? JsonSerializer.Deserialize<JsonElement>(output) : default, error);
    }

    private static async Task<JsonElement> ReadAsync(string file) => (await CheckAsync(file)).Content[0];

    private static async Task<IReadOnlyList<JsonProperty>> ServicesAsync()
    {
        var file = await ReadAsync(Path.Combine(DirectoryPath, "compose.yml"));
        return [.. file.GetProperty("services").EnumerateObject()];
    }

    /// <summary>The host paths that are mounted. A named volume does not start with a dot.</summary>
    private static IEnumerable<(string Host, string Target)> Mounts(JsonProperty service) =>
        from volume in service.Value.GetProperty("volumes").EnumerateArray()
        let parts = volume.GetString()!.Split(':')
        where parts[0].StartsWith('.')
        select (Path.GetFullPath(Path.Combine(DirectoryPath, parts[0])), parts[1].TrimStart('/'));

    /// <summary>Copies the mounts of a service to the layout of its container.</summary>
    private void CopyMounts(JsonProperty service)
    {
        foreach (var (host, target) in Mounts(service))
        {
            var files = Directory.Exists(host) ? Directory.GetFiles(host, "*", SearchOption.AllDirectories) : [host];
            foreach (var file in files)
            {
                var copy = directory[Path.Combine(target, file == host ? "" : Path.GetRelativePath(host, file))].TrimEnd('/');
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }
        }
    }

    /// <summary>The variables of <c>.env.example</c>.</summary>
    private static Dictionary<string, string> Example() => File.ReadLines(Path.Combine(DirectoryPath, ".env.example"))
        .Where(line => line.Contains('=') && !line.StartsWith('#')).Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);

    [GeneratedRegex(@"^ENV (\w+)=(\S+)", RegexOptions.Multiline)]
    private static partial Regex ImageVariable();

    [GeneratedRegex(@"\$\{(\w+)[^}]*\}")]
    private static partial Regex Variable();
}
