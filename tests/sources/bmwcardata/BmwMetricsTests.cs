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
    public async Task Messages_are_exported(string name)
    {
        var page = Page(Car.Families(Car.Reading(Car.Messages($"{name}.jsonl"))));

        Golden.CheckPage($"sources/bmwcardata/golden/{name}.prom", page);
        Assert.Empty(await Promtool.Check(page, Cancellation));
    }

    [Fact]
    public async Task Promtool_accepts_all_metrics()
    {
        var messages = BmwVehicleMetrics.All.SelectMany(metric => metric.Keys.Select(series => Car.Message($"vehicle.{series.Key}", metric switch
        {
            BmwMetric.Measurement or BmwMetric.Phases => "7",
            BmwMetric.Timestamp => "\"21.11.2026 10:00 UTC\"",
            BmwMetric.TimeOfDay => "\"10:00\"",
            _ => "\"OPEN\"",
        }, metric is BmwMetric.Measurement measurement ? Unit(measurement.Quantity) : null))).Distinct();
        var reading = Car.Reading(messages, Car.Options with { Location = true })
            .WithInfo(new CarInfo(Car.Electric, "BMW", "i4", "G26", "BEV"), Car.Options);
        var families = Car.Families(reading).ToList();

        string[] others = ["bmw_vehicle_info", "bmw_cardata_value", "bmw_cardata_state", "bmw_cardata_value_timestamp_seconds"];
        Assert.Equal(BmwVehicleMetrics.All.Select(metric => metric.Name).Concat(others).Order(), families.Select(f => f.Name).Order());
        Assert.Empty(await Promtool.Check(Page(families), Cancellation));
    }

    [Fact]
    public void The_location_is_exported_if_the_setting_is_on()
    {
        var without = Car.Families(Car.Reading(Car.Messages("electric.jsonl"))).Select(f => f.Name);
        var with = Car.Families(Car.Reading(Car.Messages("electric.jsonl"), Car.Options with { Location = true })).Select(f => f.Name);

        Assert.Equal(["bmw_vehicle_latitude_degrees", "bmw_vehicle_longitude_degrees"], with.Except(without).Order());
    }

    [Theory]
    [InlineData("percent", "66", 0.66)]
    [InlineData("%", "\"66\"", 0.66)]
    [InlineData("PERCENT", "66", 0.66)]
    public void All_spellings_of_a_unit_are_equal(string unit, string value, double expected)
    {
        var reading = Car.Reading([Car.Message("vehicle.drivetrain.batteryManagement.header", value, unit)]);

        Assert.Equal(expected, Car.Value(reading, "bmw_vehicle_battery_charge_ratio"));
        Assert.Equal(66, Car.Value(reading, "bmw_cardata_value", ("unit", "percent")));
    }

    [Theory]
    [InlineData("vehicle.vehicle.travelledDistance", "bmw_vehicle_odometer_meters")]
    [InlineData("vehicle.powertrain.electric.battery.charging.power", "bmw_vehicle_charging_power_watts")]
    [InlineData("vehicle.vehicle.avgSpeed", "bmw_vehicle_average_speed_meters_per_second")]
    public void A_value_without_a_unit_has_only_a_raw_metric(string key, string family)
    {
        var reading = Car.Reading([Car.Message(key, "42")]);

        Assert.Null(Car.Value(reading, family));
        Assert.Equal(42, Car.Value(reading, "bmw_cardata_value", ("key", key)));
    }

    [Fact]
    public void A_distance_without_a_unit_has_the_unit_of_the_other_distances()
    {
        var reading = Car.Reading([
            Car.Message("vehicle.vehicle.travelledDistance", "100", "MILES"), Car.Message("vehicle.drivetrain.totalRemainingRange", "10")]);

        Assert.Equal(16_093.44, Car.Value(reading, "bmw_vehicle_range_meters")!.Value, 6);
    }

    [Fact]
    public void A_changed_state_replaces_its_series()
    {
        const string Key = "vehicle.drivetrain.electricEngine.charging.status";
        var reading = Car.Reading([Car.Message(Key, "\"CHARGINGACTIVE\""), Car.Message(Key, "\"SOMETHING_NEW\"", at: "2026-11-21T10:00:01Z")]);

        Assert.Null(Car.Value(reading, "bmw_cardata_state", ("value", "CHARGINGACTIVE")));
        Assert.Equal(1, Car.Value(reading, "bmw_cardata_state", ("value", "SOMETHING_NEW")));
        Assert.Equal(1, Car.Value(reading, "bmw_vehicle_charging_state", ("state", "something_new")));
        Assert.Equal(0, Car.Value(reading, "bmw_vehicle_charging_state", ("state", "chargingactive")));
    }

    [Fact]
    public void The_newer_of_two_keys_for_one_series_counts()
    {
        var reading = Car.Reading([
            Car.Message("vehicle.preConditioning.remainingTime", "5", "min", "2026-11-21T10:00:02Z"),
            Car.Message("vehicle.vehicle.preConditioning.remainingTime", "9", "min", "2026-11-21T10:00:01Z")]);

        Assert.Equal(300, Car.Value(reading, "bmw_vehicle_preconditioning_remaining_seconds"));
    }

    [Fact]
    public void An_alias_replaces_the_VIN()
    {
        var options = Car.Options with { Aliases = new Dictionary<string, string> { [Car.Electric] = "blue" } };
        var page = Page(Car.Families(Car.Reading(Car.Messages("electric.jsonl")), options));

        Assert.DoesNotContain(Car.Electric, page, StringComparison.Ordinal);
        Assert.Contains("vin=\"blue\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mapping_file_defines_metrics()
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
            Car.Message("vehicle.engine.oil", "50"), Car.Message("vehicle.cabin.seat.driver", "\"HIGH\""), Car.Message("vehicle.status.more", "3"),
            Car.Message("vehicle.vehicle.travelledDistance", "1", "km")]);

        var page = Page(Car.Families(reading, Car.Options with { CustomMetrics = mappings })
            .Where(f => f.Name.StartsWith("bmw_vehicle", StringComparison.Ordinal)));

        Golden.CheckPage("sources/bmwcardata/golden/mapped.prom", page);
    }

    [Theory]
    [InlineData("k: 7", "keys.yml:1: k: needs metric")]
    [InlineData("k: {help: x}", "keys.yml:1: k: needs a metric")]
    [InlineData("k: {metric: up}", "name begins with bmw_vehicle_")]
    [InlineData("k: {metric: bmw_vehicle_x_total}", "begins with bmw_vehicle_")]
    [InlineData("k: {metric: bmw_vehicle_charging_state}", "set of states")]
    [InlineData("k: {metric: bmw_vehicle_x, scale: big}", "the scale is not a number")]
    [InlineData("k: {metric: bmw_vehicle_x, labels: {vin: a}}", "not a valid label name")]
    [InlineData("k: {metric: bmw_vehicle_x, values: {ON: yes}}", "the value is not a number")]
    [InlineData("k: {metric: bmw_vehicle_x, unit: m}", "there is no unit here")]
    public void A_problem_of_the_mapping_file_has_its_line(string text, string part) =>
        Assert.Contains(BmwMappingFile.Parse("keys.yml", text).Problems, problem => problem.ToString().Contains(part, StringComparison.Ordinal));

    [Fact]
    public void An_empty_reading_has_no_families() => Assert.Empty(Car.Families(BmwReading.Empty));

    internal static string Unit(Quantity quantity) => quantity switch
    {
        Quantity.Ratio => "%",
        Quantity.Meters => "km",
        Quantity.MetersPerSecond => "km/h",
        Quantity.Seconds => "min",
        Quantity.Joules => "kWh",
        Quantity.JoulesPerMeter => "kWh/100 km",
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
