using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Exporter.Accounts;
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
    private static readonly string DirectoryPath = Path.Combine(ShippedFiles.Examples, "compose");

    private static readonly YamlChecker Checker = new("compose");

    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("compose.yml")]
    [InlineData("compose.build.yml")]
    public async Task A_file_conforms_to_the_compose_specification(string name)
    {
        var (exit, _, error) = await CheckAsync("--compose", Path.Combine(DirectoryPath, name));

        Assert.True(exit == 0, error);
    }

    [Theory]
    [InlineData("read_only: true", "read_onyl: true")]
    [InlineData("depends_on: [exporter]", "depends_on: 3")]
    [InlineData("restart: unless-stopped", "restart: [always]")]
    [InlineData("env_file: .env", "env-file: .env")]
    public async Task A_file_with_a_mistake_does_not_conform(string right, string wrong)
    {
        var text = File.ReadAllText(Path.Combine(DirectoryPath, "compose.yml"));
        var file = directory.Write("compose.yml", text.Replace(right, wrong, StringComparison.Ordinal));

        Assert.Equal(1, (await CheckAsync("--compose", file)).ExitCode);
    }

    [Fact]
    public void Every_variable_of_the_file_is_in_the_example_env_file()
    {
        var used = Variable().Matches(File.ReadAllText(Path.Combine(DirectoryPath, "compose.yml"))).Select(match => match.Groups[1].Value);

        Assert.Subset(Example(all: true).Keys.ToHashSet(StringComparer.Ordinal), used.ToHashSet(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_exporter_is_the_image_of_this_version()
    {
        var image = (await ServicesAsync()).Single(service => service.Name == "exporter").Value.GetProperty("image").GetString()!;

        Assert.Equal($"oauth-exporter:{ShippedFiles.Version}", Interpolate(image, Example()));
        Assert.EndsWith($"/oauth-exporter:{ShippedFiles.Version}", Interpolate(image, Example(all: true)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_second_file_builds_that_image_from_this_repository()
    {
        var built = (await ReadAsync(Path.Combine(DirectoryPath, "compose.build.yml"))).GetProperty("services").EnumerateObject().Single();

        Assert.Equal("exporter", built.Name);
        Assert.False(built.Value.TryGetProperty("image", out _));
        Assert.True(File.Exists(Path.Combine(DirectoryPath, built.Value.GetProperty("build").GetString()!, "Dockerfile")));
    }

    [Fact]
    public async Task One_variable_opens_every_page_to_the_local_network()
    {
        var ports = (await ServicesAsync()).Select(service => service.Value.GetProperty("ports").EnumerateArray().Single().GetString()!).ToList();

        Assert.Equal(["127.0.0.1:9210:9210", "127.0.0.1:9090:9090", "127.0.0.1:3000:3000"], ports.Select(port => Interpolate(port, Example())));
        Assert.Equal(["0.0.0.0:9210:9210", "0.0.0.0:9090:9090", "0.0.0.0:3000:3000"],
            ports.Select(port => Interpolate(port, new Dictionary<string, string> { ["LISTEN"] = Example(all: true)["LISTEN"] })));
        Assert.Equal($"{ShippedFiles.Port}", ports[0].Split(':')[^1]);
    }

    [Fact]
    public async Task Every_host_path_exists() =>
        Assert.All((await ServicesAsync()).SelectMany(Mounts), mount => Assert.True(Path.Exists(mount.Host), mount.Host));

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
    public async Task The_exporter_accepts_the_single_account_of_the_example_env_file()
    {
        // The variable of the image, with a directory of this machine.
        var environment = Example().ToDictionary(v => v.Key, v => v.Value.Length > 0 ? v.Value : "x");
        environment["EXPORTER_STATE_FOLDER"] = directory[ShippedFiles.StateDirectory.TrimStart('/')];

        await using var check = Peer.Start(RunningExporter.Binary, ["check"], environment, directory.Path);

        Assert.True(await check.Ends(Cancellation) == 0, check.Output);
        Assert.Contains("The configuration is valid: netatmo", check.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_variable_for_the_exporter_is_one_of_its_settings()
    {
        var exporter = (await ServicesAsync()).Single(service => service.Name == "exporter").Value;
        var settings = CommandLine.ProgramSettings.Append(Configuration.ConfigFile).Concat(Composition.Sources.SelectMany(source => source.Settings.All));

        Assert.Equal(".env", exporter.GetProperty("env_file").GetString());
        Assert.Empty(Example(all: true).Keys.Except(["EXPORTER_IMAGE", "LISTEN"]).Except(settings.Select(setting => setting.Variable)));
    }

    [Fact]
    public async Task The_exporter_accepts_the_example_configuration_with_an_account_of_every_source()
    {
        var exporter = (await ServicesAsync()).Single(service => service.Name == "exporter");
        var configuration = Example(all: true)["EXPORTER_CONFIG"];
        var (host, _) = Assert.Single(Mounts(exporter), mount => mount.Target == Path.GetDirectoryName(configuration)!.TrimStart('/'));

        await ShippedFiles.CheckWithAllAccountsAsync(directory, configuration, File.ReadAllText(Path.Combine(host, "exporter.example.yml")),
            new Dictionary<string, string> { ["EXPORTER_CONFIG"] = configuration }, Cancellation);
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

    private static Task<(int ExitCode, JsonElement Content, string Error)> CheckAsync(params string[] arguments) =>
        Checker.RunAsync(arguments, Cancellation);

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
    /// <param name="all">Also those that are comments.</param>
    private static Dictionary<string, string> Example(bool all = false) => File.ReadLines(Path.Combine(DirectoryPath, ".env.example"))
        .Select(line => ExampleVariable().Match(line)).Where(match => match.Success && (all || match.Groups["comment"].Length == 0))
        .ToDictionary(match => match.Groups["name"].Value, match => match.Groups["value"].Value);

    /// <summary>Replaces <c>${NAME:-default}</c> like Compose.</summary>
    private static string Interpolate(string text, IReadOnlyDictionary<string, string> variables) => Variable().Replace(text, match =>
        variables.GetValueOrDefault(match.Groups[1].Value) is { Length: > 0 } value ? value : match.Groups[2].Value);

    [GeneratedRegex(@"^(?<comment>#?)(?<name>[A-Z_]+)=(?<value>\S*)$")]
    private static partial Regex ExampleVariable();

    [GeneratedRegex(@"\$\{(\w+):-([^}]*)\}")]
    private static partial Regex Variable();
}
