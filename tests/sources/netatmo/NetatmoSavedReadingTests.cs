using Exporter.Accounts;
using Exporter.Netatmo;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Netatmo;

/// <summary>Readings that are saved and restored in another process.</summary>
public sealed class NetatmoSavedReadingTests
{
    private static readonly NetatmoMetricsOptions Options = new(AgeStale: TimeSpan.FromHours(1), Location: true);

    /// <summary>Before and after modules become stale.</summary>
    private static readonly DateTimeOffset[] Times =
        [Responses.Now.AddMinutes(30), Responses.Now.AddHours(1), Responses.Now.AddHours(2), Responses.Now.AddYears(1)];

    [Theory]
    [MemberData(nameof(Responses.Names), MemberType = typeof(Responses))]
    public async Task A_restored_reading_is_exported_as_before(string name)
    {
        using var readings = Readings(Options);
        var reading = Responses.Reading($"{name}.json");

        await readings.CheckAsync(reading, [.. Times, .. StaleTimes(reading)]);
    }

    [Fact]
    public async Task Modules_in_an_unknown_format_are_still_counted()
    {
        using var readings = Readings(Options);
        var before = await readings.ReadAsync(new NetatmoReading(Responses.Now, [], Unreadable: 2));

        Assert.Equal(2, readings.Restore(before.Save()).Reading!.Unreadable);
    }

    [Fact]
    public async Task The_location_is_saved_only_if_it_is_exported()
    {
        using var with = Readings(Options);
        using var without = Readings(Options with { Location = false });
        var reading = Responses.Reading("stations.json");

        Assert.Contains("\"longitude\"", SavedReadings<NetatmoReading>.Text(await with.CheckAsync(reading)), StringComparison.Ordinal);
        Assert.DoesNotContain("\"longitude\"", SavedReadings<NetatmoReading>.Text(await without.CheckAsync(reading)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("odd")]
    [InlineData("homecoachs")]
    public async Task A_damaged_reading_is_handled(string name)
    {
        using var readings = Readings(Options);

        await readings.CheckDamageAsync(Responses.Reading($"{name}.json"), Times);
    }

    private static IEnumerable<DateTimeOffset> StaleTimes(NetatmoReading reading)
    {
        for (var at = NetatmoMetrics.StaleAt(reading, Options, Responses.Now); at is { } next; at = NetatmoMetrics.StaleAt(reading, Options, next))
        {
            yield return next - TimeSpan.FromTicks(1);
            yield return next;
        }
    }

    private static SavedReadings<NetatmoReading> Readings(NetatmoMetricsOptions options) => new(
        NetatmoReading.Format(options.Location),
        (reading, now) => new ReadingMetrics([.. NetatmoMetrics.From(reading, options, now)], NetatmoMetrics.StaleAt(reading, options, now)),
        (reading, now) => NetatmoPresentation.Of(reading, options, now),
        Responses.Now);
}
