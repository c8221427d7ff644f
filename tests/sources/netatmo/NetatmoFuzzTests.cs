using System.Text;
using Exporter.Netatmo;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Netatmo;

/// <summary>Whatever the provider says, the outcome is a reading with families or a failure with a sentence, never an exception.</summary>
public class NetatmoFuzzTests
{
    private static readonly string[] Samples = ["stations.json", "odd.json", "homecoachs.json", "duplicates.json"];

    [Fact]
    public void Every_prefix_of_an_answer_is_unavailable()
    {
        var whole = Answers.Bytes("stations.json");
        var end = Array.LastIndexOf(whole, (byte)'}');
        for (var length = 0; length <= end; length++)
        {
            Assert.IsType<ApiFailure.Unavailable>(Assert.IsType<PollResult<StationsData>.Failed>(Answers.Read(whole[..length])).Failure);
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
            foreach (var path in JsonPlaces.Of(whole).Where(p => p.Contains("/dashboard_data/", StringComparison.Ordinal)))
            {
                var after = SampleCount(JsonPlaces.Replaced(whole, path, "{\"a\":[1]}"));
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
            foreach (var path in JsonPlaces.Of(whole))
            {
                foreach (var junk in JsonPlaces.Junk)
                {
                    ClearOutcome(Encoding.UTF8.GetBytes(JsonPlaces.Replaced(whole, path, junk)));
                }
            }
        }
    }

    [Fact]
    public void A_name_that_is_no_text_has_an_outcome_wherever_it_stands()
    {
        foreach (var odd in Samples.SelectMany(name => JsonPlaces.WithOddNames(Encoding.UTF8.GetString(Answers.Bytes(name)))))
        {
            ClearOutcome(Encoding.UTF8.GetBytes(odd));
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
            case PollResult<StationsData>.Success success:
                _ = SampleCount(NetatmoReading.From(success.Value));
                break;
            case PollResult<StationsData>.Failed { Failure: var failure }:
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
}
