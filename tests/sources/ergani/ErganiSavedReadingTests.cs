using Exporter.Accounts;
using Exporter.Ergani;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Ergani;

/// <summary>Readings that are saved and restored in another process.</summary>
public sealed class ErganiSavedReadingTests
{
    private static readonly DateTimeOffset Now = ManualTime.Start;

    private static readonly ErganiReading Complete =
        new(3, 4, InCardSector: false, Branches: 2, new Dictionary<int, int> { [0] = 2, [12] = 1, [-1] = 1 });

    public static TheoryData<string> Readings { get; } = [.. All.Keys];

    private static Dictionary<string, ErganiReading> All => new()
    {
        ["all counts"] = Complete,
        ["no count"] = new ErganiReading(),
        ["one count"] = new ErganiReading(Branches: 0),
        ["no employees"] = new ErganiReading(Workforce: new Dictionary<int, int>()),
    };

    [Theory]
    [MemberData(nameof(Readings))]
    public async Task A_restored_reading_is_exported_as_before(string name)
    {
        using var readings = Saved();

        await readings.CheckAsync(All[name], Now.AddDays(1));
    }

    [Fact]
    public async Task A_damaged_reading_is_handled()
    {
        using var readings = Saved();

        await readings.CheckDamageAsync(Complete);
    }

    private static SavedReadings<ErganiReading> Saved() => new(
        ReadingFormat.Of("ergani", ErganiReadingJson.Default.ErganiReading),
        (reading, _) => new ReadingMetrics([.. ErganiMetrics.From(reading)], null),
        (reading, _) => ErganiPresentation.Of(reading, ErganiEnvironment.Test), Now);
}
