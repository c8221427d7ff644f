using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>The rules of the house that a compiler does not keep, read off the source tree.</summary>
public sealed partial class SourceConventions
{
    private const int LongestFile = 300;

    private static readonly string Repository = Slices.Repository;

    private static readonly string[] ProductFiles = [.. Files("cmd"), .. Files("internal")];

    private static readonly string[] AllFiles = [.. ProductFiles, .. Files("tests"), .. Files("examples")];

    [Fact]
    public void A_file_tells_one_story_in_at_most_300_lines() =>
        Assert.DoesNotContain(ProductFiles, file => Read(file).AsSpan().Count('\n') > LongestFile);

    [Fact]
    public void Types_have_names_that_say_something() =>
        Assert.DoesNotContain(ProductFiles, file => TypeNames().Matches(Read(file)).Any(match => Vague().IsMatch(match.Groups["name"].Value)));

    [Fact]
    public void Nothing_is_left_to_do()
    {
        // Split, so that this file is not its own first finding.
        string[] marks = ["TO" + "DO", "FIX" + "ME", "NotImplemented" + "Exception"];
        Assert.DoesNotContain(AllFiles, file => marks.Any(mark => Read(file).Contains(mark, StringComparison.Ordinal)));
    }

    [Fact]
    public void Warnings_are_mended_and_not_silenced() =>
        Assert.DoesNotContain(AllFiles, file => Read(file).Contains("#pragma " + "warning", StringComparison.Ordinal));

    [Fact]
    public void A_cancellation_token_comes_last() => Assert.DoesNotContain(ProductFiles, file => EarlyToken().IsMatch(Read(file)));

    [Fact]
    public void Every_folder_of_a_source_is_a_source_of_the_program() => Assert.Equal(
        Slices.Directories.Select(directory => Path.GetFileName(Assert.Single(Directory.GetFiles(directory, "*.csproj")))),
        Composition.Sources.Select(Slices.ProjectOf).Order(StringComparer.OrdinalIgnoreCase));

    [Fact]
    public void One_source_is_the_default_and_stands_first() => Assert.Equal(Composition.Sources[0], Composition.Sources.Single(source => source.IsDefault));

    [Fact]
    public void A_slice_is_named_by_no_project_and_no_stand_in_by_the_program()
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

    /// <summary>The list that the runtime loads assemblies by, written by the build, and the same for the published program.</summary>
    [Fact]
    public void The_program_ships_every_source_and_no_stand_in()
    {
        var shipped = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "oauth-exporter.deps.json"));

        Assert.All(Composition.Sources, source => Assert.Contains($"{source.GetType().Assembly.GetName().Name}.dll", shipped, StringComparison.Ordinal));
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
        // The slices' own kinds of token, and the names that users of netatmo-exporter have in their configuration.
        string[] providers = [.. Slices.Prefixes.Except(["oauth2"])];
        var named = from file in Files(directory)
                    from line in Read(file).Split('\n')
                    let rest = Inherited().Replace(line, "")
                    where providers.Any(provider => rest.Contains(provider, StringComparison.OrdinalIgnoreCase))
                    select $"{file}: {line.Trim()}";

        Assert.Empty(named);
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository, file));

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

    /// <summary>A declared method whose cancellation token is followed by another parameter.</summary>
    [GeneratedRegex(@"^\s+(public|internal|private|protected)[^=;{]*\(([^()]|\([^()]*\))*CancellationToken \w+\s*,", RegexOptions.Multiline)]
    private static partial Regex EarlyToken();
}
