using System.Text.Json;
using System.Text.RegularExpressions;
using Exporter.Accounts;
using Exporter.Http;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>The modules of the program, with answers in the form that each provider documents.</summary>
public sealed partial class RecipeTests
{
    private static readonly string Documents = Path.Combine(Slices.Repository, "internal/sources/http/recipes");

    public static TheoryData<string> Names => [.. Recipes.Names];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Names))]
    public void A_recipe_has_no_mistake_and_its_only_warning_is_that_it_is_not_verified(string name)
    {
        var file = ModuleFile.Parse(name, Recipes.Find(name)!);

        Assert.NotNull(file.Bind(RecipeAnswers.Settings(file)));
        Assert.Equal(name, file.Name);
        Assert.Contains("was not compared with the real API", $"{Assert.Single(file.Problems.Warnings)}", StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_saved_answers_give_the_expected_page(string name)
    {
        var (page, _) = await TryAsync(name);

        Assert.Equal(File.ReadAllText(Path.Combine(RecipeAnswers.DirectoryOf(name), "expected.prom")), page);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Promtool_accepts_the_page(string name)
    {
        var (page, _) = await TryAsync(name);

        Assert.Empty(await Promtool.Check(page, Cancellation));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_recipe_sends_exactly_the_requests_of_its_saved_answers(string name)
    {
        var (_, requests) = await TryAsync(name);

        Assert.Equal(Exchanges(name).Order(StringComparer.Ordinal), requests.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_request_has_the_address_and_the_date_of_its_documentation(string name)
    {
        var text = Recipes.Find(name)!;

        Assert.StartsWith("# yaml-language-server: $schema=../module.schema.json\n", text, StringComparison.Ordinal);
        Assert.Equal(RecipeAnswers.Parse(name).Requests.Count, Documentation().Count(text));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_recipe_has_a_page_and_a_row_in_the_table(string name)
    {
        Assert.Contains($"]({name}.yml)", File.ReadAllText(Path.Combine(Documents, $"{name}.md")), StringComparison.Ordinal);
        Assert.Contains($"| [{name}]({name}.md) |", File.ReadAllText(Path.Combine(Documents, "README.md")), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task People_can_read_what_a_recipe_presents(string name)
    {
        var presentation = HttpPresentation.Of(await RecipeAnswers.ReadAsync(name, Cancellation), RecipeAnswers.SavedAt);

        TestContext.Current.TestOutputHelper?.WriteLine(Presentations.Text(presentation));
        Presentations.AssertReadable(presentation);
    }

    /// <summary>What <c>http try</c> prints: the metrics, and each request as <c>GET /path?query form</c>.</summary>
    private static async Task<(string Page, IReadOnlyList<string> Requests)> TryAsync(string name)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var call = new CommandCall(
            new Dictionary<string, string> { ["MODULE"] = name }, new Terminal(TextReader.Null, output, error, IsInteractive: false, _ => false),
            new ManualTime(RecipeAnswers.SavedAt), _ => throw new InvalidOperationException("This command needs no login."))
        {
            Repeated = [RecipeAnswers.DirectoryOf(name)],
        };

        var command = HttpCommands.All.Single(command => command.Name[^1] == "try");

        Assert.True(await command.RunAsync!(call, Cancellation) == ExitCode.Done, $"{output}{error}");

        var lines = $"{output}".Split('\n');
        var requests = lines.Select(line => Request().Match(line)).Where(match => match.Success).Select(Describe);
        return (string.Concat(lines.Where(line => line.Length > 0 && !Comment().IsMatch(line)).Select(line => $"{line}\n")), [.. requests]);
    }

    private static string Describe(Match match)
    {
        var address = new Uri(match.Groups["address"].Value);
        Assert.EndsWith(".json", match.Groups["file"].Value, StringComparison.Ordinal);
        return Describe(
            match.Groups["method"].Value, address.AbsolutePath, Parameters(address.Query.TrimStart('?')), Parameters(match.Groups["form"].Value));
    }

    private static string Describe(string method, string path, IEnumerable<string> query, IEnumerable<string> form) =>
        $"{method} {path} {string.Join('&', query.Order(StringComparer.Ordinal))} {string.Join('&', form.Order(StringComparer.Ordinal))}";

    private static IEnumerable<string> Parameters(string encoded) =>
        encoded.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(Uri.UnescapeDataString);

    private static IEnumerable<string> Exchanges(string name)
    {
        var file = JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Path.Combine(RecipeAnswers.DirectoryOf(name), "api.json")));
        return file.GetProperty("exchanges").EnumerateArray().Select(exchange => Describe(
            exchange.GetProperty("method").GetString()!,
            exchange.GetProperty("path").GetString()!,
            Members(exchange, "query"),
            Members(exchange, "form")));
    }

    private static IEnumerable<string> Members(JsonElement exchange, string name) =>
        exchange.TryGetProperty(name, out var members) ? members.EnumerateObject().Select(member => $"{member.Name}={member.Value.GetString()}") : [];

    /// <summary>A line of <c>http try</c> that is no metric.</summary>
    [GeneratedRegex("^# (?!HELP |TYPE )")]
    private static partial Regex Comment();

    [GeneratedRegex(@"^# (?<method>GET|POST) (?<address>\S+?)( with (?<form>\S+))?: (?<file>.+)$")]
    private static partial Regex Request();

    [GeneratedRegex(@"^    documentation: https://\S+ \(\d{4}-\d{2}-\d{2}\)$", RegexOptions.Multiline)]
    private static partial Regex Documentation();
}
