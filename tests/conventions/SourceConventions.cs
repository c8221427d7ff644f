using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>Code conventions that the compiler cannot enforce.</summary>
public sealed partial class SourceConventions
{
    private const int LongestFile = 300;
    private const int LongestLine = 150;

    private static readonly string Repository = Slices.Repository;

    private static readonly string[] ProductFiles = [.. Files("cmd"), .. Files("internal")];

    private static readonly string[] AllFiles = [.. ProductFiles, .. Files("tests"), .. Files("examples")];

    [Fact]
    public void A_product_file_has_at_most_300_lines() =>
        Assert.DoesNotContain(ProductFiles, file => Read(file).AsSpan().Count('\n') > LongestFile);

    [Fact]
    public void A_product_line_has_at_most_150_columns() => AssertNone(
        from file in ProductFiles
        from line in Read(file).Split('\n').Index()
        where line.Item.Length > LongestLine
        select $"{file}:{line.Index + 1}");

    [Fact]
    public void Texts_contain_no_banned_word() => AssertNone(
        from file in Texts()
        from line in Read(file).Split('\n').Index()
        let banned = Banned().Match(ExemptNames().Replace(line.Item, ""))
        // The CHANGELOG lists the old names in a table.
        where banned.Success && !(file == "CHANGELOG.md" && line.Item.StartsWith('|'))
        select $"{file}:{line.Index + 1}: {banned.Value}");

    [Fact]
    public void Type_names_are_specific() =>
        Assert.DoesNotContain(ProductFiles, file => TypeNames().Matches(Read(file)).Any(match => Vague().IsMatch(match.Groups["name"].Value)));

    [Fact]
    public void No_file_contains_a_marker_of_unfinished_work()
    {
        // Split, so that the test does not find itself.
        string[] marks = ["TO" + "DO", "FIX" + "ME", "NotImplemented" + "Exception"];
        Assert.DoesNotContain(AllFiles, file => marks.Any(mark => Read(file).Contains(mark, StringComparison.Ordinal)));
    }

    [Fact]
    public void No_file_suppresses_a_warning() =>
        Assert.DoesNotContain(AllFiles, file => Read(file).Contains("#pragma " + "warning", StringComparison.Ordinal));

    [Fact]
    public void A_cancellation_token_is_the_last_parameter() =>
        Assert.DoesNotContain(ProductFiles, file => EarlyToken().IsMatch(Read(file)));

    [Fact]
    public void Every_source_directory_is_a_source_of_the_program() => Assert.Equal(
        Slices.Directories.Select(directory => Path.GetFileName(Assert.Single(Directory.GetFiles(directory, "*.csproj")))),
        Composition.Sources.Select(Slices.ProjectOf).Order(StringComparer.OrdinalIgnoreCase));

    [Fact]
    public void The_first_source_is_the_only_default() =>
        Assert.Equal(Composition.Sources[0], Composition.Sources.Single(source => source.IsDefault));

    [Fact]
    public void No_project_references_a_slice_and_the_program_references_no_sandbox()
    {
        var projects = Directory.GetFiles(Path.Combine(Repository, "internal"), "*.csproj", SearchOption.AllDirectories)
            .Append(Path.Combine(Repository, "cmd/exporter/Exporter.csproj")).ToDictionary(file => file, File.ReadAllText);
        foreach (var slice in Slices.Directories)
        {
            var project = Path.GetFileName(Directory.GetFiles(slice, "*.csproj").Single());
            Assert.DoesNotContain(projects, other => other.Value.Contains($"/{project}\"", StringComparison.Ordinal));
        }
        Assert.DoesNotContain(projects, other => other.Value.Contains("Sandbox.csproj", StringComparison.Ordinal));
    }

    /// <summary>The build writes this list, and the runtime loads assemblies from it; the published program has the same list.</summary>
    [Fact]
    public void The_program_ships_every_source_and_no_sandbox()
    {
        var shipped = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "oauth-exporter.deps.json"));

        Assert.All(Composition.Sources.Select(source => $"{source.GetType().Assembly.GetName().Name}.dll"), assembly =>
            Assert.Contains(assembly, shipped, StringComparison.Ordinal));
        Assert.DoesNotContain("sandbox", shipped, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("internal/tokens")]
    [InlineData("internal/metrics")]
    [InlineData("internal/accounts")]
    [InlineData("internal/web")]
    [InlineData("cmd")]
    public void The_shared_code_names_no_provider(string directory)
    {
        // Both are also general terms.
        string[] providers = [.. Slices.Prefixes.Except(["oauth2", "http"])];
        var named = from file in Files(directory)
                    from line in Read(file).Split('\n')
                    let rest = Inherited().Replace(line, "")
                    where providers.Any(provider => rest.Contains(provider, StringComparison.OrdinalIgnoreCase))
                    select $"{file}: {line.Trim()}";

        Assert.Empty(named);
    }

    /// <summary>Reports all findings; the other assertions shorten a long list.</summary>
    private static void AssertNone(IEnumerable<string> findings)
    {
        var report = string.Join('\n', findings);
        Assert.True(report.Length == 0, report);
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository, file));

    /// <summary>Sources, Markdown, YAML and scripts, without this file and without recorded test data.</summary>
    private static IEnumerable<string> Texts() =>
        from directory in new[] { "cmd", "docs", "examples", "internal", "packages", "tests", "." }
        from path in Directory.EnumerateFiles(
            Path.Combine(Repository, directory), "*", directory == "." ? SearchOption.TopDirectoryOnly : SearchOption.AllDirectories)
        let file = Path.GetRelativePath(Repository, path)
        where Path.GetExtension(file) is ".cs" or ".md" or ".yml" or ".yaml" or ".sh" or ".service"
            || Path.GetFileName(file) == "Dockerfile" || (directory == "packages" && Path.GetExtension(file) == "")
        where !NotWritten().IsMatch(file) && Path.GetFileName(file) != $"{nameof(SourceConventions)}.cs"
        select file;

    private static IEnumerable<string> Files(string directory) =>
        Directory.Exists(Path.Combine(Repository, directory))
            ? Directory.EnumerateFiles(Path.Combine(Repository, directory), "*.cs", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(Repository, f))
                .Where(f => !f.Contains("node_modules", StringComparison.Ordinal))
                .Order()
            : [];

    [GeneratedRegex(@"\b(class|record|struct|interface|enum)\s+(?<name>[A-Z]\w*)")]
    private static partial Regex TypeNames();

    [GeneratedRegex("netatmo-exporter|NETATMO_EXPORTER_ADDR|NETATMO_EXPORTER_EXTERNAL_URL|NETATMO_LOG_LEVEL")]
    private static partial Regex Inherited();

    [GeneratedRegex("(?<!^Token)Manager$|(Service|Helper|Util|Utils|Base)$")]
    private static partial Regex Vague();

    [GeneratedRegex(@"(^|/)(node_modules|bin|obj|testdata)/")]
    private static partial Regex NotWritten();

    /// <summary>Archaic words, personification and retired terms.</summary>
    [GeneratedRegex(
        @"\b((some|any|no)body|mend(s|ed|ing)?|the clouds?|keepers?|custody|folders?|who(so)?ever|lest|afresh|anew|hitherto|wherein)\b"
        + @"|\b(in (the|its|their) place of|told to end|for want of|as good as|signed out|sooner or later|is to be had|come to nothing)\b",
        RegexOptions.IgnoreCase)]
    private static partial Regex Banned();

    /// <summary>Names that users depend on: settings, flags, variables, metrics, and Grafana's own keys.</summary>
    [GeneratedRegex(@"[\w-]+[-_]folders?\b|\bfolder-[\w-]+|exporter_cloud_\w+|^\s*(- )?""?folder(Uid)?""?:", RegexOptions.IgnoreCase)]
    private static partial Regex ExemptNames();

    /// <summary>A declared method whose cancellation token is followed by another parameter.</summary>
    [GeneratedRegex(@"^\s+(public|internal|private|protected)[^=;{]*\(([^()]|\([^()]*\))*CancellationToken \w+\s*,", RegexOptions.Multiline)]
    private static partial Regex EarlyToken();
}
