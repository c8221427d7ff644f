namespace Exporter.BmwCarData;

/// <summary>The keys that the exporter reads after a start. None of them reveals the location of a car.</summary>
internal static class BmwContainerKeys
{
    public static IReadOnlyList<string> All { get; } =
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
}
