using System.Text;
using System.Text.Json.Nodes;
using Exporter.Netatmo;
using Xunit;

namespace Exporter.Tests.Netatmo;

public class NetatmoReadingTests
{
    [Fact]
    public void A_module_belongs_to_the_station_and_the_home_of_its_base()
    {
        var reading = Responses.Reading("stations.json");

        Assert.Equal(Responses.Now, reading.ServerTime);
        Assert.Equal(["base", "outdoor", "indoor", "wind", "rain"], reading.Modules.Select(m => m.Kind));
        Assert.All(reading.Modules, m => Assert.Equal(
            ("70:ee:50:00:00:01", "Lakeside (Living room)", "5f0000000000000000000001", "Lakeside"), (m.StationId, m.Station, m.HomeId, m.Home)));
        Assert.Equal(new Place(8.5417, 47.3769, 412.5, "Seehausen", "CH", "Europe/Zurich"), reading.Modules[0].Place);
        Assert.All(reading.Modules.Skip(1), m => Assert.Null(m.Place));
    }

    [Fact]
    public void A_module_that_was_never_paired_has_no_values()
    {
        var module = Responses.Reading("odd.json").Modules.Single(m => m.Id == "02:00:00:00:00:02");

        Assert.False(module.Reachable);
        Assert.Equal(
            (null, null, null, null, null, null),
            (module.Name, module.Firmware, module.RadioSignal, module.BatteryVolts, module.BatteryPercent, module.LastSeen));
        Assert.Null(module.AliveAt);
    }

    [Fact]
    public void Calm_air_has_a_direction_only_in_the_inherited_metric()
    {
        var measured = Responses.Reading("odd.json").Modules.Single(m => m.Kind == "wind").Measured!;

        Assert.Equal((-1, null, null), (measured.WindDirection, measured.GustDirection, measured.WindHighDirection));
        Assert.Equal(new Extreme(3, null), measured.WindHigh);
    }

    [Fact]
    public void A_guest_station_and_its_modules_are_marked()
    {
        var modules = Responses.Reading("odd.json").Modules;

        Assert.Equal(
            ["70:ee:50:00:00:03", "70:ee:50:00:00:04", "02:00:00:00:00:04"],
            modules.Where(m => m is { Favourite: true, ReadOnly: true }).Select(m => m.Id));
    }

    [Theory]
    [InlineData("70:ee:50:00:00:0e", "Nursery", "Nursery")]
    [InlineData("70:ee:50:00:00:0f", "Office", "Office")]
    [InlineData("70:ee:50:00:00:10", "Workshop", "Annexe")]
    [InlineData("70:ee:50:00:00:11", null, null)]
    public void A_Home_Coach_finds_its_name(string id, string? name, string? station)
    {
        var coach = Responses.Reading("stations.json", "homecoachs.json").Modules.Single(m => m.Id == id);

        Assert.Equal(("home_coach", name, station), (coach.Kind, coach.Name, coach.Station));
    }

    [Theory]
    [InlineData("18.6", 18.6)]
    [InlineData("\"18.6\"", 18.6)]
    [InlineData("-0.5e1", -5.0)]
    [InlineData("\"18,6\"", null)]
    [InlineData("\"NaN\"", null)]
    [InlineData("1e999", null)]
    [InlineData("null", null)]
    [InlineData("true", null)]
    [InlineData("[18.6]", null)]
    [InlineData("{\"value\":18.6}", null)]
    [InlineData("\"\\ud800\"", null)]
    public void A_number_in_an_unexpected_form_affects_no_other_value(string json, double? value)
    {
        var reading = Responses.Reading(System.Text.Encoding.UTF8.GetBytes(
            "{\"body\":{\"devices\":[{\"_id\":\"a\",\"dashboard_data\":{\"Temperature\":" + json + ",\"Humidity\":40}}]}}"));

        Assert.Equal((value, 40), (reading.Modules.Single().Measured!.Temperature, reading.Modules.Single().Measured!.Humidity));
    }

    [Theory]
    [InlineData("modules", "\"none\"")]
    [InlineData("modules", "{}")]
    [InlineData("modules", "[null, 7, \"x\", [], [[{}]]]")]
    [InlineData("place", "[1,2]")]
    [InlineData("place", "{\"location\":\"here\"}")]
    [InlineData("dashboard_data", "[]")]
    public void A_member_of_an_unexpected_type_affects_no_other_member(string member, string json)
    {
        var answer = JsonNode.Parse(Responses.Bytes("stations.json"))!;
        answer["body"]!["devices"]![0]![member] = JsonNode.Parse(json);

        var station = Responses.Reading(System.Text.Encoding.UTF8.GetBytes(answer.ToJsonString())).Modules[0];

        Assert.Equal(("Living room", 48), (station.Name, station.WifiSignal));
    }

    [Theory]
    [InlineData("{\"0\": $1, \"2\": $2}", 2, 0)]
    [InlineData("{\"02:00:00:00:00:01\": $1}", 1, 0)]
    [InlineData("$1", 1, 0)]
    [InlineData("[$1, $2]", 2, 0)]
    [InlineData("[$1, 7, null]", 1, 2)]
    [InlineData("\"none\"", 0, 1)]
    [InlineData("null", 0, 0)]
    [InlineData("{}", 0, 0)]
    public void A_list_in_another_form_is_read_and_what_is_left_out_is_counted(string list, int read, int unreadable)
    {
        static string Item(string list, string more) => list
            .Replace("$1", "{\"_id\":\"1\"" + more + "}", StringComparison.Ordinal).Replace("$2", "{\"_id\":\"2\"" + more + "}", StringComparison.Ordinal);

        var modules = Responses.Reading(Encoding.UTF8.GetBytes("{\"body\":{\"devices\":[{\"_id\":\"a\",\"modules\":" + Item(list, "") + "}]}}"));

        Assert.Equal((1, read, unreadable), (modules.Stations, modules.Modules.Count - 1, modules.Unreadable));
        if (read > 0)
        {
            var stations = Responses.Reading(Encoding.UTF8.GetBytes("{\"body\":{\"devices\":" + Item(list, ",\"modules\":[]") + "}}"));
            Assert.Equal((read, unreadable), (stations.Stations, stations.Unreadable));
        }
    }

    [Theory]
    [InlineData("{\"devices\":[]}")]
    [InlineData("{\"devices\":{}}")]
    [InlineData("[]")]
    public void An_account_may_have_no_station(string body) =>
        Assert.Equal(0, Responses.Reading(Encoding.UTF8.GetBytes("{\"body\":" + body + ",\"status\":\"ok\"}")).Stations);

    [Fact]
    public void Times_outside_the_calendar_are_null() =>
        Assert.All<double?>([null, 0, -1, 253_402_300_800, 1e300, double.MaxValue], t => Assert.Null(Module.Time(t)));
}
