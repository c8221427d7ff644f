using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Exporter.Netatmo;
using Exporter.Sources;
using Xunit;

namespace Exporter.Tests.Netatmo;

/// <summary>Whatever the cloud says, the outcome is a reading with families or a failure with a sentence, never an exception.</summary>
public class NetatmoFuzzTests
{
    private static readonly string[] Samples = ["stations.json", "odd.json", "homecoachs.json", "duplicates.json"];

    private static readonly string[] Junk =
    [
        "null", "true", "-1", "0.5", "1e300", "1e999", "\"\"", "\"text\"", "\"12\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "{}", "[[{}]]", "{\"a\":[1]}",
    ];

    [Fact]
    public void Every_prefix_of_an_answer_is_unavailable()
    {
        var whole = Answers.Bytes("stations.json");
        var end = Array.LastIndexOf(whole, (byte)'}');
        for (var length = 0; length <= end; length++)
        {
            Assert.IsType<ApiFailure.Unavailable>(Assert.IsType<ApiAnswer<StationsData>.Failed>(Answers.Read(whole[..length])).Failure);
        }
        Assert.True(SampleCount(Encoding.UTF8.GetString(whole)) > 0);
    }

    [Fact]
    public void A_leaf_of_another_type_costs_no_other_sample()
    {
        foreach (var name in Samples)
        {
            var whole = Encoding.UTF8.GetString(Answers.Bytes(name));
            var before = SampleCount(whole);
            foreach (var path in Paths(JsonNode.Parse(whole)!).Where(p => p.Contains("/dashboard_data/", StringComparison.Ordinal)))
            {
                var after = SampleCount(Replaced(whole, path, "{\"a\":[1]}"));
                Assert.True(before - after is 0 or 1, $"{name}: {path} costs {before - after} samples");
            }
        }
    }

    [Fact]
    public void Any_node_may_be_of_any_type()
    {
        foreach (var name in Samples)
        {
            var whole = Encoding.UTF8.GetString(Answers.Bytes(name));
            foreach (var path in Paths(JsonNode.Parse(whole)!))
            {
                foreach (var junk in Junk)
                {
                    ClearOutcome(Encoding.UTF8.GetBytes(Replaced(whole, path, junk)));
                }
            }
        }
    }

    [Fact]
    public void Any_byte_may_be_any_other()
    {
        var whole = Answers.Bytes("odd.json");
        byte[] others = [0, (byte)'"', (byte)'{', (byte)'\\', (byte)'9', 0x80, 0xFF];
        for (var at = 0; at < whole.Length; at++)
        {
            foreach (var other in others)
            {
                var broken = whole.ToArray();
                broken[at] = other;
                ClearOutcome(broken);
            }
        }
    }

    [Fact]
    public void Ten_megabytes_of_anything_have_an_outcome()
    {
        const int Size = 10_000_000;
        ClearOutcome(new byte[Size]);
        ClearOutcome([.. Enumerable.Repeat((byte)'[', Size)]);
        ClearOutcome([.. Enumerable.Repeat((byte)'{', Size)]);
        ClearOutcome([.. Enumerable.Repeat((byte)'9', Size)]);
        ClearOutcome(Encoding.UTF8.GetBytes("{\"error\":{\"code\":7,\"message\":\"" + new string('x', Size) + "\"}}"));
        ClearOutcome(Encoding.UTF8.GetBytes("{\"body\":{\"devices\":[{\"module_name\":\"" + new string('x', Size) + "\"}]}}"));
        ClearOutcome(Encoding.UTF8.GetBytes("{\"body\":{\"devices\":[" + string.Concat(Enumerable.Repeat("{},", Size / 100)) + "{}]}}"));
    }

    private static void ClearOutcome(byte[] body)
    {
        switch (Answers.Read(body))
        {
            case ApiAnswer<StationsData>.Success success:
                _ = SampleCount(NetatmoReading.From(success.Value));
                break;
            case ApiAnswer<StationsData>.Failed { Failure: var failure }:
                Assert.Matches(@"^Netatmo[^\n]{1,400}[.?]$", failure.Reason);
                break;
        }
    }

    private static int SampleCount(string json) => SampleCount(Answers.Reading(Encoding.UTF8.GetBytes(json)));

    private static int SampleCount(NetatmoReading reading)
    {
        var families = NetatmoMetrics.From(reading, new(TimeSpan.FromHours(1), Location: true), Answers.Now).ToList();
        Assert.All(families, f => Assert.Equal(f.Samples.Count, f.Samples.Select(s => s.Labels.ToString()).Distinct().Count()));
        return families.Sum(f => f.Samples.Count);
    }

    private static IEnumerable<string> Paths(JsonNode node) => node switch
    {
        JsonObject members => members.SelectMany(m => Below(m.Value, m.Key)),
        JsonArray items => items.SelectMany((item, index) => Below(item, index.ToString(CultureInfo.InvariantCulture))),
        _ => [],
    };

    private static IEnumerable<string> Below(JsonNode? node, string step) =>
        (node is null ? [] : Paths(node)).Select(p => $"{step}/{p}").Prepend(step);

    private static string Replaced(string json, string path, string junk)
    {
        // The junk need not be JSON that a node can hold, so it takes the place of a mark in the text.
        const string Mark = "\"the node to replace\"";
        var root = JsonNode.Parse(json)!;
        var steps = path.Split('/');
        var parent = steps[..^1].Aggregate(root, (node, step) => node is JsonArray items ? items[Index(step)]! : node[step]!);
        var mark = JsonNode.Parse(Mark);
        if (parent is JsonArray array)
        {
            array[Index(steps[^1])] = mark;
        }
        else
        {
            parent[steps[^1]] = mark;
        }
        return root.ToJsonString().Replace(Mark, junk, StringComparison.Ordinal);
    }

    private static int Index(string step) => int.Parse(step, CultureInfo.InvariantCulture);
}
