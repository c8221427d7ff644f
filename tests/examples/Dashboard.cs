using System.Text.Json;
using System.Text.RegularExpressions;
using Exporter.Tests.Support;

namespace Exporter.Tests.Examples;

/// <summary>A shipped Grafana dashboard. Replaces its variables like Grafana.</summary>
internal sealed partial class Dashboard
{
    public static readonly string DirectoryPath = Path.GetFullPath(Path.Combine(Golden.Root, "../examples/grafana"));

    public Dashboard(string name)
    {
        Text = File.ReadAllText(Path.Combine(DirectoryPath, $"{name}.json"));
        Root = JsonSerializer.Deserialize<JsonElement>(Text);
        var variables = Root.GetProperty("templating").GetProperty("list").EnumerateArray();
        Variables = [.. variables.Where(v => v.GetProperty("type").GetString() == "query").Select(v => new Variable(v))];
    }

    public static IEnumerable<string> Names =>
        Directory.GetFiles(DirectoryPath, "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal);

    public string Text { get; }

    public JsonElement Root { get; }

    /// <summary>The variables with a query. The data source is another variable.</summary>
    public IReadOnlyList<Variable> Variables { get; }

    public IReadOnlyList<Panel> Panels => [.. Root.GetProperty("panels").EnumerateArray().Select(panel => new Panel(panel))];

    /// <summary>Every name after a dollar sign, including Grafana's global variables.</summary>
    public IEnumerable<string> Used => Reference().Matches(Text).Select(match => match.Groups["name"].Value).Distinct();

    /// <summary>The expression that Grafana sends.</summary>
    /// <param name="chosen">The values of the variables, from <see cref="Variable.Matcher"/>.</param>
    public static string Interpolate(string expression, IReadOnlyDictionary<string, string> chosen) =>
        Reference().Replace(expression, match => match.Groups["name"].Value switch
        {
            // At least four scrape intervals.
            "__rate_interval" => "4s",
            "__interval" => "1s",
            "__range" => "5m",
            var name => chosen[name],
        });

    [GeneratedRegex(@"\$(\{(?<name>\w+)\}|(?<name>\w+))")]
    private static partial Regex Reference();
}

internal sealed record Panel(JsonElement Json)
{
    public string Type => Json.GetProperty("type").GetString()!;

    public string Title => Json.GetProperty("title").GetString()!;

    public IReadOnlyList<string> Expressions => Json.TryGetProperty("targets", out var targets)
        ? [.. targets.EnumerateArray().Select(target => target.GetProperty("expr").GetString()!)] : [];
}

/// <summary>A variable with the values of a label: <c>label_values(selector, label)</c>.</summary>
internal sealed partial record Variable(JsonElement Json)
{
    public string Name => Json.GetProperty("name").GetString()!;

    public string Query => Json.GetProperty("query").GetProperty("query").GetString()!;

    public async Task<IReadOnlyList<string>> ValuesAsync(
        PrometheusPeer prometheus, IReadOnlyDictionary<string, string> chosen, CancellationToken cancellationToken)
    {
        var call = LabelValues().Match(Dashboard.Interpolate(Query, chosen));
        return await prometheus.LabelValuesAsync(call.Groups["selector"].Value, call.Groups["label"].Value, cancellationToken);
    }

    /// <summary>The matcher for All: the value that the variable defines for it, or every value.</summary>
    public string All(IReadOnlyList<string> values) => Json.TryGetProperty("allValue", out var all) ? all.GetString()! : Matcher(values);

    public static string Matcher(IReadOnlyList<string> values) =>
        values.Count == 1 ? Escape(values[0]) : $"({string.Join('|', values.Select(Escape))})";

    /// <summary>Escapes twice, because the value is in a regular expression in a PromQL string.</summary>
    private static string Escape(string value) => Special().Replace(value.Replace(@"\", @"\\\\", StringComparison.Ordinal), @"\\$0");

    [GeneratedRegex(@"^label_values\((?<selector>.+), (?<label>\w+)\)$")]
    private static partial Regex LabelValues();

    [GeneratedRegex(@"[$^*{}\[\]'+?.()|]")]
    private static partial Regex Special();
}
