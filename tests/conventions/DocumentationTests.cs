using System.Text;
using System.Text.RegularExpressions;
using Exporter.Accounts;
using Exporter.Cluster;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>The documents match the code. <c>UPDATE_GOLDEN=1</c> writes the generated tables.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(Slices.Repository, "README.md"));

    [Fact]
    public void The_settings_of_the_program_and_of_every_source_are_listed()
    {
        var program = "### The program\n\n" + SettingsMarkdown.Table([Configuration.ConfigFile, .. CommandLine.ProgramSettings]);
        var sources = Composition.Sources.Select(s => $"### Accounts with `source: {s.Name}`\n\n{SettingsMarkdown.Table(s.Settings.All)}");
        var cluster = "### oauth-exporter-cluster\n\nIn addition to the settings of the program:\n\n" + SettingsMarkdown.Table(ClusterOptions.Settings);
        Golden.CheckSection("../docs/settings.md", "settings", string.Join('\n', [program, cluster, .. sources]));
    }

    [Fact]
    public void The_series_of_every_account_are_listed()
    {
        var families = AccountMetrics.State([]).Select(f => (f.Name, f.Kind, f.Help))
            .Concat(AccountMetrics.Live([], countsRenewals: true, default).Select(f => (f.Name, f.Kind, f.Help))).OrderBy(f => f.Name, StringComparer.Ordinal);
        var rows = families.Select(f => $"| `{f.Name}` | {f.Kind.ToString().ToLowerInvariant()} | {f.Help} |\n");
        Golden.CheckSection("../docs/metrics.md", "metrics", $"| name | kind | meaning |\n| --- | --- | --- |\n{string.Concat(rows)}");
    }

    [Fact]
    public void The_README_is_short_and_starts_with_the_name_that_users_search_for()
    {
        Assert.StartsWith("# OAuth Exporter\n", Readme, StringComparison.Ordinal);
        Assert.InRange(Readme.AsSpan().Count('\n'), 1, 199);
    }

    [Fact]
    public async Task The_configuration_in_the_README_starts_every_source()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("token-config.json", """{"serviceApp":{"appId":"a","clientId":"c","clientSecret":"s","targetOrgId":"o"}}""");
        var file = directory.Write("exporter.yml", AccountsBlock().Match(Readme).Groups["yaml"].Value);

        var (exit, output, error) = await Peer.Run(
            RunningExporter.Binary, ["check", "--config", file], default, TestContext.Current.CancellationToken);

        Assert.True(exit == 0, error);
        Assert.All(Composition.Sources, source => Assert.Contains($"({source.Name})", Encoding.UTF8.GetString(output), StringComparison.Ordinal));
    }

    [Fact]
    public void Every_relative_link_leads_to_an_existing_file_and_heading()
    {
        var pages = Directory.GetFiles(Slices.Repository, "*.md", SearchOption.AllDirectories)
            .Where(page => !Skipped().IsMatch(Path.GetRelativePath(Slices.Repository, page)));
        var broken = from page in pages
                     from link in Link().Matches(File.ReadAllText(page))
                     let path = link.Groups["path"].Value
                     let target = path.Length == 0 ? page : Path.GetFullPath(path, Path.GetDirectoryName(page)!)
                     where !Path.Exists(target) || !HasHeading(target, link.Groups["heading"])
                     select $"{Path.GetRelativePath(Slices.Repository, page)}: {link.Value}";

        Assert.Empty(broken);
    }

    /// <summary>Compares by the anchors that GitHub makes of headings.</summary>
    private static bool HasHeading(string page, Group heading) => !heading.Success || Heading().Matches(File.ReadAllText(page))
        .Any(match => Dropped().Replace(match.Groups["text"].Value.ToLowerInvariant(), "").Replace(' ', '-') == heading.Value);

    [GeneratedRegex(@"```yaml\n(?<yaml>accounts:\n.*?)```", RegexOptions.Singleline)]
    private static partial Regex AccountsBlock();

    /// <summary>A link without a scheme.</summary>
    [GeneratedRegex(@"\]\((?<path>[^)#:\s]*)(#(?<heading>[^)\s]+))?\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Dropped();

    /// <summary>Files that aren't ours, and the parts of docs/runbooks.md, whose links start there.</summary>
    [GeneratedRegex("(^|/)(artifacts|node_modules|testdata|monitoring)/")]
    private static partial Regex Skipped();
}
