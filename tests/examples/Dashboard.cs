using System.Text.Json;
using System.Text.RegularExpressions;
using Exporter.Tests.Support;

namespace Exporter.Tests.Examples;

/// <summary>A Grafana dashboard that is shipped, and its variables replaced as Grafana does it.</summary>
internal sealed partial class Dashboard
{
    public static readonly string DirectoryPath = Path.GetFullPath(Path.Combine(Golden.Root, "../examples/grafana"));

    public Dashboard(string name)
    {
        Text = File.ReadAllText(Path.Combine(DirectoryPath, $"{name}.json"));
        Root = JsonSerializer.Deserialize<JsonElement>(Text);
        Variables = [.. Root.GetProperty("templating").GetProperty("list").EnumerateArray().Where(v => v.GetProperty("type").GetString() == "query").Select(v => new Variable(v))];
    }

    public static IEnumerable<string> Names => Directory.GetFiles(DirectoryPath, "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal);

    public string Text { get; }

    public JsonElement Root { get; }

    /// <summary>Those that are filled by a query; beside them there is the data source.</summary>
    public IReadOnlyList<Variable> Variables { get; }

    public IReadOnlyList<Panel> Panels => [.. Root.GetProperty("panels").EnumerateArray().Select(panel => new Panel(panel))];

    /// <summary>Every name that stands after a dollar, Grafana's own ones too.</summary>
    public IEnumerable<string> Used => Reference().Matches(Text).Select(match => match.Groups["name"].Value).Distinct();

    /// <summary>An expression as Grafana sends it.</summary>
    /// <param name="chosen">By variable, as <see cref="Variable.Matcher"/> has it.</param>
    public static string Interpolate(string expression, IReadOnlyDictionary<string, string> chosen) => Reference().Replace(expression, match => match.Groups["name"].Value switch
    {
        // Grafana takes four scrape intervals at least.
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

    public IReadOnlyList<string> Expressions => Json.TryGetProperty("targets", out var targets) ? [.. targets.EnumerateArray().Select(target => target.GetProperty("expr").GetString()!)] : [];
}

/// <summary>A variable whose values are those of a label: <c>label_values(selector, label)</c>.</summary>
internal sealed partial record Variable(JsonElement Json)
{
    public string Name => Json.GetProperty("name").GetString()!;

    public string Query => Json.GetProperty("query").GetProperty("query").GetString()!;

    public async Task<IReadOnlyList<string>> ValuesAsync(PrometheusPeer prometheus, IReadOnlyDictionary<string, string> chosen, CancellationToken cancellationToken)
    {
        var call = LabelValues().Match(Dashboard.Interpolate(Query, chosen));
        return await prometheus.LabelValuesAsync(call.Groups["selector"].Value, call.Groups["label"].Value, cancellationToken);
    }

    /// <summary>What Grafana puts into a matcher for All: what the variable has for that, else every value.</summary>
    public string All(IReadOnlyList<string> values) => Json.TryGetProperty("allValue", out var all) ? all.GetString()! : Matcher(values);

    public static string Matcher(IReadOnlyList<string> values) => values.Count == 1 ? Escape(values[0]) : $"({string.Join('|', values.Select(Escape))})";

    /// <summary>Twice, since the value is in a string of PromQL and a regular expression there.</summary>
    private static string Escape(string value) => Special().Replace(value.Replace(@"\", @"\\\\", StringComparison.Ordinal), @"\\$0");

    [GeneratedRegex(@"^label_values\((?<selector>.+), (?<label>\w+)\)$")]
    private static partial Regex LabelValues();

    [GeneratedRegex(@"[$^*{}\[\]'+?.()|]")]
    private static partial Regex Special();
}
