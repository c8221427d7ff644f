using Exporter.BmwCarData;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class BmwMessageTests
{
    [Fact]
    public void A_message_is_read()
    {
        var message = Car.Parse(Car.Messages("electric.jsonl")[0]).Message!;

        Assert.Equal((Car.Electric, new DateTimeOffset(2026, 11, 21, 10, 12, 40, 809, TimeSpan.Zero)), (message.Vin, message.At));
        Assert.Equal(0, message.InvalidEntries);
        Assert.Equal(
            new BmwEntry(
                "vehicle.drivetrain.batteryManagement.header", new BmwValue.Number(66), "percent", new(2026, 11, 21, 10, 12, 39, TimeSpan.Zero)),
            message.Entries[0]);
        Assert.Equal(new BmwValue.Number(65.5), message.Entries[1].Value);
    }

    [Theory]
    [InlineData("not json", "not_json")]
    [InlineData("", "not_json")]
    [InlineData("[]", "not_json")]
    [InlineData("{\"vin\":\"!\",\"data\":{}}", "no_vin")]
    [InlineData("{\"vin\":\"WBY00000000000001\"}", "no_data")]
    [InlineData("{\"vin\":\"WBY00000000000001\",\"data\":[]}", "no_data")]
    public void An_invalid_message_has_an_error(string payload, string reason)
    {
        Assert.Contains(reason, BmwMessageParser.Errors);
        Assert.Equal((null, reason), Car.Parse(payload, "gcid/+"));
    }

    [Fact]
    public void A_message_without_a_vin_has_that_of_its_topic() =>
        Assert.Equal("WBA00000000000002", Car.Parse("{\"data\":{}}", "gcid/wba00000000000002").Message!.Vin);

    [Theory]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("\"INVALID\"")]
    [InlineData("\"-NA-\"")]
    [InlineData("\"UNKNOWN\"")]
    [InlineData("\"ASN_isUnknown\"")]
    [InlineData("1e999")]
    public void A_placeholder_is_no_value(string value) => Assert.Equal(new BmwValue.None(), Only(Car.Message("k", value)).Value);

    [Theory]
    [InlineData("true", true)]
    [InlineData("\"ASN_isTrue\"", true)]
    [InlineData("\"false\"", false)]
    public void A_Boolean_has_several_spellings(string value, bool expected) =>
        Assert.Equal(new BmwValue.Flag(expected), Only(Car.Message("k", value)).Value);

    [Theory]
    [InlineData("\"null\"")]
    [InlineData("\"  \"")]
    [InlineData("7")]
    [InlineData("\"\\ud800\"")]
    public void An_invalid_unit_is_null(string unit) =>
        Assert.Null(Only($$$"""{"vin":"WBY00000000000001","data":{"k":{"value":1,"unit":{{{unit}}} } } }""").Unit);

    [Theory]
    [InlineData("2026-11-21T10:12:39Z", true)]
    [InlineData("2026-11-21T10:12:39.123456Z", true)]
    [InlineData("2026-11-21T11:12:39+01:00", true)]
    [InlineData("2026-11-21T10:12:39", false)]
    [InlineData("yesterdayZ", false)]
    public void A_time_without_a_zone_is_null(string text, bool isTime) => Assert.Equal(isTime, BmwMessageParser.Time(text) is not null);

    [Fact]
    public void Invalid_entries_are_counted_and_affect_no_other()
    {
        var reading = Car.Reading(Car.Messages("odd.jsonl"));

        Assert.Equal(4, reading.Errors["entry"]);
        Assert.Equal(new BmwValue.Number(1000), reading.Cars[Car.Combustion].Values["vehicle.engine.new"].Value);
        Assert.Equal(2, reading.Errors["not_json"]);
        Assert.Equal(1, reading.Errors["no_data"]);
    }

    private static BmwEntry Only(string message) => Assert.Single(Car.Parse(message).Message!.Entries);
}
