namespace Exporter.BmwCarData;

/// <summary>BMW's keys, such as <c>vehicle.drivetrain.batteryManagement.header</c>.</summary>
internal static class BmwKeys
{
    private static readonly string[] LocationParts =
    [
        "location", "latitude", "longitude", "altitude", "heading", "destination", "pointOfInterest", "pointsOfInterest", "satellites", "gps",
    ];

    /// <summary>The keys that the exporter reads after a start. None of them reveals the location of a car.</summary>
    public static IReadOnlyList<string> Container { get; } =
    [
        "vehicle.drivetrain.batteryManagement.header",
        "vehicle.drivetrain.batteryManagement.maxEnergy",
        "vehicle.powertrain.electric.battery.stateOfCharge.displayed",
        "vehicle.powertrain.electric.battery.stateOfCharge.target",
        "vehicle.drivetrain.electricEngine.charging.level",
        "vehicle.drivetrain.electricEngine.charging.status",
        "vehicle.drivetrain.electricEngine.charging.hvStatus",
        "vehicle.drivetrain.electricEngine.charging.timeRemaining",
        "vehicle.drivetrain.electricEngine.kombiRemainingElectricRange",
        "vehicle.drivetrain.electricEngine.remainingElectricRange",
        "vehicle.drivetrain.lastRemainingRange",
        "vehicle.drivetrain.totalRemainingRange",
        "vehicle.drivetrain.fuelSystem.level",
        "vehicle.drivetrain.fuelSystem.remainingFuel",
        "vehicle.vehicle.travelledDistance",
        "vehicle.body.chargingPort.status",
        "vehicle.body.hood.isOpen",
        "vehicle.body.trunk.isOpen",
        "vehicle.cabin.door.status",
        "vehicle.cabin.door.row1.driver.isOpen",
        "vehicle.cabin.door.row1.passenger.isOpen",
        "vehicle.cabin.door.row2.driver.isOpen",
        "vehicle.cabin.door.row2.passenger.isOpen",
    ];

    /// <summary>Whether the value reveals where a car is, was or will be.</summary>
    public static bool IsLocation(string key) => Array.Exists(LocationParts, part => key.Contains(part, StringComparison.OrdinalIgnoreCase));

    /// <summary>Removes all leading <c>vehicle.</c>, because the catalogue and the cars differ in how often they repeat it.</summary>
    public static string Short(string key)
    {
        while (key.StartsWith("vehicle.", StringComparison.Ordinal))
        {
            key = key["vehicle.".Length..];
        }
        return key;
    }
}
