using System.Globalization;
using System.Text.Json.Nodes;

namespace Exporter.Tests.Support;

/// <summary>Finds the nodes of a JSON text by path, and replaces one.</summary>
internal static class JsonPlaces
{
    public static readonly string[] Junk =
    [
        "null", "true", "-1", "0.5", "1e300", "1e999", "\"\"", "\"text\"", "\"12\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "{}", "[[{}]]",
        "{\"a\":[1]}", "{\"\\ud800\":1}",
    ];

    public static IEnumerable<string> Of(string json) => Of(JsonNode.Parse(json)!);

    /// <summary>The junk may be invalid as a JSON node.</summary>
    public static string Replaced(string json, string path, string junk)
    {
        const string Mark = "\"the node to replace\"";
        var root = JsonNode.Parse(json)!;
        var steps = path.Split('/');
        var parent = steps[..^1].Aggregate(root, (node, step) => node is JsonArray items ? items[Index(step)]! : node[step]!);
        if (parent is JsonArray array)
        {
            array[Index(steps[^1])] = JsonNode.Parse(Mark);
        }
        else
        {
            parent[steps[^1]] = JsonNode.Parse(Mark);
        }
        return root.ToJsonString().Replace(Mark, junk, StringComparison.Ordinal);
    }

    /// <summary>Adds a name that is not valid Unicode before the other members of each object in turn.</summary>
    public static IEnumerable<string> WithOddNames(string json)
    {
        // Longer than the searched names, because TryGetProperty skips shorter names.
        var odd = $"\"\\ud800{new string('x', 60)}\":1,";
        var text = JsonNode.Parse(json)!.ToJsonString();
        for (var at = text.IndexOf("{\"", StringComparison.Ordinal); at >= 0; at = text.IndexOf("{\"", at + 1, StringComparison.Ordinal))
        {
            yield return text.Insert(at + 1, odd);
        }
    }

    private static IEnumerable<string> Of(JsonNode node) => node switch
    {
        JsonObject members => members.SelectMany(m => Below(m.Value, m.Key)),
        JsonArray items => items.SelectMany((item, index) => Below(item, index.ToString(CultureInfo.InvariantCulture))),
        _ => [],
    };

    private static IEnumerable<string> Below(JsonNode? node, string step) => (node is null ? [] : Of(node)).Select(p => $"{step}/{p}").Prepend(step);

    private static int Index(string step) => int.Parse(step, CultureInfo.InvariantCulture);
}
