using Exporter.BmwCarData;
using Exporter.Metrics;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class BmwMetricsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("electric")]
    [InlineData("odd")]
    public async Task Messages_become_a_page(string name)
    {
        var page = Page(Car.Families(Car.Reading(Car.Messages($"{name}.jsonl"))));

        Golden.CheckPage($"sources/bmwcardata/golden/{name}.prom", page);
        Assert.Empty(await Promtool.Check(page, Cancellation));
    }

    [Fact]
    public async Task All_metrics_that_there_are_please_promtool()
    {
        var messages = BmwVehicleMetrics.All.SelectMany(metric => metric.Keys.Select(series => Car.Says($"vehicle.{series.Key}", metric switch
        {
            BmwMetric.Measure or BmwMetric.Phases => "7",
            _ => "\"OPEN\"",
        }, metric is BmwMetric.Measure measure ? Unit(measure.Quantity) : null))).Distinct();
        var reading = Car.Reading(messages, Car.Limits with { Location = true }).WithDetails(Car.Electric, new("BMW", "i4", "G26", "BEV"), Car.Limits);
        var families = Car.Families(reading).ToList();

        Assert.Equal(BmwMetrics.Families.Select(f => f.Name).Order(), families.Select(f => f.Name).Order());
        Assert.Empty(await Promtool.Check(Page(families), Cancellation));
    }

    [Fact]
    public void The_place_is_told_when_asked_for()
    {
        var silent = Car.Families(Car.Reading(Car.Messages("electric.jsonl"))).Select(f => f.Name);
        var told = Car.Families(Car.Reading(Car.Messages("electric.jsonl"), Car.Limits with { Location = true })).Select(f => f.Name);

        Assert.Equal(["bmw_vehicle_latitude_degrees", "bmw_vehicle_longitude_degrees"], told.Except(silent).Order());
    }

    [Theory]
    [InlineData("percent", "66", 0.66)]
    [InlineData("%", "\"66\"", 0.66)]
    [InlineData("PERCENT", "66", 0.66)]
    public void Spellings_of_a_unit_are_one_unit(string unit, string value, double expected)
    {
        var reading = Car.Reading([Car.Says("vehicle.drivetrain.batteryManagement.header", value, unit)]);

        Assert.Equal(expected, Car.Value(reading, "bmw_vehicle_battery_charge_ratio"));
        Assert.Equal(66, Car.Value(reading, "bmw_cardata_value", ("unit", "percent")));
    }

    [Theory]
    [InlineData("vehicle.vehicle.travelledDistance", "bmw_vehicle_odometer_meters")]
    [InlineData("vehicle.powertrain.electric.battery.charging.power", "bmw_vehicle_charging_power_watts")]
    [InlineData("vehicle.vehicle.avgSpeed", "bmw_vehicle_average_speed_meters_per_second")]
    public void A_value_whose_unit_was_never_told_stays_raw(string key, string family)
    {
        var reading = Car.Reading([Car.Says(key, "42")]);

        Assert.Null(Car.Value(reading, family));
        Assert.Equal(42, Car.Value(reading, "bmw_cardata_value", ("key", key)));
    }

    [Fact]
    public void A_distance_without_a_unit_is_told_in_the_cars()
    {
        var reading = Car.Reading([Car.Says("vehicle.vehicle.travelledDistance", "100", "MILES"), Car.Says("vehicle.drivetrain.totalRemainingRange", "10")]);

        Assert.Equal(16_093.44, Car.Value(reading, "bmw_vehicle_range_meters")!.Value, 6);
    }

    [Fact]
    public void A_state_that_changed_leaves_its_series_behind()
    {
        const string Key = "vehicle.drivetrain.electricEngine.charging.status";
        var reading = Car.Reading([Car.Says(Key, "\"CHARGINGACTIVE\""), Car.Says(Key, "\"SOMETHING_NEW\"", at: "2026-11-21T10:00:01Z")]);

        Assert.Null(Car.Value(reading, "bmw_cardata_state", ("value", "CHARGINGACTIVE")));
        Assert.Equal(1, Car.Value(reading, "bmw_cardata_state", ("value", "SOMETHING_NEW")));
        Assert.Equal(1, Car.Value(reading, "bmw_vehicle_charging_state", ("state", "something_new")));
        Assert.Equal(0, Car.Value(reading, "bmw_vehicle_charging_state", ("state", "chargingactive")));
    }

    [Fact]
    public void Of_two_keys_for_one_series_the_newer_counts()
    {
        var reading = Car.Reading([
            Car.Says("vehicle.preConditioning.remainingTime", "5", "min", "2026-11-21T10:00:02Z"),
            Car.Says("vehicle.vehicle.preConditioning.remainingTime", "9", "min", "2026-11-21T10:00:01Z")]);

        Assert.Equal(300, Car.Value(reading, "bmw_vehicle_preconditioning_remaining_seconds"));
    }

    [Fact]
    public void A_car_that_has_a_name_does_not_tell_its_number()
    {
        var options = BmwMetricsOptions.Plain with { Names = new Dictionary<string, string> { [Car.Electric] = "blue" } };
        var page = Page(Car.Families(Car.Reading(Car.Messages("electric.jsonl")), options));

        Assert.DoesNotContain(Car.Electric, page, StringComparison.Ordinal);
        Assert.Contains("vin=\"blue\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_makes_metrics_of_keys_that_we_do_not_know()
    {
        var (mappings, problems) = BmwMappingFile.Parse("keys.yml", """
            vehicle.engine.oil:
              metric: bmw_vehicle_oil_ratio
              help: How much oil there is.
              scale: 0.01
            vehicle.cabin.seat.driver:
              metric: bmw_vehicle_seat_heating
              labels: {seat: driver}
              values: {"OFF": 0, LOW: 1, HIGH: 2}
            vehicle.status.more:
              metric: bmw_vehicle_odometer_meters
              labels: {source: more}
            """);
        Assert.Empty(problems);
        var reading = Car.Reading([
            Car.Says("vehicle.engine.oil", "50"), Car.Says("vehicle.cabin.seat.driver", "\"HIGH\""), Car.Says("vehicle.status.more", "3"),
            Car.Says("vehicle.vehicle.travelledDistance", "1", "km")]);

        var page = Page(Car.Families(reading, BmwMetricsOptions.Plain with { Mappings = mappings }).Where(f => f.Name.StartsWith("bmw_vehicle", StringComparison.Ordinal)));

        Golden.CheckPage("sources/bmwcardata/golden/mapped.prom", page);
    }

    [Theory]
    [InlineData("k: 7", "keys.yml:1: k: needs metric")]
    [InlineData("k: {help: x}", "keys.yml:1: k: needs a metric")]
    [InlineData("k: {metric: up}", "begins with bmw_vehicle_")]
    [InlineData("k: {metric: bmw_vehicle_x_total}", "begins with bmw_vehicle_")]
    [InlineData("k: {metric: bmw_vehicle_charging_state}", "made of states")]
    [InlineData("k: {metric: bmw_vehicle_x, scale: big}", "the scale is no number")]
    [InlineData("k: {metric: bmw_vehicle_x, labels: {vin: a}}", "no name of a label")]
    [InlineData("k: {metric: bmw_vehicle_x, values: {ON: yes}}", "the value is no number")]
    [InlineData("k: {metric: bmw_vehicle_x, unit: m}", "there is no unit here")]
    public void A_mistake_in_the_file_is_told_with_its_line(string text, string part) =>
        Assert.Contains(BmwMappingFile.Parse("keys.yml", text).Problems, problem => problem.ToString().Contains(part, StringComparison.Ordinal));

    [Fact]
    public void An_empty_reading_has_no_families() => Assert.Empty(Car.Families(BmwReading.Empty));

    private static string Unit(Quantity quantity) => quantity switch
    {
        Quantity.Ratio => "%",
        Quantity.Meters => "km",
        Quantity.MetersPerSecond => "km/h",
        Quantity.Seconds => "min",
        Quantity.Joules => "kWh",
        Quantity.Watts => "kW",
        Quantity.Volts => "V",
        Quantity.Amperes => "A",
        Quantity.Pascals => "kPa",
        Quantity.Celsius => "Celsius",
        Quantity.Liters => "l",
        _ => "degrees",
    };

    private static string Page(IEnumerable<MetricFamily> families) => Pages.Text(families);
}
