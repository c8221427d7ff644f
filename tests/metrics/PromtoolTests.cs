using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Metrics;

[Trait("Suite", "slow")]
public class PromtoolTests
{
    public static TheoryData<string> Goldens() =>
        new(Directory.EnumerateFiles(Golden.Root, "*.prom", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Golden.Root, file)).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Goldens))]
    public async Task Promtool_reports_only_inherited_names(string golden)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var inherited = await File.ReadAllLinesAsync(Path.Combine(Golden.Root, "metrics/inherited-names.txt"), cancellationToken);

        var problems = await Promtool.Check(await File.ReadAllTextAsync(Path.Combine(Golden.Root, golden), cancellationToken), cancellationToken);

        Assert.DoesNotContain(problems, problem => !inherited.Contains(problem.Split(' ')[0]));
    }

    [Theory]
    [InlineData("# HELP a_mb Why.\n# TYPE a_mb gauge\na_mb 1\n", "a_mb metric names should not contain abbreviated units")]
    [InlineData("a{ 1\n", "parsing error")]
    public async Task Promtool_reports_an_invalid_page(string page, string problem)
    {
        var problems = await Promtool.Check(page, TestContext.Current.CancellationToken);

        Assert.Contains(problems, line => line.Contains(problem, StringComparison.Ordinal));
    }
}
