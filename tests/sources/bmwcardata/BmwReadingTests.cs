using Exporter.BmwCarData;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class BmwReadingTests
{
    private const string Odometer = "vehicle.vehicle.travelledDistance";

    [Fact]
    public void An_old_reading_that_is_sent_again_changes_nothing()
    {
        var reading = Car.Reading([Car.Says(Odometer, "11", "km", "2026-11-21T10:00:01Z"), Car.Says(Odometer, "10", "km", "2026-11-21T10:00:00Z")]);

        Assert.Equal(new BmwValue.Number(11), reading.Cars[Car.Electric].Values[Odometer].Value);
        Assert.Equal(2, reading.Cars[Car.Electric].Messages);
    }

    [Fact]
    public void A_newer_placeholder_takes_the_value_away()
    {
        var reading = Car.Reading([Car.Says(Odometer, "11", "km"), Car.Says(Odometer, "\"INVALID\"", "km", "2026-11-21T10:00:01Z")]);

        Assert.Null(Car.Value(reading, "bmw_vehicle_odometer_meters"));
    }

    [Fact]
    public void A_unit_that_was_told_once_is_remembered()
    {
        var reading = Car.Reading([Car.Says(Odometer, "10", "mi"), Car.Says(Odometer, "11", null, "2026-11-21T10:00:01Z")]);

        Assert.Equal(11 * 1609.344, Car.Value(reading, "bmw_vehicle_odometer_meters"));
    }

    [Fact]
    public void A_time_in_the_far_future_does_not_shut_later_readings_out()
    {
        var reading = Car.Reading([Car.Says(Odometer, "10", "km", "2999-01-01T00:00:00Z"), Car.Says(Odometer, "11", "km", "2026-11-21T10:13:00Z")]);

        Assert.Equal(new BmwValue.Number(11), reading.Cars[Car.Electric].Values[Odometer].Value);
    }

    [Fact]
    public void Keys_and_cars_beyond_the_cap_are_not_taken()
    {
        var limits = Car.Limits with { KeysPerCar = 2, Cars = 1 };
        var reading = Car.Reading([Car.Says("a", "1"), Car.Says("b", "2"), Car.Says("c", "3"), Car.Says("a", "4"), "{\"vin\":\"WBY00000000000009\",\"data\":{}}"], limits);

        Assert.Equal(["a", "b"], Assert.Single(reading.Cars).Value.Values.Keys);
        Assert.Equal(new BmwValue.Number(4), reading.Cars[Car.Electric].Values["a"].Value);
    }

    [Fact]
    public void A_long_text_is_no_value()
    {
        var reading = Car.Reading([Car.Says("a", $"\"{new string('x', 129)}\""), Car.Says("b", $"\"{new string('x', 128)}\"")]);

        Assert.Equal([typeof(BmwValue.None), typeof(BmwValue.Text)], reading.Cars[Car.Electric].Values.Values.Select(held => held.Value.GetType()));
    }

    [Fact]
    public void Where_a_car_is_is_not_even_kept_unless_asked_for()
    {
        var messages = Car.Messages("electric.jsonl");

        Assert.DoesNotContain(Car.Reading(messages).Cars[Car.Electric].Values.Keys, BmwKeys.TellsWhere);
        Assert.Equal(48.177, Car.Value(Car.Reading(messages, Car.Limits with { Location = true }), "bmw_vehicle_latitude_degrees"));
    }

    [Fact]
    public void Keys_can_be_left_out_by_a_pattern()
    {
        var reading = Car.Reading(Car.Messages("electric.jsonl"), Car.Limits with { SkippedKeys = ["vehicle.cabin.*", "*.header"] });

        Assert.DoesNotContain(reading.Cars[Car.Electric].Values.Keys, key => key.Contains("cabin", StringComparison.Ordinal) || key.EndsWith("header", StringComparison.Ordinal));
        Assert.NotEmpty(reading.Cars[Car.Electric].Values);
    }

    [Fact]
    public void A_car_that_is_not_followed_is_not_taken() => Assert.Empty(Car.Reading(Car.Messages("electric.jsonl"), new BmwLimits([Car.Combustion], false)).Cars);

    [Fact]
    public void Kept_values_make_a_car_known_and_do_not_pass_for_a_message()
    {
        var kept = (BmwDelivery.Message)Car.Delivery(Car.Says(Odometer, "10", "km"));
        var reading = BmwReading.Empty.WithValues(kept, Car.Limits, Car.Now);

        Assert.Equal((0, null), (reading.Cars[Car.Electric].Messages, reading.LastMessage));
        Assert.Equal(10_000, Car.Value(reading, "bmw_vehicle_odometer_meters"));
    }
}
