using System.Text;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>
/// Adds a toy source and its sandbox provider to a copy of the tree, and removes them again, without editing a file. Compiles the program twice.
/// </summary>
[Trait("Suite", "slow")]
public sealed class ToySourceTests : IDisposable
{
    private const string Toy = "toy_tank_level_furlongs";

    private static readonly string[] Copied =
    [
        "cmd", "internal", "docs", "examples", ".editorconfig", "BannedSymbols.txt", "Directory.Build.props", "Directory.Build.targets",
        "Directory.Packages.props", "global.json",
    ];

    private readonly TemporaryDirectory tree = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Adding_a_directory_adds_a_source_and_removing_it_removes_the_source()
    {
        foreach (var part in Copied)
        {
            Copy(Path.Combine(Slices.Repository, part), tree[part]);
        }
        var before = Contents();

        Copy(Path.Combine(Golden.Root, "conventions/testdata/toy"), tree.Path);
        await BuildAsync();
        await RunToyAsync();
        await CheckGeneratedFilesAsync();
        var after = Contents();
        Assert.Empty(before.Where(file => after.GetValueOrDefault(file.Key) != file.Value).Select(file => file.Key));

        Directory.Delete(tree["internal/sources/toy"], recursive: true);
        Directory.Delete(tree["internal/sandbox/toy"], recursive: true);
        await BuildAsync();
        Assert.DoesNotContain("toy", await RunAsync(Program("Exporter", "oauth-exporter"), "help", "settings"), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("toy", await RunAsync(Program("Sandbox", "sandbox"), "--help"), StringComparison.OrdinalIgnoreCase);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Program("Exporter", "oauth-exporter"))!, "*Toy*"));
        Assert.Equal(GeneratedExamples.Of(Slices.Repository), GeneratedExamples.Of(tree.Path));
    }

    public void Dispose() => tree.Dispose();

    /// <summary>Checks the toy's help, its sandbox flag, its account and its metric.</summary>
    private async Task RunToyAsync()
    {
        Assert.Contains("--toy-client-id", await RunAsync(Program("Exporter", "oauth-exporter"), "help", "settings"), StringComparison.Ordinal);
        await using var sandbox = Peer.Start(Program("Sandbox", "sandbox"), "--listen", "127.0.0.1:0", "--toy-level", "8");
        var address = (await sandbox.Says("Address:", Cancellation)).Split(' ')[^1];
        var login = (await sandbox.Says("Toy: ", Cancellation)).Split(' ');
        var token = tree.Write("toy.json", $$"""{"refresh_token": "{{login[^1]}}"}""");
        var configuration = tree.Write("exporter.yml", $$"""
            accounts:
              plaything: {source: toy, client_id: {{login[1]}}, api_url: "{{address}}", token_file: {{token}}}
            """);
        await using var exporter = Peer.Start(Program("Exporter", "oauth-exporter"), "--config", configuration, "-a", "127.0.0.1:0");
        var listening = (await exporter.Says("listening on ", Cancellation)).Split("listening on ")[1];
        using var http = new HttpClient { BaseAddress = new Uri(listening.Split(',')[0].TrimEnd('"')) };
        await exporter.Says("reading succeeded", Cancellation);

        string page;
        while (!(page = await http.GetStringAsync("/metrics", Cancellation)).Contains(Toy, StringComparison.Ordinal))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancellation);
        }
        Assert.Contains($"{Toy}{{account=\"plaything\"}} 8\n", page, StringComparison.Ordinal);
        Assert.Contains("8&#xA0;fur", await http.GetStringAsync("/", Cancellation), StringComparison.Ordinal);
    }

    /// <summary>Checks that the generated files contain the toy's dashboard, rules, tests, runbook and example account.</summary>
    private async Task CheckGeneratedFilesAsync()
    {
        var generated = GeneratedExamples.Of(tree.Path);
        Assert.Contains("examples/grafana/toy.json", generated.Keys);
        Assert.Contains("## ToyBroken\n", generated["docs/runbooks.md"], StringComparison.Ordinal);
        Assert.Contains("| The toy is broken |", generated["examples/prometheus/README.md"], StringComparison.Ordinal);
        foreach (var file in new[] { "examples/systemd/exporter.yml", "examples/compose/config/exporter.example.yml", "examples/kubernetes/exporter.yml" })
        {
            Assert.Contains("#    source: toy\n", generated[file], StringComparison.Ordinal);
        }
        Assert.Contains("files: [toy.json]\n", generated["examples/grafana/kustomization.yml"], StringComparison.Ordinal);
        Assert.Contains("ToyBroken", generated["examples/kubernetes/monitoring/prometheusrule.yml"], StringComparison.Ordinal);
        Directory.CreateDirectory(tree["generated"]);
        foreach (var name in new[] { "exporter-rules.yml", "exporter-rules.test.yml" })
        {
            tree.Write($"generated/{name}", generated[$"examples/prometheus/{name}"]);
        }
        Assert.Contains("ToyBroken", generated["examples/prometheus/exporter-rules.yml"], StringComparison.Ordinal);
        await RunAsync("promtool", "test", "rules", tree["generated/exporter-rules.test.yml"]);
    }

    private async Task BuildAsync()
    {
        foreach (var project in new[] { "cmd/exporter", "cmd/sandbox" })
        {
            // The lock files do not contain the toy, and the copy needs no analysis.
            await RunAsync("dotnet", "build", tree[project], "-nodeReuse:false", "-v", "q", "-p:RestoreLockedMode=false", "-p:RunAnalyzers=false");
        }
    }

    private string Program(string project, string name) => tree[$"artifacts/bin/{project}/debug/{name}"];

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var (code, output, error) = await Peer.Run(program, arguments, default, Cancellation);
        var text = Encoding.UTF8.GetString(output);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}\n{text}{error}");
        return text;
    }

    /// <summary>The copied files without the lock files, which a restore writes.</summary>
    private SortedDictionary<string, string> Contents() => new(
        Copied.SelectMany(part => Directory.Exists(tree[part]) ? Directory.GetFiles(tree[part], "*", SearchOption.AllDirectories) : [tree[part]])
            .Where(file => Path.GetFileName(file) != "packages.lock.json")
            .ToDictionary(file => Path.GetRelativePath(tree.Path, file), File.ReadAllText),
        StringComparer.Ordinal);

    private static void Copy(string from, string to)
    {
        if (File.Exists(from))
        {
            File.Copy(from, to);
            return;
        }
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
