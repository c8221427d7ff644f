using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Exporter.Netatmo;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Netatmo;

public partial class NetatmoDocumentTests
{
    /// <summary>Names and helps of netatmo-exporter 2.1.2, because users have them in dashboards.</summary>
    private static readonly (string Name, string Help)[] Inherited =
    [
        ("netatmo_up", "Zero if there was an error during the last refresh try."),
        ("netatmo_refresh_interval_seconds",
            "Contains the configured refresh interval in seconds. This is provided as a convenience for calculations with the cache update time."),
        ("netatmo_last_refresh_time", "Contains the time of the last refresh try, successful or not."),
        ("netatmo_last_refresh_duration_seconds", "Contains the time it took for the last refresh to complete, even if it was unsuccessful."),
        ("netatmo_cache_updated_time", "Contains the time of the cached data."),
        ("netatmo_exporter_token_valid", "Set to 1 if there is a valid token, 0 otherwise."),
        ("netatmo_exporter_token_expiry_time", "Set to the unix timestamp when the token will expire. 0 if no expiry is set."),
        ("netatmo_sensor_updated", "Timestamp of last update"),
        ("netatmo_sensor_temperature_celsius", "Temperature measurement in celsius"),
        ("netatmo_sensor_humidity_percent", "Relative humidity measurement in percent"),
        ("netatmo_sensor_co2_ppm", "Carbondioxide measurement in parts per million"),
        ("netatmo_sensor_noise_db", "Noise measurement in decibels"),
        ("netatmo_sensor_pressure_mb", "Atmospheric pressure measurement in millibar"),
        ("netatmo_sensor_wind_strength_kph", "Wind strength in kilometers per hour"),
        ("netatmo_sensor_wind_direction_degrees", "Wind direction in degrees"),
        ("netatmo_sensor_rain_amount_mm", "Rain amount in millimeters"),
        ("netatmo_sensor_battery_percent", "Battery remaining life (10: low)"),
        ("netatmo_sensor_wifi_signal_strength", "Wifi signal strength (86: bad, 71: avg, 56: good)"),
        ("netatmo_sensor_rf_signal_strength", "RF signal strength (90: lowest, 60: highest)"),
    ];

    private static readonly (string Name, string Help)[] Families =
        [.. NetatmoStatus.Live(TimeSpan.Zero, () => 1, TimeProvider.System).Select(live => (live.Name, live.Help)), .. NetatmoMetrics.Families];

    private static string Readme => File.ReadAllText(Path.Combine(Golden.Root, "../internal/sources/netatmo/README.md"));

    [Fact]
    public void Inherited_metrics_keep_their_names_and_helps() => Assert.All(Inherited, family => Assert.Contains(family, Families));

    [Fact]
    public void The_table_lists_exactly_the_exported_families()
    {
        var rows = Row().Matches(Readme).Select(row => (Name: row.Groups["name"].Value, Inherited: row.Groups["mark"].Value == "●")).ToList();

        Assert.Equal(Families.Select(f => f.Name).Order(), rows.Select(r => r.Name).Order());
        Assert.Equal(Inherited.Select(f => f.Name).Order(), rows.Where(r => r.Inherited).Select(r => r.Name).Order());
    }

    [Fact]
    public void A_complete_reading_has_every_family()
    {
        var reading = Responses.Reading("stations.json", "homecoachs.json");

        Assert.Equal(
            NetatmoMetrics.Families.Order(),
            NetatmoMetrics.From(reading, new(TimeSpan.FromHours(1), Location: true), Responses.Now).Select(f => (f.Name, f.Help)).Order());
    }

    [Theory]
    [InlineData(401, "")]
    [InlineData(403, """{"error":{"code":13}}""")]
    [InlineData(403, """{"error":{"code":5}}""")]
    [InlineData(403, """{"error":{"code":9}}""")]
    [InlineData(429, "")]
    [InlineData(502, "")]
    [InlineData(200, "<html>")]
    public void Troubleshooting_has_a_row_for_each_failure(int status, string body)
    {
        var failed = Results.Failure(Responses.Read(Encoding.UTF8.GetBytes(body), (HttpStatusCode)status));

        Assert.Contains(failed.Reason.Split(':')[0], Readme.Replace("`", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^\| `(?<name>[a-z0-9_]+)` \| (?<mark>●?) ?\|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
