using Exporter.BmwCarData;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class BmwReadingTests
{
    private const string Odometer = "vehicle.vehicle.travelledDistance";

    [Fact]
    public void A_repeated_old_value_changes_nothing()
    {
        var reading = Car.Reading([
            Car.Message(Odometer, "11", "km", "2026-11-21T10:00:01Z"), Car.Message(Odometer, "10", "km", "2026-11-21T10:00:00Z")]);

        Assert.Equal(new BmwValue.Number(11), reading.Cars[Car.Electric].Values[Odometer].Value);
        Assert.Equal(2, reading.Cars[Car.Electric].Messages);
    }

    [Fact]
    public void A_newer_placeholder_removes_the_value()
    {
        var reading = Car.Reading([Car.Message(Odometer, "11", "km"), Car.Message(Odometer, "\"INVALID\"", "km", "2026-11-21T10:00:01Z")]);

        Assert.Null(Car.Value(reading, "bmw_vehicle_odometer_meters"));
    }

    [Fact]
    public void The_last_unit_of_a_key_is_remembered()
    {
        var reading = Car.Reading([Car.Message(Odometer, "10", "mi"), Car.Message(Odometer, "11", null, "2026-11-21T10:00:01Z")]);

        Assert.Equal(11 * 1609.344, Car.Value(reading, "bmw_vehicle_odometer_meters"));
    }

    [Fact]
    public void A_time_in_the_far_future_does_not_block_later_values()
    {
        var reading = Car.Reading([
            Car.Message(Odometer, "10", "km", "2999-01-01T00:00:00Z"), Car.Message(Odometer, "11", "km", "2026-11-21T10:13:00Z")]);

        Assert.Equal(new BmwValue.Number(11), reading.Cars[Car.Electric].Values[Odometer].Value);
    }

    [Theory]
    [InlineData("2026-11-21T10:14:01Z")]
    [InlineData("2026-11-22T10:00:00Z")]
    public void A_time_that_is_ahead_counts_as_now(string ahead)
    {
        var stored = Car.Parse(Car.Message(Odometer, "10", "km", ahead)).Message!;
        var reading = BmwReading.Empty.WithValues(stored, Car.Options, Car.Now);
        Assert.Equal(Car.Now, reading.Cars[Car.Electric].Values[Odometer].At);

        reading = reading.With(Car.Parse(Car.Message(Odometer, "11", "km", "2026-11-21T10:13:01Z")), Car.Options, Car.Now.AddSeconds(1));

        Assert.Equal(new BmwValue.Number(11), reading.Cars[Car.Electric].Values[Odometer].Value);
    }

    [Fact]
    public void After_the_clock_was_set_back_new_values_count()
    {
        var reading = Car.Reading([Car.Message(Odometer, "10", "km", "2026-11-21T10:13:00Z")]);

        reading = reading.With(Car.Parse(Car.Message(Odometer, "11", "km", "2026-11-21T09:00:00Z")), Car.Options, Car.Now.AddHours(-1));

        Assert.Equal(new BmwValue.Number(11), reading.Cars[Car.Electric].Values[Odometer].Value);
    }

    [Fact]
    public void Keys_and_cars_above_the_limits_are_ignored()
    {
        var options = Car.Options with { MaximumKeysPerCar = 2, MaximumCars = 1 };
        string[] messages =
        [
            Car.Message("a", "1"), Car.Message("b", "2"), Car.Message("c", "3"), Car.Message("a", "4"), """{"vin":"WBY00000000000009","data":{}}""",
        ];
        var reading = Car.Reading(messages, options);

        Assert.Equal(["a", "b"], Assert.Single(reading.Cars).Value.Values.Keys);
        Assert.Equal(new BmwValue.Number(4), reading.Cars[Car.Electric].Values["a"].Value);
    }

    [Fact]
    public void A_long_text_is_no_value()
    {
        var reading = Car.Reading([Car.Message("a", $"\"{new string('x', 129)}\""), Car.Message("b", $"\"{new string('x', 128)}\"")]);

        Assert.Equal([typeof(BmwValue.None), typeof(BmwValue.Text)], reading.Cars[Car.Electric].Values.Values.Select(last => last.Value.GetType()));
    }

    [Fact]
    public void The_location_is_stored_only_if_the_setting_is_on()
    {
        var messages = Car.Messages("electric.jsonl");

        Assert.DoesNotContain(Car.Reading(messages).Cars[Car.Electric].Values.Keys, BmwKeys.IsLocation);
        Assert.Equal(48.177, Car.Value(Car.Reading(messages, Car.Options with { Location = true }), "bmw_vehicle_latitude_degrees"));
    }

    [Fact]
    public void Keys_that_match_a_pattern_are_ignored()
    {
        var reading = Car.Reading(Car.Messages("electric.jsonl"), Car.Options with { SkippedKeys = ["vehicle.cabin.*", "*.header"] });

        Assert.DoesNotContain(reading.Cars[Car.Electric].Values.Keys,
            key => key.Contains("cabin", StringComparison.Ordinal) || key.EndsWith("header", StringComparison.Ordinal));
        Assert.NotEmpty(reading.Cars[Car.Electric].Values);
    }

    [Fact]
    public void A_car_that_is_not_followed_is_ignored() =>
        Assert.Empty(Car.Reading(Car.Messages("electric.jsonl"), Car.Options with { Vins = [Car.Combustion] }).Cars);

    [Fact]
    public void Stored_values_add_a_car_but_do_not_count_as_a_message()
    {
        var stored = Car.Parse(Car.Message(Odometer, "10", "km")).Message!;
        var reading = BmwReading.Empty.WithValues(stored, Car.Options, Car.Now);

        Assert.Equal((0, null), (reading.Cars[Car.Electric].Messages, reading.LastMessage));
        Assert.Equal(10_000, Car.Value(reading, "bmw_vehicle_odometer_meters"));
    }
}
