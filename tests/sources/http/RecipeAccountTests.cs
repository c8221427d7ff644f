using System.Text.RegularExpressions;
using Exporter.Http;
using Exporter.Sandbox;
using Exporter.Tests.Examples;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>The real program with an account of every recipe, and the saved answers as the providers.</summary>
[Trait("Suite", "slow")]
public sealed partial class RecipeAccountTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_account_of_each_recipe_has_the_expected_series()
    {
        using var directory = new TemporaryDirectory();
        var example = new HttpExampleAccount();
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions { Providers = [example.Provider] }, Cancellation);
        var file = directory.Write("exporter.yml", ExampleAccounts.Configure([example], sandbox, directory));
        await using var exporter = await RunningExporter.StartAsync(["--config", file, "-a", "127.0.0.1:0"], Cancellation);
        await ExampleAccounts.ReadAsync(exporter, Recipes.Names.Count, Cancellation);

        var page = await exporter.Http.GetStringAsync("/metrics", Cancellation);

        foreach (var name in Recipes.Names)
        {
            var expected = File.ReadAllText(Path.Combine(RecipeAnswers.DirectoryOf(name), "expected.prom"));
            Assert.Equal(SeriesOf(name, expected), SeriesOf(name, page));
        }
        Assert.Empty(sandbox.Http.UnexpectedRequests);
    }

    /// <summary>The series of a module without the label of the account, and without values, because the times in them differ.</summary>
    private static IEnumerable<string> SeriesOf(string module, string page) => Series().Matches(page).Select(match => match.Value)
        .Where(series => series.StartsWith($"{module}_", StringComparison.Ordinal)).Select(series => Account().Replace(series, "").Replace("{}", ""))
        .Order(StringComparer.Ordinal);

    [GeneratedRegex(@"^[a-z_]+(\{([^""}]|""([^""\\]|\\.)*"")*\})?(?= )", RegexOptions.Multiline)]
    private static partial Regex Series();

    [GeneratedRegex(@",account=""\w+""|account=""\w+"",?")]
    private static partial Regex Account();
}
