using System.Globalization;
using System.Text.Json.Nodes;

namespace Exporter.Sandbox;

/// <summary>
/// Depot's answers: a pure function of the time. Temperatures rise and fall steadily, and counters grow from the start of 2026. Among the values
/// are the special cases that README.md names.
/// </summary>
internal static class DepotData
{
    private static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] Doors = ["CLOSED", "OPEN", "AJAR", "CLOSED"];

    public static JsonNode Sites(DateTimeOffset now) => new JsonArray(
        new JsonObject
        {
            ["id"] = "ath",
            ["name"] = "Athens \"North\"\nYard",
            ["country"] = "GR",
            ["status"] = "OPEN",
            ["openedAt"] = "1998-05-04",
            ["pallets"] = new JsonObject { ["capacity"] = 12000, ["used"] = 8000 + (long)Wave(now, TimeSpan.FromDays(7), 0, 500) },
            ["tags"] = new JsonArray("cold", "customs"),
        },
        new JsonObject
        {
            ["id"] = "ber",
            ["name"] = "Berlin",
            ["country"] = "DE",
            ["status"] = "MAINTENANCE",
            ["openedAt"] = null,
            ["pallets"] = new JsonObject { ["capacity"] = 5000, ["used"] = null },
            ["tags"] = new JsonArray(),
        },
        // Without tags and pallets.
        new JsonObject { ["id"] = "oul 7", ["name"] = "Oulu 7", ["country"] = "FI", ["status"] = "CLOSED", ["openedAt"] = "2026-03-01" });

    /// <summary>The zones of a site; null if there is no such site.</summary>
    public static JsonNode? Zones(string site)
    {
        static JsonObject Zone(long id, string name, decimal? setpoint, bool alarm) => new()
        {
            ["id"] = id,
            ["name"] = name,
            ["setpoint"] = setpoint is null ? null : new JsonObject { ["value"] = setpoint, ["unit"] = "C" },
            ["alarm"] = alarm,
        };

        JsonArray? zones = site switch
        {
            "ath" => new(Zone(1234567890123456789, "Cold store", -18, false), Zone(42, "Dock", null, true)),
            "ber" => new(Zone(7, "Hall", 19.5m, false), Zone(8, "Attic", 15, false)),
            "oul 7" => new(),
            _ => null,
        };
        return zones is null ? null : new JsonObject { ["site"] = site, ["zones"] = zones };
    }

    /// <summary>The sensors of a zone; null if there is no such zone.</summary>
    public static JsonNode? Sensors(string zone, DateTimeOffset now)
    {
        var minute = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero);
        JsonArray? sensors = zone switch
        {
            "1234567890123456789" => new(
                new JsonObject
                {
                    ["id"] = "cold-1",
                    ["temperature"] = Temperature(Wave(now, TimeSpan.FromHours(4), -19, -17), "C"),
                    ["humidity"] = Wave(now, TimeSpan.FromHours(6), 55, 65),
                    ["door"] = Doors[Counter(now, TimeSpan.FromMinutes(10)) % Doors.Length],
                    ["doorOpenings"] = Counter(now, TimeSpan.FromMinutes(20), start: 1500),
                    ["battery"] = new JsonObject { ["percent"] = 87, ["state"] = "OK" },
                    ["measuredAt"] = minute.ToOffset(TimeSpan.FromHours(2)).ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture),
                },
                // Without a door.
                new JsonObject
                {
                    ["id"] = "cold-2",
                    ["temperature"] = Temperature(Wave(now, TimeSpan.FromHours(4), -2.2m, 1.4m), "F"),
                    ["humidity"] = null,
                    ["battery"] = new JsonObject { ["percent"] = null, ["state"] = "LOW" },
                    ["measuredAt"] = minute.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
                }),
            "42" => new(new JsonObject
            {
                ["id"] = "dock-1",
                ["temperature"] = Temperature(Wave(now, TimeSpan.FromDays(1), 50, 68), "F"),
                ["humidity"] = 40,
                ["door"] = "JAMMED",
                ["doorOpenings"] = Counter(now, TimeSpan.FromMinutes(5), start: 90000),
                ["measuredAt"] = minute.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            }),
            "7" => new(new JsonObject
            {
                ["id"] = "hall-1",
                ["temperature"] = null,
                ["humidity"] = 38.5m,
                ["door"] = null,
                ["battery"] = new JsonObject { ["percent"] = 0, ["state"] = "EMPTY" },
                ["measuredAt"] = "2026-01-15T06:30:00Z",
            }),
            "8" => new(),
            _ => null,
        };
        return sensors is null ? null : new JsonObject { ["data"] = new JsonObject { ["sensors"] = sensors } };
    }

    /// <summary>The stock of a site by article; null if there is no such site.</summary>
    public static JsonNode? Stock(string site, DateTimeOffset now)
    {
        static JsonObject Article(long onHand, long reserved, string price) =>
            new() { ["onHand"] = onHand, ["reserved"] = reserved, ["price"] = price, ["currency"] = "EUR" };

        JsonObject? articles = site switch
        {
            "ath" => new()
            {
                ["A-100"] = Article(100 + (long)Wave(now, TimeSpan.FromHours(12), 0, 40), 8, "12.50"),
                ["B.200/x"] = Article(0, 0, "0.99"),
            },
            "ber" => new() { ["A-100"] = Article(17, 17, "12.50") },
            "oul 7" => [],
            _ => null,
        };
        return articles is null ? null : new JsonObject { ["site"] = site, ["articles"] = articles };
    }

    /// <summary>Seven job queues, in a fixed order.</summary>
    public static IReadOnlyList<JsonObject> Jobs(DateTimeOffset now)
    {
        JsonObject Job(int id, string name, string state, int? waiting, TimeSpan each, string? team) => new()
        {
            ["id"] = id,
            ["name"] = name,
            ["state"] = state,
            ["waiting"] = waiting,
            // A counter as text, as many APIs write large numbers.
            ["processed"] = Counter(now, each, start: 1000 * id).ToString(CultureInfo.InvariantCulture),
            ["durationMs"] = new JsonObject { ["p50"] = 20 * id, ["p95"] = 71 * id },
            ["oldest"] = waiting > 0 ? (now - TimeSpan.FromMinutes(id)).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : null,
            ["owner"] = team is null ? null : new JsonObject { ["team"] = team },
        };

        return
        [
            Job(1, "mail", "RUNNING", 3, TimeSpan.FromSeconds(10), "infra"),
            Job(2, "labels", "RUNNING", 0, TimeSpan.FromSeconds(30), "dock"),
            Job(3, "invoices", "Paused", null, TimeSpan.FromMinutes(1), null),
            Job(4, "forecast", "RUNNING", 1, TimeSpan.FromMinutes(5), "planning"),
            Job(5, "a, \"b\"; <c>", "DRAINING", 12, TimeSpan.FromMinutes(2), "infra"),
            Job(6, "backup", "RUNNING", 2, TimeSpan.FromHours(1), "infra"),
            Job(7, "archive", "RUNNING", 0, TimeSpan.FromHours(6), "planning"),
        ];
    }

    /// <summary>The measures of all meters, as integers with an exponent: the value is <c>value × 10^unit</c>.</summary>
    public static IReadOnlyList<JsonObject> Energy(DateTimeOffset now)
    {
        JsonObject Meter(string meter, long start, TimeSpan each, decimal power) => new()
        {
            ["meter"] = meter,
            ["date"] = now.ToUnixTimeSeconds() - 30,
            ["measures"] = new JsonArray(
                new JsonObject { ["type"] = 1, ["value"] = Counter(now, each, start), ["unit"] = -3 },
                new JsonObject { ["type"] = 2, ["value"] = (long)(power * 10), ["unit"] = -1 }),
        };

        return
        [
            Meter("main", 79_345_000, TimeSpan.FromSeconds(2), Wave(now, TimeSpan.FromHours(1), 1500, 2100)),
            Meter("cold", 12_000_000, TimeSpan.FromSeconds(6), Wave(now, TimeSpan.FromHours(2), 500, 700)),
            Meter("solar", 0, TimeSpan.FromSeconds(9), 0),
        ];
    }

    public static JsonNode Public(DateTimeOffset now) => new JsonObject
    {
        ["company"] = "Depot",
        ["open"] = true,
        ["deliveries"] = Counter(now, TimeSpan.FromMinutes(3), start: 250_000),
        ["staff"] = null,
        ["bulletins"] = new JsonArray(),
    };

    public static JsonNode Meters(DateTimeOffset now) => new JsonArray(
        new JsonObject { ["meter"] = "water", ["litres"] = Counter(now, TimeSpan.FromSeconds(40), start: 4_000_000), ["leak"] = false },
        new JsonObject { ["meter"] = "gas", ["litres"] = 0, ["leak"] = null });

    private static JsonObject Temperature(decimal value, string unit) => new() { ["value"] = value, ["unit"] = unit };

    /// <summary>Rises from <paramref name="low"/> to <paramref name="high"/> in half a period, then falls; to one decimal.</summary>
    private static decimal Wave(DateTimeOffset now, TimeSpan period, decimal low, decimal high)
    {
        var position = 2m * (now.UtcTicks % period.Ticks) / period.Ticks;
        return Math.Round(low + ((high - low) * (position < 1 ? position : 2 - position)), 1);
    }

    private static long Counter(DateTimeOffset now, TimeSpan each, long start = 0) => start + Math.Max(0, (now - Epoch).Ticks / each.Ticks);
}
