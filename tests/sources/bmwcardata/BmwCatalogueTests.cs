using System.Text.RegularExpressions;
using Exporter.BmwCarData;
using Exporter.Metrics;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>Every key of BMW's catalogue has a named metric.</summary>
public sealed partial class BmwCatalogueTests
{
    /// <summary>BMW's words for no value.</summary>
    private static readonly string[] Placeholders = ["INVALID", "UNKNOWN", "-NA-", "ASN_isUnknown", "ASN_unknown"];

    private static readonly string[] Sources = ["bmw_cardata_value", "bmw_cardata_state", "bmw_cardata_value_timestamp_seconds"];

    /// <summary>The rows of the catalogue, if it lies beside the checkout.</summary>
    private static IReadOnlyList<(string Key, string Type, string Unit, string Values)> Catalogue
    {
        get
        {
            var file = Path.Combine(Golden.Root, "../../shared/fixtures/bmw/catalogue.tsv");
            Assert.SkipUnless(File.Exists(file), "There is no ../shared/fixtures beside the checkout.");
            return [.. File.ReadLines(file).Skip(1).Select(line => line.Split('\t')).Select(cells => (cells[0], cells[1], cells[2], cells[3]))];
        }
    }

    [Fact]
    public void Every_key_has_a_metric()
    {
        var known = BmwVehicleMetrics.All.SelectMany(metric => metric.Keys).Select(series => series.Key).ToHashSet();

        Assert.Equal(293, Catalogue.Count);
        Assert.Equal([], Catalogue.Select(row => BmwKeys.Short(row.Key)).Except(known));
    }

    [Fact]
    public void Every_value_of_the_catalogue_has_a_sample()
    {
        Assert.Empty(
            from row in Catalogue
            let values = Values(row.Values, row.Type)
            let lost = values.Where(value => !Exported(row.Key, value, row.Unit)).ToList()
            // Nothing describes these values, so one of the examples has to do.
            where row.Values == "-" ? lost.Count == values.Count : lost.Count > 0
            select $"{row.Key}={string.Join(", ", lost)}");
    }

    [Fact]
    public void The_generic_families_have_every_key()
    {
        var reading = Everything();
        var families = Car.Families(reading, Located).Where(family => Sources.Contains(family.Name)).ToList();

        Assert.Equal(Catalogue.Count, families.Single(family => family.Name == Sources[2]).Samples.Count);
        // Dates have no generic series, because each would be a new one.
        Assert.InRange(families.SelectMany(family => family.Samples).Count(), (2 * Catalogue.Count) - 14, 2 * Catalogue.Count);
    }

    [Fact]
    public void Ten_cars_with_every_key_are_within_the_limit_of_an_account()
    {
        var series = Car.Families(Everything(), Located).Sum(family => family.Samples.Count);

        Assert.InRange(series, 2 * Catalogue.Count, Exporter.Accounts.SeriesLimit.Default.Most / 10);
    }

    [Fact]
    public void Names_are_valid_and_unique_and_end_in_the_unit()
    {
        Assert.Equal(BmwVehicleMetrics.All.Count, BmwVehicleMetrics.All.Select(metric => metric.Name).Distinct().Count());
        Assert.All(BmwVehicleMetrics.All, metric => Assert.Matches(Name(), metric.Name));
        Assert.All(BmwVehicleMetrics.All, metric => Assert.EndsWith(Suffix(metric), metric.Name, StringComparison.Ordinal));
    }

    [Fact]
    public void Two_keys_never_make_the_same_series()
    {
        var series = from metric in BmwVehicleMetrics.All
                     from key in metric.Keys
                     group key.Key by (metric.Name, LabelSet.Of([.. key.Labels])) into same
                     where same.Count() > 1
                     select string.Join(", ", same);

        // The second key is not in the catalogue: some cars send it instead of the first.
        Assert.Equal(["preConditioning.remainingTime, preConditioning.remainingRunningTime"], series);
    }

    [Fact]
    public void The_states_of_a_state_set_are_written_as_in_the_metric() => Assert.Empty(
        from set in BmwVehicleMetrics.All.OfType<BmwMetric.StateSet>()
        from state in set.Known
        where BmwWords.ToState(state) != state || set.Known.Count(other => other == state) > 1
        select $"{set.Name}: {state}");

    [Theory]
    [InlineData("vehicle.body.flap.isLocked", "FLAP_LOCKED", 1)]
    [InlineData("vehicle.body.flap.isLocked", "Flap_Unlocked", 0)]
    [InlineData("vehicle.body.flap.isPermanentlyUnlocked", "FLAP_UNLOCKED", 1)]
    [InlineData("vehicle.body.flap.isPermanentlyUnlocked", "FLAP_LOCKED", 0)]
    [InlineData("vehicle.body.lights.isRunningOn", "ASN_isTrue", 1)]
    [InlineData("vehicle.body.lights.isRunningOn", "asn_isfalse", 0)]
    [InlineData("vehicle.body.trunk.isOpen", "Closed", 0)]
    [InlineData("vehicle.body.trunk.isOpen", "TRUE", 1)]
    [InlineData("vehicle.vehicle.deepSleepModeActive", "FALSE", 0)]
    [InlineData("vehicle.privacySettings.dataCollection.regulations.obfcm", "True", 1)]
    [InlineData("vehicle.drivetrain.electricEngine.charging.isSingleImmediateCharging", "DIRECT_CHG_ONCE_NOT_ACTIVE", 0)]
    [InlineData("vehicle.drivetrain.electricEngine.charging.isSingleImmediateCharging", "DIRECT_CHG_ONCE_ACTIVE", 1)]
    [InlineData("vehicle.drivetrain.electricEngine.charging.acRestriction.isChosen", "NOTCHOSEN", 0)]
    [InlineData("vehicle.drivetrain.electricEngine.charging.acRestriction.isChosen", "REDUCEDCHARGING", 1)]
    [InlineData("vehicle.powertrain.electric.battery.charging.acLimit.isActive", "AC_LIMIT_INACTIVE", 0)]
    [InlineData("vehicle.cabin.door.lock.status", "SELECTIVE-LOCKED", 0)]
    [InlineData("vehicle.cabin.door.status", "ASN_selective-Locked", 0)]
    [InlineData("vehicle.cabin.door.status", "ASN_secured", 1)]
    [InlineData("vehicle.sim.status", "1", 1)]
    public void A_Boolean_is_1_or_0_in_all_words_of_BMW(string key, string value, double expected) => Assert.Equal(
        expected, Assert.Single(Named(key, $"\"{value}\"", "-"), family => family.Kind == MetricKind.Gauge).Samples.Single().Value);

    [Theory]
    [InlineData("vehicle.trip.segment.end.time", "\"21.11.2026 10:00:05 UTC\"")]
    [InlineData("vehicle.trip.segment.end.time", "\"11/21/2026 10:00:05 UTC\"")]
    [InlineData("vehicle.trip.segment.end.time", "\"11/21/2026 10:00:05 AM\"")]
    [InlineData("vehicle.trip.segment.end.time", "\"2026-11-21T11:00:05+01:00\"")]
    [InlineData("vehicle.trip.segment.end.time", "1795255205")]
    [InlineData("vehicle.trip.segment.end.time", "1795255205000")]
    [InlineData("vehicle.vehicleIdentification.connectedDriveContractList", "\"2026-11-21 10:00:05 UTC\"")]
    public void A_date_is_in_Unix_seconds(string key, string value) =>
        Assert.Equal(1795255205, Assert.Single(Named(key, value, "-")).Samples.Single().Value);

    [Theory]
    [InlineData("23:59", 86_340)]
    [InlineData("12:05 am", 300)]
    [InlineData("11:59 pm", 86_340)]
    public void A_time_of_day_is_in_seconds_since_midnight(string value, double expected) =>
        Assert.Equal(expected, Assert.Single(Named("vehicle.channel.ngtp.timeVehicle", $"\"{value}\"", "-")).Samples.Single().Value);

    [Theory]
    [InlineData("kWh/100 km", 20, 720.0)]
    [InlineData("mi/kWh", 4, 559.234)]
    [InlineData("km/kWh", 5, 720.0)]
    [InlineData("km/kWh", 0, null)]
    [InlineData("-", 20, null)]
    public void A_consumption_has_a_base_unit(string unit, double value, double? expected)
    {
        var samples = Named("vehicle.drivetrain.avgElectricRangeConsumption", $"{value}", unit).SelectMany(family => family.Samples).ToList();

        Assert.Equal(expected, samples.Count == 0 ? null : Math.Round(samples.Single().Value, 3));
    }

    [Fact]
    public void A_key_whose_unit_never_arrives_has_that_of_the_catalogue() => Assert.Equal(
        [25_200, 1800, 2 * 2_629_746, 2 * 604_800],
        new[] { ("cabin.climate.timers.overwriteTimer.hour", 7), ("cabin.climate.timers.overwriteTimer.minute", 30),
            ("status.serviceTime.hUandAuServiceYellow", 2), ("status.serviceTime.yellow", 2) }
            .Select(one => Named($"vehicle.{one.Item1}", $"{one.Item2}", "-").Single().Samples.Single().Value));

    [Fact]
    public void An_unknown_state_is_not_lost()
    {
        var family = Assert.Single(Named("vehicle.powertrain.electric.battery.preconditioning.state", "\"New-State\"", "-"));

        Assert.Equal(["new_state"], family.Samples.Where(sample => sample.Value == 1).Select(sample => sample.Labels["state"]));
        Assert.Equal(8, family.Samples.Count);
    }

    [Fact]
    public void A_text_is_a_label_and_a_document_has_only_a_time()
    {
        var session = Assert.Single(Named("vehicle.body.chargingPort.isoSessionId", "\"A1-b2\"", "-"));
        var document = Assert.Single(Named("vehicle.status.checkControlMessages", $"\"[{new string('x', 500)}]\"", "-"));

        Assert.Equal(("A1-b2", 1), (session.Samples.Single().Labels["value"], session.Samples.Single().Value));
        Assert.Equal(("check_control", 1795255200), (document.Samples.Single().Labels["document"], document.Samples.Single().Value));
    }

    [Fact]
    public void The_metrics_and_their_keys_are_listed()
    {
        var metrics = BmwVehicleMetrics.All.OrderBy(metric => metric.Name, StringComparer.Ordinal)
            .Select(metric => $"| `{metric.Name}` | {metric.Help.TrimEnd('.')} |\n");
        Golden.CheckSection("../internal/sources/bmwcardata/README.md", "metrics", $"| metric | meaning |\n| --- | --- |\n{string.Concat(metrics)}");

        var keys = from metric in BmwVehicleMetrics.All
                   from series in metric.Keys
                   let labels = string.Join(", ", series.Labels.Select(label => $"{label.Name}=\"{label.Value}\""))
                   orderby series.Key, metric.Name
                   select $"| `{series.Key}` | `{metric.Name}{(labels.Length == 0 ? "" : $"{{{labels}}}")}` |\n";
        Golden.CheckSection("../internal/sources/bmwcardata/KEYS.md", "keys", $"| key | metric |\n| --- | --- |\n{string.Concat(keys)}");
    }

    private static BmwCarDataOptions Located => Car.Options with { Location = true };

    private static BmwReading Everything() => Car.Reading(
        Catalogue.Select(row => Car.Message(row.Key, Values(row.Values, row.Type)[0], row.Unit is "-" or "null" ? null : row.Unit)), Located);

    /// <summary>Whether there is a sample, with the unit of the catalogue or one that the car's settings choose.</summary>
    private static bool Exported(string key, string value, string unit) =>
        (unit is "-" or "null" ? new[] { "-", "km", "kWh/100 km" } : [unit]).Any(one => Named(key, value, one).Count > 0);

    /// <summary>The families of a car with one value, without the generic ones.</summary>
    private static IReadOnlyList<MetricFamily> Named(string key, string value, string unit) =>
        [.. Car.Families(Car.Reading([Car.Message(key, value, unit == "-" ? null : unit)], Located), Located)
            .Where(family => !Sources.Contains(family.Name))];

    /// <summary>Values as JSON: each word of the catalogue, or an example of the format that it describes.</summary>
    private static IReadOnlyList<string> Values(string values, string type)
    {
        var words = Words().IsMatch(values) ? Separators().Split(values).Except(Placeholders).ToList() : [];
        return words.Count > 0 ? [.. words.Select(word => $"\"{word}\"")]
            : values.Contains("yyyy", StringComparison.Ordinal) ? [$"\"{(values[0] == 'y' ? "2026-11-21 10:00:00" : "21.11.2026 10:00:05")} UTC\""]
            : values.Contains("hh:mm", StringComparison.Ordinal) || values.Contains("00:00", StringComparison.Ordinal) ? ["\"10:30\""]
            : values == "-" && type == "string" ? ["\"21.11.2026 10:00\"", "\"WORD\""]
            : type is "string" or "boolean" ? ["\"WORD\""]
            : ["\"7\""];
    }

    private static string Suffix(BmwMetric metric) => metric switch
    {
        BmwMetric.Timestamp or BmwMetric.Document => "_timestamp_seconds",
        BmwMetric.TimeOfDay => "_seconds",
        BmwMetric.StateSet => "_state",
        BmwMetric.Info => "_info",
        BmwMetric.Measurement { Quantity: not Quantity.None } measurement => Quantities()
            .Replace($"{measurement.Quantity}", match => $"_{match.Value.ToLowerInvariant()}"),
        _ => "",
    };

    [GeneratedRegex("^bmw_vehicle_[a-z0-9]+(_[a-z0-9]+)*$")]
    private static partial Regex Name();

    [GeneratedRegex("[A-Z][a-z]+")]
    private static partial Regex Quantities();

    /// <summary>A list of words, such as <c>CLOSED, OPEN</c> or <c>1 0</c>, but not a description.</summary>
    [GeneratedRegex(@"^[\w-]+(, ?[\w-]+)+$|^True False$|^[\d ]+ \d+$|, INVALID; ")]
    private static partial Regex Words();

    [GeneratedRegex("[,; ]+")]
    private static partial Regex Separators();
}
