using static Exporter.BmwCarData.BmwMetric;

namespace Exporter.BmwCarData;

/// <summary>The metrics of the keys we know, by the names of BMW's catalogue without the leading <c>vehicle.</c></summary>
internal static class BmwVehicleMetrics
{
    private const string Charging = "drivetrain.electricEngine.charging.";
    private const string Battery = "powertrain.electric.battery.";
    private const string Management = "drivetrain.batteryManagement.";
    private const string Place = "cabin.infotainment.navigation.currentLocation.";

    private static readonly string[] Wheels = ["row1.wheel.left", "row1.wheel.right", "row2.wheel.left", "row2.wheel.right"];
    private static readonly string[] Seats = ["row1.driver", "row1.passenger", "row2.driver", "row2.passenger"];

    public static IReadOnlyList<BmwMetric> All { get; } =
    [
        new Measure("bmw_vehicle_battery_charge_ratio", "Charge of the drive battery, 0 to 1, by each of the places that BMW tells it from; not all cars have all of them.",
            Quantity.Ratio, "percent",
            new(Management + "header", ("source", "header")),
            new(Battery + "stateOfCharge.displayed", ("source", "displayed")),
            new(Charging + "level", ("source", "charging_level")),
            new("trip.segment.end.drivetrain.batteryManagement.hvSoc", ("source", "trip_end"))),
        new Measure("bmw_vehicle_battery_charge_target_ratio", "Charge at which charging ends (target), or that it reaches at once (min), 0 to 1.", Quantity.Ratio, "percent",
            new(Battery + "stateOfCharge.target", ("kind", "target")),
            new(Battery + "stateOfCharge.targetMin", ("kind", "min"))),
        new Measure("bmw_vehicle_battery_health_ratio", "What is left of the drive battery's capacity, 0 to 1.", Quantity.Ratio, "percent", new KeySeries(Battery + "stateOfHealth.displayed")),
        new Measure("bmw_vehicle_battery_capacity_joules", "Energy that the drive battery holds when full.", Quantity.Joules, "kWh",
            new(Management + "maxEnergy", ("kind", "max_energy")),
            new(Management + "batterySizeMax", ("kind", "size_max"))),
        new Measure("bmw_vehicle_charging_power_watts", "Power that the drive battery is charged with.", Quantity.Watts, null, new KeySeries(Battery + "charging.power")),
        new Measure("bmw_vehicle_charging_ac_volts", "Voltage at the charging port.", Quantity.Volts, "V", new KeySeries(Charging + "acVoltage")),
        new Measure("bmw_vehicle_charging_ac_amperes", "Current at the charging port.", Quantity.Amperes, "A", new KeySeries(Charging + "acAmpere")),
        new Phases("bmw_vehicle_charging_phases", "Phases that the car is charged with; 0: it is not.", new KeySeries(Charging + "phaseNumber")),
        new Measure("bmw_vehicle_charging_current_limit_amperes", "Current that charging is limited to (selected), and the limits that can be chosen.", Quantity.Amperes, "A",
            new(Battery + "charging.acLimit.selected", ("kind", "selected")),
            new(Battery + "charging.acLimit.min", ("kind", "min")),
            new(Battery + "charging.acLimit.max", ("kind", "max"))),
        new States("bmw_vehicle_charging_state", "How charging goes: for each source, 1 for the current state.",
            ["nocharging", "initialization", "chargingactive", "chargingpaused", "chargingended", "chargingerror",
                "charging", "error", "not_charging", "waiting_for_charging", "finished_fully_charged", "finished_not_full"],
            new(Charging + "status", ("source", "status")),
            new(Charging + "hvStatus", ("source", "hv_status"))),
        new Measure("bmw_vehicle_charging_time_remaining_seconds", "Time until charging ends.", Quantity.Seconds, "min", new KeySeries(Charging + "timeRemaining")),
        new Measure("bmw_vehicle_charging_time_to_full_seconds", "Time until the drive battery would be full.", Quantity.Seconds, "min", new KeySeries(Charging + "timeToFullyCharged")),
        new Measure("bmw_vehicle_charging_energy_to_full_joules", "Energy until the drive battery is full.", Quantity.Joules, "kWh", new KeySeries(Charging + "smeEnergyDeltaFullyCharged")),
        new Truth("bmw_vehicle_plugged_in", "Whether a charging cable is connected: 1 or 0.",
            new("body.chargingPort.status", ("source", "status")),
            new("body.chargingPort.dcStatus", ("source", "dc")),
            new("body.chargingPort.combinedStatus", ("source", "combined")),
            new("powertrain.tractionBattery.charging.port.anyPosition.isPlugged", ("source", "any"))),
        new Measure("bmw_vehicle_odometer_meters", "Distance that the car has travelled; absent until the car has told a unit.", Quantity.Meters, null, new KeySeries("travelledDistance")),
        new Measure("bmw_vehicle_range_meters", "Distance that the car can go on, by each of BMW's reckonings.", Quantity.Meters, null,
            new("drivetrain.electricEngine.kombiRemainingElectricRange", ("type", "electric_displayed")),
            new("drivetrain.electricEngine.remainingElectricRange", ("type", "electric")),
            new("drivetrain.lastRemainingRange", ("type", "last")),
            new("drivetrain.totalRemainingRange", ("type", "total"))),
        new Measure("bmw_vehicle_fuel_level_ratio", "Fuel in the tank, 0 to 1.", Quantity.Ratio, "percent", new KeySeries("drivetrain.fuelSystem.level")),
        new Measure("bmw_vehicle_fuel_remaining_liters", "Fuel in the tank; a gallon is taken for an American one.", Quantity.Liters, "l", new KeySeries("drivetrain.fuelSystem.remainingFuel")),
        new Truth("bmw_vehicle_door_open", "Whether a door, the hood or the trunk is open: 1 or 0.",
            [.. Seats.Select(seat => new KeySeries($"cabin.door.{seat}.isOpen", ("door", Label(seat)))),
                new("body.hood.isOpen", ("door", "hood")), new("body.trunk.isOpen", ("door", "trunk")), new("body.trunk.window.isOpen", ("door", "trunk_window"))]),
        new Truth("bmw_vehicle_window_open", "Whether a window or the roof is open, also in part: 1 or 0.", Windows()),
        new States("bmw_vehicle_window_state", "How far a window or the roof is open: 1 for the current state.", ["open", "intermediate", "closed"], Windows()),
        new Truth("bmw_vehicle_locked", "Whether a part of the car is locked: 1 or 0.",
            new("cabin.door.lock.status", ("part", "doors")),
            new("cabin.door.status", ("part", "doors_overall")),
            new("body.trunk.isLocked", ("part", "trunk")),
            new("body.flap.isLocked", ("part", "flap"))),
        new Measure("bmw_vehicle_tire_pressure_pascals", "Pressure of a tire.", Quantity.Pascals, "kPa", OfWheels("pressure")),
        new Measure("bmw_vehicle_tire_pressure_target_pascals", "Pressure that a tire should have.", Quantity.Pascals, "kPa", OfWheels("pressureTarget")),
        new Measure("bmw_vehicle_tire_temperature_celsius", "Temperature of a tire.", Quantity.Celsius, "celsius", OfWheels("temperature")),
        new Measure("bmw_vehicle_low_voltage_battery_volts", "Voltage of the 12 V battery.", Quantity.Volts, "V", new KeySeries("electricalSystem.battery.voltage")),
        new Measure("bmw_vehicle_low_voltage_battery_charge_ratio", "Charge of the 12 V battery, 0 to 1.", Quantity.Ratio, "percent", new KeySeries("electricalSystem.battery.stateOfCharge")),
        new States("bmw_vehicle_preconditioning_state", "Heating or cooling before a trip: 1 for the current state.", ["inactive", "standby", "heating", "cooling", "ventilation"],
            new KeySeries("preConditioning.activity")),
        new Measure("bmw_vehicle_preconditioning_remaining_seconds", "Time that heating or cooling before a trip goes on.", Quantity.Seconds, "min",
            new("preConditioning.remainingTime"), new("preConditioning.remainingRunningTime")),
        new Truth("bmw_vehicle_moving", "Whether the car moves: 1 or 0.", new KeySeries("isMoving")),
        new Truth("bmw_vehicle_engine_running", "Whether the engine runs: 1 or 0.", new KeySeries("drivetrain.engine.isActive")),
        new Truth("bmw_vehicle_ignition_on", "Whether the ignition is on: 1 or 0.", new KeySeries("drivetrain.engine.isIgnitionOn")),
        new Measure("bmw_vehicle_average_speed_meters_per_second", "Average speed, as the car reckons it.", Quantity.MetersPerSecond, null, new KeySeries("avgSpeed")),
        new Measure("bmw_vehicle_auxiliary_power_watts", "Average power of everything but the drive.", Quantity.Watts, null, new KeySeries("avgAuxPower")),
        new Measure("bmw_vehicle_coolant_temperature_celsius", "Temperature of the engine's coolant.", Quantity.Celsius, null, new KeySeries("drivetrain.internalCombustionEngine.engine.ect")),
        new Measure("bmw_vehicle_service_distance_meters", "Distance until the next service.", Quantity.Meters, null, new KeySeries("status.serviceDistance.next")),
        new Truth("bmw_vehicle_alarm_on", "Whether the alarm sounds: 1 or 0.", new KeySeries("antiTheftAlarmSystem.alarm.isOn")),
        new States("bmw_vehicle_alarm_state", "What the alarm system guards: 1 for the current state.", [], new KeySeries("antiTheftAlarmSystem.alarm.armStatus")),
        // Where the car is; a reading holds these only when they were asked for.
        new Measure("bmw_vehicle_latitude_degrees", "Latitude of the car, north is positive.", Quantity.Plain, null, new KeySeries(Place + "latitude")),
        new Measure("bmw_vehicle_longitude_degrees", "Longitude of the car, east is positive.", Quantity.Plain, null, new KeySeries(Place + "longitude")),
        new Measure("bmw_vehicle_altitude_meters", "Height of the car above the sea.", Quantity.Meters, "m", new KeySeries(Place + "altitude")),
        new Measure("bmw_vehicle_heading_degrees", "Direction that the car faces, clockwise from north.", Quantity.Plain, null, new KeySeries(Place + "heading")),
        new Measure("bmw_vehicle_gps_satellites", "Satellites that the car sees.", Quantity.Plain, null, new KeySeries(Place + "numberOfSatellites")),
    ];

    private static KeySeries[] Windows() =>
        [.. Seats.Select(seat => new KeySeries($"cabin.window.{seat}.status", ("window", Label(seat)))), new("cabin.sunroof.status", ("window", "sunroof"))];

    private static KeySeries[] OfWheels(string what) =>
        [.. Wheels.Select(wheel => new KeySeries($"chassis.axle.{wheel}.tire.{what}", ("position", Label(wheel.Replace(".wheel", "", StringComparison.Ordinal)))))];

    /// <summary><c>row1.driver</c> is <c>front_driver</c>.</summary>
    private static string Label(string place) => place.Replace("row1.", "front_", StringComparison.Ordinal).Replace("row2.", "rear_", StringComparison.Ordinal);
}
