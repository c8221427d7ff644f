using System.Globalization;
using System.Text;

namespace Exporter.Sandbox;

/// <summary>
/// The messages of a car's day: it charges at night, drives to work and back, and sleeps otherwise. They depend only on the time, and have the
/// irregularities of real cars: numbers as text, several spellings of units, placeholders, and repeated values with old times.
/// </summary>
public sealed class BmwDrive(string vin, TimeProvider time)
{
    /// <summary>The interval while the car drives or charges.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>The message at this time; null while the car sleeps.</summary>
    public byte[]? Next()
    {
        var now = time.GetUtcNow();
        var hour = now.TimeOfDay.TotalHours;
        return hour switch
        {
            < 5 => Message(now, Charging(now, 40 + hour * 8)),
            >= 7 and < 8 => Message(now, Driving(now, hour - 7, begin: 80)),
            >= 17 and < 18 => Message(now, Driving(now, hour - 17, begin: 60)),
            _ => null,
        };
    }

    /// <summary>Publishes until cancellation. A sleeping car sends a message once a minute, so that users of the sandbox see values soon.</summary>
    /// <param name="topic"><c>GCID/VIN</c>.</param>
    public async Task RunAsync(BmwBroker broker, string topic, CancellationToken cancellationToken)
    {
        for (var tick = 0; !cancellationToken.IsCancellationRequested; tick++)
        {
            var now = time.GetUtcNow();
            if ((Next() ?? (tick % 6 == 0 ? Message(now, Parked(now)) : null)) is { } message)
            {
                await broker.PublishAsync(topic, message);
            }
            await Task.Delay(Interval, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The odometer in kilometres: a hundred a day, in the two hours of driving.</summary>
    private static double Distance(DateTimeOffset now)
    {
        var hour = now.TimeOfDay.TotalHours;
        return 10_000 + (now.UtcDateTime.Date - DateTime.UnixEpoch.AddYears(56)).TotalDays * 100
            + Math.Clamp(hour - 7, 0, 1) * 50 + Math.Clamp(hour - 17, 0, 1) * 50;
    }

    private static IEnumerable<(string Key, string Json, DateTimeOffset At)> Charging(DateTimeOffset now, double percent) =>
    [
        ("vehicle.drivetrain.batteryManagement.header", Number(percent, "percent"), now),
        ("vehicle.powertrain.electric.battery.stateOfCharge.displayed", $"\"value\":\"{Plain(percent)}\",\"unit\":\"%\"", now),
        ("vehicle.drivetrain.electricEngine.charging.status", "\"value\":\"CHARGINGACTIVE\"", now),
        ("vehicle.drivetrain.electricEngine.charging.hvStatus", "\"value\":\"INVALID\"", now),
        ("vehicle.vehicle.travelledDistance", Number(Distance(now), "km"), now.Date.AddHours(-6)),
    ];

    private static IEnumerable<(string Key, string Json, DateTimeOffset At)> Driving(DateTimeOffset now, double hours, double begin) =>
    [
        ("vehicle.drivetrain.batteryManagement.header", Number(begin - hours * 20, "percent"), now),
        ("vehicle.drivetrain.electricEngine.kombiRemainingElectricRange", $"\"value\":\"{Plain((begin - hours * 20) * 4)}\",\"unit\":null", now),
        ("vehicle.vehicle.travelledDistance", Number(Distance(now), "km"), now),
        ("vehicle.drivetrain.electricEngine.charging.status", "\"value\":\"NOCHARGING\"", now),
        ("vehicle.chassis.axle.row1.wheel.left.tire.pressure", Number(250 + hours * 20, "kpa"), now),
    ];

    private static IEnumerable<(string Key, string Json, DateTimeOffset At)> Parked(DateTimeOffset now) =>
    [
        ("vehicle.drivetrain.batteryManagement.header", Number(now.Hour is < 7 or >= 18 ? 40 : 60, "percent"), now),
        ("vehicle.vehicle.travelledDistance", Number(Distance(now), "km"), now),
        ("vehicle.drivetrain.electricEngine.charging.status", "\"value\":\"NOCHARGING\"", now),
    ];

    private static string Number(double value, string unit) => $"\"value\":{Plain(value)},\"unit\":\"{unit}\"";

    private static string Plain(double value) => Math.Round(value, 1).ToString(CultureInfo.InvariantCulture);

    private byte[] Message(DateTimeOffset now, IEnumerable<(string Key, string Json, DateTimeOffset At)> values)
    {
        var data = string.Join(',', values.Select(v => $"\"{v.Key}\":{{\"timestamp\":\"{Stamp(v.At)}\",{v.Json}}}"));
        return Encoding.UTF8.GetBytes(
            $"{{\"vin\":\"{vin}\",\"entityId\":\"sandbox\",\"topic\":\"{vin}\",\"timestamp\":\"{Stamp(now)}\",\"data\":{{{data}}}}}");
    }

    private static string Stamp(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
