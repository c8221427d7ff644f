using System.Text;
using Exporter.Netatmo;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Netatmo;

/// <summary>Every response, valid or not, results in a reading with families or in a failure with a sentence, never in an exception.</summary>
public class NetatmoFuzzTests
{
    private static readonly string[] Samples = ["stations.json", "odd.json", "homecoachs.json", "duplicates.json"];

    [Fact]
    public void Every_prefix_of_a_response_is_an_error()
    {
        var whole = Responses.Bytes("stations.json");
        var end = Array.LastIndexOf(whole, (byte)'}');
        for (var length = 0; length <= end; length++)
        {
            Assert.IsType<ApiFailure.Unavailable>(Results.Failure(Responses.Read(whole[..length])));
        }
        Assert.True(SampleCount(Encoding.UTF8.GetString(whole)) > 0);
    }

    [Fact]
    public void A_value_of_another_type_affects_no_other_sample()
    {
        foreach (var name in Samples)
        {
            var whole = Encoding.UTF8.GetString(Responses.Bytes(name));
            var before = SampleCount(whole);
            foreach (var path in JsonPlaces.Of(whole).Where(p => p.Contains("/dashboard_data/", StringComparison.Ordinal)))
            {
                var after = SampleCount(JsonPlaces.Replaced(whole, path, "{\"a\":[1]}"));
                Assert.True(before - after is 0 or 1, $"{name}: {path} costs {before - after} samples");
            }
        }
    }

    [Fact]
    public void A_node_of_any_type_is_handled()
    {
        foreach (var name in Samples)
        {
            var whole = Encoding.UTF8.GetString(Responses.Bytes(name));
            foreach (var path in JsonPlaces.Of(whole))
            {
                foreach (var junk in JsonPlaces.Junk)
                {
                    AssertHandled(Encoding.UTF8.GetBytes(JsonPlaces.Replaced(whole, path, junk)));
                }
            }
        }
    }

    [Fact]
    public void An_invalid_name_is_handled_anywhere()
    {
        foreach (var odd in Samples.SelectMany(name => JsonPlaces.WithOddNames(Encoding.UTF8.GetString(Responses.Bytes(name)))))
        {
            AssertHandled(Encoding.UTF8.GetBytes(odd));
        }
    }

    [Fact]
    public void Any_changed_byte_is_handled()
    {
        var whole = Responses.Bytes("odd.json");
        byte[] others = [0, (byte)'"', (byte)'{', (byte)'\\', (byte)'9', 0x80, 0xFF];
        for (var at = 0; at < whole.Length; at++)
        {
            foreach (var other in others)
            {
                var broken = whole.ToArray();
                broken[at] = other;
                AssertHandled(broken);
            }
        }
    }

    [Fact]
    public void Ten_megabytes_of_any_content_are_handled()
    {
        const int Size = 10_000_000;
        AssertHandled(new byte[Size]);
        AssertHandled([.. Enumerable.Repeat((byte)'[', Size)]);
        AssertHandled([.. Enumerable.Repeat((byte)'{', Size)]);
        AssertHandled([.. Enumerable.Repeat((byte)'9', Size)]);
        AssertHandled(Encoding.UTF8.GetBytes("{\"error\":{\"code\":7,\"message\":\"" + new string('x', Size) + "\"}}"));
        AssertHandled(Encoding.UTF8.GetBytes("{\"body\":{\"devices\":[{\"module_name\":\"" + new string('x', Size) + "\"}]}}"));
        AssertHandled(Encoding.UTF8.GetBytes("{\"body\":{\"devices\":[" + string.Concat(Enumerable.Repeat("{},", Size / 100)) + "{}]}}"));
    }

    private static void AssertHandled(byte[] body)
    {
        var (data, failure) = Responses.Read(body);
        if (failure is null)
        {
            _ = SampleCount(Responses.Reading(data!));
        }
        else
        {
            Assert.Matches(@"^Netatmo[^\n]{1,400}[.?]$", failure.Reason);
        }
    }

    private static int SampleCount(string json) => SampleCount(Responses.Reading(Encoding.UTF8.GetBytes(json)));

    private static int SampleCount(NetatmoReading reading)
    {
        var families = NetatmoMetrics.From(reading, new(TimeSpan.FromHours(1), Location: true), Responses.Now).ToList();
        Assert.All(families, f => Assert.Equal(f.Samples.Count, f.Samples.Select(s => s.Labels.ToString()).Distinct().Count()));
        return families.Sum(f => f.Samples.Count);
    }
}
