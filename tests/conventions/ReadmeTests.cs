using Exporter.Metrics;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>README's tables are made from the code: <c>UPDATE_GOLDEN=1</c> writes them, every other run compares.</summary>
public sealed class ReadmeTests
{
    private static readonly string Readme = Path.Combine(Golden.Root, "../README.md");

    [Fact]
    public void The_settings_of_the_program_and_of_every_source_are_listed()
    {
        var tables = new List<string> { "### Of the program\n\n" + SettingsTable.Markdown([Configuration.ConfigFile, .. CommandLine.ProgramSettings]) };
        foreach (var source in Composition.Sources)
        {
            tables.Add($"### Of an account with `source: {source.Name}`\n\n" + SettingsTable.Markdown(source.Settings.All));
        }
        Check("settings", string.Join('\n', tables));
    }

    [Fact]
    public void The_series_of_every_account_are_listed()
    {
        var state = AccountMetrics.State([]).Select(f => (f.Name, f.Kind, f.Help));
        var live = AccountMetrics.Live([], default).Select(f => (f.Name, f.Kind, f.Help));
        var rows = state.Concat(live).OrderBy(f => f.Name, StringComparer.Ordinal).Select(f => $"| `{f.Name}` | {Kind(f.Kind)} | {f.Help} |\n");
        Check("metrics", $"| name | kind | meaning |\n| --- | --- | --- |\n{string.Concat(rows)}");
    }

    private static string Kind(MetricKind kind) => kind.ToString().ToLowerInvariant();

    private static void Check(string section, string content)
    {
        var readme = File.ReadAllText(Readme);
        var begin = readme.IndexOf('\n', readme.IndexOf($"<!-- {section}:", StringComparison.Ordinal)) + 1;
        var end = readme.IndexOf($"<!-- /{section} -->", StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(Readme, $"{readme[..begin]}\n{content}\n{readme[end..]}");
            return;
        }
        Assert.Equal($"\n{content}\n", readme[begin..end]);
    }
}
