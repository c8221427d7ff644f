using Exporter.Accounts;
using Exporter.BmwCarData;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class BmwPresentationTests
{
    private const string Displayed = "vehicle.powertrain.electric.battery.stateOfCharge.displayed";
    private const string Header = "vehicle.drivetrain.batteryManagement.header";
    private const string Odometer = "vehicle.vehicle.travelledDistance";
    private const string Power = "vehicle.powertrain.electric.battery.charging.power";

    private static readonly BmwStreamState Connected = new() { Connected = true };

    private static readonly BmwCarDataOptions Located = Car.Options with { Location = true };

    [Theory]
    [InlineData("electric")]
    [InlineData("odd")]
    public void Messages_are_presented(string name)
    {
        var presentation = Present(Car.Reading(Car.Messages($"{name}.jsonl")));

        Presentations.AssertReadable(presentation);
        Golden.Check($"sources/bmwcardata/golden/{name}.presentation.txt", Presentations.Text(presentation));
    }

    [Fact]
    public void Every_metric_with_a_sample_is_presented()
    {
        var reading = Everything();
        var car = Assert.Single(BmwMetrics.Cars(reading, Located));
        foreach (var metric in BmwVehicleMetrics.All)
        {
            var samples = metric.Family([car]).Samples.Count(sample => metric is not BmwMetric.StateSet || sample.Value == 1);
            Assert.True(samples > 0, $"{metric.Name} has no sample");
            Assert.True(samples == metric.Present(car).Count(), $"{metric.Name} has another number of values than of samples");
        }

        var presentation = Present(reading, Located);
        Presentations.AssertReadable(presentation);
        var card = Assert.Single(presentation.Cards);
        Assert.Equal(
            ["Charge", "Range", "Odometer", "Charging", "Charging power", "Plugged in", "Doors locked", "Fuel level", "Fuel", "Stream"],
            card.Lines.Select(line => line.Label));
        // The stream and the two times have no metric among these.
        Assert.Equal(BmwVehicleMetrics.All.Sum(metric => metric.Present(car).Count()) + 3, card.Lines.Count + card.Details.Count);
    }

    [Fact]
    public void Labels_for_people_are_unique_and_contain_no_underscore()
    {
        var labels = BmwVehicleMetrics.All.Select(metric => metric.Label).ToList();

        Assert.Equal(labels.Distinct(StringComparer.OrdinalIgnoreCase), labels);
        Assert.All(labels, label => Assert.Matches("^[A-Z0-9][A-Za-z0-9 ,-]+$", label));
        Assert.DoesNotContain(BmwMetrics.Cars(Everything(), Located).Single() is var car
            ? BmwVehicleMetrics.All.SelectMany(metric => metric.Present(car)).Select(value => value.Label) : [], label => label.Contains('_'));
    }

    [Fact]
    public void Every_documented_state_is_a_sentence() => Assert.All(
        BmwVehicleMetrics.All.OfType<BmwMetric.StateSet>().SelectMany(set => set.Known).Select(BmwWords.ToSentence),
        sentence => Assert.Matches("^[A-Z0-9][^_]*$", sentence));

    [Fact]
    public void The_newest_value_is_the_charge()
    {
        var reading = Car.Reading([Car.Message(Displayed, "40", "%"), Car.Message(Header, "41", "%", "2026-11-21T10:00:01Z")]);

        Assert.Equal(new ReadingValue.Number(41, "%"), Line(reading, "Charge"));
        Assert.Equal(new ReadingValue.Number(40, "%"), Line(reading, "Charge, displayed"));
    }

    [Fact]
    public void Of_two_values_with_the_same_time_the_displayed_one_is_the_charge() => Assert.Equal(
        new ReadingValue.Number(40.5, "%", 1), Line(Car.Reading([Car.Message(Header, "41", "%"), Car.Message(Displayed, "40.5", "%")]), "Charge"));

    [Fact]
    public void A_car_that_reports_miles_shows_miles()
    {
        var reading = Car.Reading([
            Car.Message(Odometer, "26656", "MILES"), Car.Message("vehicle.drivetrain.totalRemainingRange", "124"),
            Car.Message("vehicle.vehicle.avgSpeed", "60", "mph")]);

        Assert.Equal(new ReadingValue.Number(26_656, "mi"), Line(reading, "Odometer"));
        Assert.Equal(new ReadingValue.Number(124, "mi"), Line(reading, "Range"));
        Assert.Equal(new ReadingValue.Number(60, "mph"), Line(reading, "Average speed"));
    }

    [Theory]
    [InlineData("10.8", true)]
    [InlineData("0", false)]
    public void The_charging_power_is_a_line_while_the_car_charges(string power, bool isLine)
    {
        var card = Assert.Single(Present(Car.Reading([Car.Message(Power, power, "kW")])).Cards);

        var line = Assert.Single(card.Lines.Concat(card.Details), line => line.Label == "Charging power");
        Assert.True(line.IsPlotted);
        Assert.Equal(isLine, card.Lines.Contains(line));
    }

    [Theory]
    [InlineData("vehicle.chassis.axle.row1.wheel.left.tire.pressure", "250", "kPa", "Tire pressure, front left", "2.5 bar")]
    [InlineData("vehicle.cabin.door.row1.driver.isOpen", "\"CLOSED\"", null, "Open, front driver", "no")]
    [InlineData("vehicle.drivetrain.electricEngine.charging.hvStatus", "\"NOT_CHARGING\"", null, "Charging", "Not charging")]
    [InlineData("vehicle.drivetrain.electricEngine.charging.timeRemaining", "95", "min", "Remaining charging time", "95 min")]
    [InlineData("vehicle.trip.segment.end.time", "\"21.11.2026 10:00:05 UTC\"", null, "End of the last trip", "2026-11-21 10:00:05Z")]
    [InlineData("vehicle.channel.ngtp.timeVehicle", "\"11:59 pm\"", null, "Clock", "23:59")]
    [InlineData("vehicle.drivetrain.internalCombustionEngine.engine.ect", "194", "°F", "Coolant temperature", "90 °C")]
    [InlineData("vehicle.drivetrain.avgElectricRangeConsumption", "20", "kWh/100 km", "Average consumption", "20 kWh/100 km")]
    [InlineData("vehicle.status.serviceTime.yellow", "4", null, "Service warning time, service", "28 days")]
    [InlineData("vehicle.drivetrain.fuelSystem.remainingFuel", "10", "gal", "Fuel", "37.9 l")]
    public void A_value_is_in_the_words_and_units_of_people(string key, string value, string? unit, string label, string expected) =>
        Assert.Equal(expected, Presentations.Text(Line(Car.Reading([Car.Message(key, value, unit)]), label)!));

    [Fact]
    public void The_location_is_shown_only_if_the_setting_is_on()
    {
        Assert.Null(Line(Car.Reading(Car.Messages("electric.jsonl")), "Latitude"));
        Assert.Equal(new ReadingValue.Number(48.177, "°", 3), Line(Car.Reading(Car.Messages("electric.jsonl"), Located), "Latitude"));
    }

    [Fact]
    public void Two_cars_of_a_model_have_different_titles()
    {
        var reading = Reading(Car.Electric, Car.Combustion);

        Assert.Equal([("i4 eDrive40, 0000002", Car.Combustion), ("i4 eDrive40, 0000001", Car.Electric)],
            Present(reading).Cards.Select(card => (card.Title, card.Subtitle!)));
        Assert.Equal(("i4 eDrive40", Car.Electric), Assert.Single(Present(Reading(Car.Electric)).Cards) is var card ? (card.Title, card.Subtitle!) : default);
    }

    [Fact]
    public void An_alias_replaces_the_VIN()
    {
        var options = Car.Options with { Aliases = new Dictionary<string, string> { [Car.Electric] = "blue" } };

        var card = Assert.Single(Present(Reading(Car.Electric), options).Cards);

        Assert.Equal(("blue", "i4 eDrive40"), (card.Title, card.Subtitle!));
    }

    [Fact]
    public void The_stream_is_a_line_of_each_car_and_without_cars_a_card()
    {
        var reading = Car.Reading([Car.Message(Header, "41", "%")]);
        var failed = new BmwStreamState { Failure = new ApiFailure.Unavailable("the server stopped responding"), NextTry = Car.Now };

        Assert.Equal(new ReadingValue.Text("connected"), Line(reading, "Stream"));
        Assert.Equal(new ReadingValue.Text("connecting"), Line(reading, "Stream", new BmwStreamState()));
        Assert.Equal(new ReadingValue.Text("disconnected"), Line(reading, "Stream", failed));
        Assert.Equal(new ReadingValue.Text("the server stopped responding"), Line(reading, "Reason for the disconnected stream", failed));
        var empty = BmwPresentation.Of(BmwReading.Empty, failed, Car.Options);
        Presentations.AssertReadable(empty);
        Assert.Equal("disconnected", Presentations.Text(Assert.Single(Assert.Single(empty.Cards).Lines).Value));
    }

    [Fact]
    public void A_metric_of_the_mapping_file_has_its_help_as_label()
    {
        var (custom, problems) = BmwMappingFile.Parse("map.yml", "vehicle.x.y: {metric: bmw_vehicle_y, help: Height of the seat., scale: 0.1, labels: {seat: front_left}}");
        var options = Car.Options with { CustomMetrics = custom };

        Assert.Empty(problems);
        Assert.Equal(new ReadingValue.Number(4.2, "", 1),
            BmwPresentation.Of(Car.Reading([Car.Message("vehicle.x.y", "42")]), Connected, options).Cards.Single().Details
                .Single(line => line.Label == "Height of the seat, front left").Value);
    }

    /// <summary>A car that sends every key.</summary>
    private static BmwReading Everything() => Car.Reading(
        BmwVehicleMetrics.All.SelectMany(metric => metric.Keys.Select(series => Car.Message($"vehicle.{series.Key}", metric switch
        {
            BmwMetric.Measurement or BmwMetric.Phases => "7",
            BmwMetric.Timestamp => "\"21.11.2026 10:00 UTC\"",
            BmwMetric.TimeOfDay => "\"10:00\"",
            _ => "\"OPEN\"",
        }, metric is BmwMetric.Measurement measurement ? BmwMetricsTests.Unit(measurement.Quantity) : null))).Distinct(), Located);

    private static BmwReading Reading(params string[] vins) => vins.Aggregate(BmwReading.Empty,
        (reading, vin) => reading.WithInfo(new CarInfo(vin, "BMW", "i4 eDrive40", "G26", "BEV"), Car.Options));

    private static Presentation Present(BmwReading reading, BmwCarDataOptions? options = null) =>
        BmwPresentation.Of(reading, Connected, options ?? Car.Options);

    private static ReadingValue? Line(BmwReading reading, string label, BmwStreamState? stream = null) =>
        BmwPresentation.Of(reading, stream ?? Connected, Car.Options).Cards.Single() is var card
            ? card.Lines.Concat(card.Details).SingleOrDefault(line => line.Label == label)?.Value : null;
}
