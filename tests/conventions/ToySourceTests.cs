using System.Text;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>
/// A new source is a new directory, and one for its stand-in: a toy source is added to a copy of the tree and removed again, and no file of the
/// copy is edited by hand. It compiles the program twice, so a fast run leaves this class out.
/// </summary>
[Trait("Suite", "slow")]
public sealed class ToySourceTests : IDisposable
{
    private const string Toy = "toy_tank_level_furlongs";

    private static readonly string[] Copied =
    [
        "cmd", "internal", "docs", "examples", ".editorconfig", "BannedSymbols.txt", "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props",
        "global.json",
    ];

    private readonly TemporaryDirectory tree = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_source_is_a_new_folder_and_a_removed_folder_is_a_removed_source()
    {
        foreach (var part in Copied)
        {
            Copy(Path.Combine(Slices.Repository, part), tree[part]);
        }
        var before = Contents();

        Copy(Path.Combine(Golden.Root, "conventions/testdata/toy"), tree.Path);
        await BuildAsync();
        await WorksAsync();
        await GenerateAsync();
        var after = Contents();
        Assert.Empty(before.Where(file => after.GetValueOrDefault(file.Key) != file.Value).Select(file => file.Key));

        Directory.Delete(tree["internal/sources/toy"], recursive: true);
        Directory.Delete(tree["internal/sandbox/toy"], recursive: true);
        await BuildAsync();
        Assert.DoesNotContain("toy", await RunAsync(Program("Exporter", "oauth-exporter"), "--help"), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("toy", await RunAsync(Program("Sandbox", "sandbox"), "--help"), StringComparison.OrdinalIgnoreCase);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Program("Exporter", "oauth-exporter"))!, "*Toy*"));
        Assert.Equal(GeneratedExamples.Of(Slices.Repository), GeneratedExamples.Of(tree.Path));
    }

    public void Dispose() => tree.Dispose();

    /// <summary>The toy's settings are explained, its stand-in starts with its flag, its account opens, its metric is served.</summary>
    private async Task WorksAsync()
    {
        Assert.Contains("--toy-client-id", await RunAsync(Program("Exporter", "oauth-exporter"), "--help"), StringComparison.Ordinal);
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

    /// <summary>The toy's dashboard, rules, tests, runbook and example account are in what users get.</summary>
    private async Task GenerateAsync()
    {
        var generated = GeneratedExamples.Of(tree.Path);
        Assert.Contains("examples/grafana/toy.json", generated.Keys);
        Assert.Contains("## ToyBroken\n", generated["docs/runbooks.md"], StringComparison.Ordinal);
        Assert.Contains("| The toy is broken |", generated["examples/prometheus/README.md"], StringComparison.Ordinal);
        Assert.Contains("#    source: toy\n", generated["examples/systemd/exporter.yml"], StringComparison.Ordinal);
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
            // The lock files are of the tree without the toy, and the style of the code is checked where it is written.
            await RunAsync("dotnet", "build", tree[project], "-nodeReuse:false", "-v", "q", "-p:RestoreLockedMode=false", "-p:RunAnalyzers=false");
        }
    }

    private string Program(string project, string name) => tree[$"artifacts/bin/{project}/debug/{name}"];

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var (code, output, error) = await Peer.Run(program, arguments, default, Cancellation);
        var said = Encoding.UTF8.GetString(output);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}\n{said}{error}");
        return said;
    }

    /// <summary>What is there of the copied files, but for the lock files, which a restore writes.</summary>
    private SortedDictionary<string, string> Contents() => new(
        Copied.SelectMany(part => Directory.Exists(tree[part]) ? Directory.GetFiles(tree[part], "*", SearchOption.AllDirectories) : [tree[part]])
            .Where(file => Path.GetFileName(file) != "packages.lock.json").ToDictionary(file => Path.GetRelativePath(tree.Path, file), File.ReadAllText),
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
