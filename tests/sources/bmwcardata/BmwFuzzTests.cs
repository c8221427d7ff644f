using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Exporter.BmwCarData;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>Every message, valid or not, results in a reading with families, and never in an exception.</summary>
public class BmwFuzzTests
{
    private static readonly string[] Junk =
    [
        "null", "true", "-1", "0.5", "1e300", "1e999", "\"\"", "\"text\"", "\"12\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "{}", "[[{}]]",
        "{\"a\":[1]}",
        "{\"value\":\"\\udc00\"}", "{\"\\ud800\":1}", "\"9999-99-99T99:99:99Z\"", "\"0001-01-01T00:00:00+14:00\"",
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static IReadOnlyList<string> Samples => [.. Car.Messages("electric.jsonl"), .. Car.Messages("odd.jsonl")];

    [Fact]
    public void Every_prefix_of_a_message_is_handled()
    {
        foreach (var sample in Samples)
        {
            var whole = Encoding.UTF8.GetBytes(sample);
            for (var length = 0; length < whole.Length; length++)
            {
                AssertReadable(whole[..length]);
            }
        }
    }

    [Fact]
    public void A_node_of_any_type_is_handled()
    {
        foreach (var sample in Samples.Where(s => s.StartsWith('{')))
        {
            foreach (var path in Paths(JsonNode.Parse(sample)!, []))
            {
                foreach (var junk in Junk)
                {
                    AssertReadable(Encoding.UTF8.GetBytes(Replaced(sample, path, junk)));
                }
            }
        }
    }

    [Fact]
    public async Task An_invalid_name_in_a_response_of_the_API_affects_no_other_member()
    {
        var token = new Token { AccessToken = new Secret("a"), ExpiresAt = ManualTime.Start.AddDays(1) };
        using var manager = new TokenManager(
            "car", new FakeGrant(new ManualTime()), new MemoryStore(token), new TokenManagerOptions(), new ManualTime(),
            NullLogger<TokenManager>.Instance);
        const string Response = """{"containers":[{"containerId":"c","name":"n"}],"telematicData":{"k":{"value":"1"}},"brand":"BMW"}""";
        foreach (var body in JsonPlaces.WithOddNames(Response))
        {
            using var http = new StubHttp().Otherwise((_, _) => StubHttp.Answer(HttpStatusCode.OK, body));
            using var directory = new TemporaryDirectory();
            var time = new ManualTime();
            var budget = new RequestBudget("BMW", [new BudgetWindow(50, TimeSpan.FromDays(1))], directory["calls.json"], time, NullLogger.Instance);
            var account = new BmwAccount(manager, new Uri("https://api.invalid/"), budget);
            var api = ProviderApi.Services(new BmwCarDataSource(), http, time).GetRequiredService<IBmwApi>();

            Assert.Equal("c", Value(BmwResponses.Read(await api.GetContainers(account, Cancellation), time, Container.List)).Single().Id);
            var info = BmwResponses.Read(await api.GetBasicData(account, Car.Electric, Cancellation), time, json => CarInfo.From(Car.Electric, json));
            Assert.Equal("BMW", Value(info).Brand);
            var message = BmwResponses.Read(await api.GetTelematicData(account, Car.Electric, "c", Cancellation), time,
                json => BmwMessageParser.FromData(Car.Electric, Json.Member(json, "telematicData")!.Value));
            Assert.Equal("k", Value(message).Entries.Single().Key);
        }
    }

    [Fact]
    public void Any_changed_byte_is_handled()
    {
        var whole = Encoding.UTF8.GetBytes(Car.Messages("odd.jsonl")[1]);
        byte[] others = [0, (byte)'"', (byte)'{', (byte)'\\', (byte)'9', 0x80, 0xFF];
        for (var at = 0; at < whole.Length; at++)
        {
            foreach (var other in others)
            {
                var broken = whole.ToArray();
                broken[at] = other;
                AssertReadable(broken);
            }
        }
    }

    [Fact]
    public void A_flood_of_messages_stays_within_the_limits()
    {
        var reading = BmwReading.Empty;
        for (var message = 0; message < 300; message++)
        {
            var data = string.Join(',', Enumerable.Range(0, 50).Select(key => $$"""
                "k{{message}}.{{key}}{{new string('x', 100)}}":{"value":"{{new string('y', 1000)}}"}
                """));
            var parsed = Car.Parse($$"""{"vin":"WBY{{message / 4:D14}}","data":{ {{data}} } }""");
            reading = reading.With(parsed, Car.Options with { MaximumCars = 5, MaximumKeysPerCar = 100 }, Car.Now);
        }

        Assert.Equal(5, reading.Cars.Count);
        Assert.All(reading.Cars.Values, car => Assert.Equal(100, car.Values.Count));
        Assert.All(reading.Cars.Values.SelectMany(car => car.Values.Values), last => Assert.IsType<BmwValue.None>(last.Value));
    }

    private static T Value<T>(Result<T, ApiFailure> result) => Results.Value(result);

    private static void AssertReadable(byte[] payload)
    {
        var reading = BmwReading.Empty.With(BmwMessageParser.Parse(payload, "gcid/WBY00000000000003"), Car.Options with { Location = true }, Car.Now);
        var families = Car.Families(reading).ToList();
        Assert.All(families, f => Assert.Equal(f.Samples.Count, f.Samples.Select(s => s.Labels.ToString()).Distinct().Count()));
        Assert.True(families.Count > 0 || reading.Errors.Count > 0 || reading.Cars.Count > 0);
    }

    private static IEnumerable<string[]> Paths(JsonNode node, string[] above) => node switch
    {
        JsonObject members => members.SelectMany(m => (m.Value is null ? [] : Paths(m.Value, [.. above, m.Key])).Prepend([.. above, m.Key])),
        _ => [],
    };

    private static string Replaced(string json, string[] path, string junk)
    {
        // A node cannot contain every junk value, so the junk replaces a marker in the text.
        const string Marker = "\"the node to replace\"";
        var root = JsonNode.Parse(json)!;
        path[..^1].Aggregate(root, (node, step) => node[step]!)[path[^1]] = JsonNode.Parse(Marker);
        return root.ToJsonString().Replace(Marker, junk, StringComparison.Ordinal);
    }
}
