using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>The rules of the house that a compiler does not keep, read off the source tree.</summary>
public sealed partial class SourceConventions
{
    private const int LongestFile = 300;

    /// <summary>Golden.Root is tests/; the repository is its parent.</summary>
    private static readonly string Repository = Path.GetFullPath(Path.Combine(Golden.Root, ".."));

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

    [Theory]
    [InlineData("netatmo")]
    [InlineData("bmwcardata")]
    [InlineData("webex")]
    [InlineData("ergani")]
    [InlineData("oauth2")]
    public void A_slice_is_named_by_no_project_but_the_program(string slice)
    {
        var folder = Path.Combine(Repository, "internal", "sources", slice);
        Assert.SkipUnless(Directory.Exists(folder), $"There is no slice {slice}.");

        var project = Path.GetFileName(Directory.GetFiles(folder, "*.csproj").Single());
        Assert.DoesNotContain(
            Directory.EnumerateFiles(Path.Combine(Repository, "internal"), "*.csproj", SearchOption.AllDirectories),
            other => File.ReadAllText(other).Contains($"/{project}\"", StringComparison.Ordinal));
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository, file));

    private static IEnumerable<string> Files(string folder) =>
        Directory.Exists(Path.Combine(Repository, folder))
            ? Directory.EnumerateFiles(Path.Combine(Repository, folder), "*.cs", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(Repository, f))
                .Where(f => !f.Contains("node_modules", StringComparison.Ordinal))
                .Order()
            : [];

    [GeneratedRegex(@"\b(class|record|struct|interface|enum)\s+(?<name>[A-Z]\w*)")]
    private static partial Regex TypeNames();

    [GeneratedRegex("(Manager|Service|Helper|Util|Utils|Base)$")]
    private static partial Regex Vague();

    /// <summary>A declared method whose cancellation token is followed by another parameter.</summary>
    [GeneratedRegex(@"^\s+(public|internal|private|protected)[^=;{]*\(([^()]|\([^()]*\))*CancellationToken \w+\s*,", RegexOptions.Multiline)]
    private static partial Regex EarlyToken();
}
