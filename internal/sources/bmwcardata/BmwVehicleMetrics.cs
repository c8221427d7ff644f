using static Exporter.BmwCarData.BmwMetric;

namespace Exporter.BmwCarData;

/// <summary>The built-in metrics, by the keys of BMW's catalogue without the leading <c>vehicle.</c></summary>
internal static class BmwVehicleMetrics
{
    private const string Charging = "drivetrain.electricEngine.charging.";
    private const string Battery = "powertrain.electric.battery.";
    private const string Management = "drivetrain.batteryManagement.";
    private const string Location = "cabin.infotainment.navigation.currentLocation.";

    private static readonly string[] Wheels = ["row1.wheel.left", "row1.wheel.right", "row2.wheel.left", "row2.wheel.right"];
    private static readonly string[] Seats = ["row1.driver", "row1.passenger", "row2.driver", "row2.passenger"];

    public static IReadOnlyList<BmwMetric> All { get; } =
    [
        new Measurement("bmw_vehicle_battery_charge_ratio", "Charge", "Charge of the drive battery, 0 to 1, for each key that reports it.",
            Quantity.Ratio, "percent",
            new(Management + "header", ("source", "header")),
            new(Battery + "stateOfCharge.displayed", ("source", "displayed")),
            new(Charging + "level", ("source", "charging_level")),
            new("trip.segment.end.drivetrain.batteryManagement.hvSoc", ("source", "trip_end"))),
        new Measurement("bmw_vehicle_battery_charge_target_ratio", "Charge limit",
            "Charge at which charging stops (target, professional), or starts at once (min), 0 to 1.",
            Quantity.Ratio, "percent",
            new(Battery + "stateOfCharge.target", ("kind", "target")),
            new(Battery + "stateOfCharge.targetMin", ("kind", "min")),
            new(Battery + "stateOfCharge.targetSoCForProfessionalMode", ("kind", "professional"))),
        new Measurement("bmw_vehicle_battery_health_ratio", "Battery health", "Remaining capacity of the drive battery, 0 to 1.",
            Quantity.Ratio, "percent", Battery + "stateOfHealth.displayed"),
        new Measurement("bmw_vehicle_battery_capacity_joules", "Battery capacity", "Capacity of the drive battery.", Quantity.Joules, "kWh",
            new(Management + "maxEnergy", ("kind", "max_energy")),
            new(Management + "batterySizeMax", ("kind", "size_max")),
            new("drivetrain.electricEngine.hvsMaxEnergyAbsolute", ("kind", "max_energy_absolute"))),
        new Measurement("bmw_vehicle_charging_power_watts", "Charging power",
            "Charging power of the drive battery.", Quantity.Watts, null, Battery + "charging.power"),
        new Measurement("bmw_vehicle_charging_ac_volts", "Charging voltage",
            "Voltage at the charging port.", Quantity.Volts, "V", Charging + "acVoltage"),
        new Measurement("bmw_vehicle_charging_ac_amperes", "Charging current",
            "Current at the charging port.", Quantity.Amperes, "A", Charging + "acAmpere"),
        new Phases("bmw_vehicle_charging_phases", "Charging phases",
            "Number of phases used for charging; 0 if the car does not charge.", Charging + "phaseNumber"),
        new Measurement("bmw_vehicle_charging_current_limit_amperes", "Charging current limit",
            "Selected limit of the charging current, and the minimum and maximum limits.",
            Quantity.Amperes, "A",
            new(Battery + "charging.acLimit.selected", ("kind", "selected")),
            new(Battery + "charging.acLimit.min", ("kind", "min")),
            new(Battery + "charging.acLimit.max", ("kind", "max"))),
        new StateSet("bmw_vehicle_charging_state", "Charging", "Charging state: for each source, 1 for the current state.",
            ["nocharging", "initialization", "chargingactive", "chargingpaused", "chargingended", "chargingerror",
                "charging", "error", "not_charging", "waiting_for_charging", "finished_fully_charged", "finished_not_full"],
            new(Charging + "status", ("source", "status")),
            new(Charging + "hvStatus", ("source", "hv_status"))),
        new Measurement("bmw_vehicle_charging_time_remaining_seconds", "Remaining charging time", "Time until charging ends.",
            Quantity.Seconds, "min", Charging + "timeRemaining"),
        new Measurement("bmw_vehicle_charging_time_to_full_seconds", "Time until full", "Time until the drive battery is full.",
            Quantity.Seconds, "min", Charging + "timeToFullyCharged"),
        new Measurement("bmw_vehicle_charging_energy_to_full_joules", "Energy until full", "Energy until the drive battery is full.",
            Quantity.Joules, "kWh", Charging + "smeEnergyDeltaFullyCharged"),
        new Flag("bmw_vehicle_plugged_in", "Plugged in", "Whether a charging cable is connected: 1 or 0.",
            [new("body.chargingPort.status", ("source", "status")),
                new("body.chargingPort.dcStatus", ("source", "dc")),
                new("body.chargingPort.combinedStatus", ("source", "combined")),
                new("body.chargingPort.statusClearText", ("source", "clear_text")),
                .. BmwChargingMetrics.Ports("isPlugged", "source")]),
        new Measurement("bmw_vehicle_odometer_meters", "Odometer", "Odometer of the car; absent until the car sends a unit.",
            Quantity.Meters, null, "travelledDistance"),
        new Measurement("bmw_vehicle_range_meters", "Range", "Remaining range, for each of BMW's estimates.", Quantity.Meters, null,
            new("drivetrain.electricEngine.kombiRemainingElectricRange", ("type", "electric_displayed")),
            new("drivetrain.electricEngine.remainingElectricRange", ("type", "electric")),
            new("drivetrain.lastRemainingRange", ("type", "last")),
            new("drivetrain.totalRemainingRange", ("type", "total")),
            new("cabin.infotainment.navigation.remainingRange", ("type", "navigation")),
            new("powertrain.electric.range.target", ("type", "charge_target"))),
        new Measurement("bmw_vehicle_fuel_level_ratio", "Fuel level",
            "Fuel in the tank, 0 to 1.", Quantity.Ratio, "percent", "drivetrain.fuelSystem.level"),
        new Measurement("bmw_vehicle_fuel_remaining_liters", "Fuel", "Fuel in the tank; gallons are US gallons.",
            Quantity.Liters, "l", "drivetrain.fuelSystem.remainingFuel"),
        new Flag("bmw_vehicle_door_open", "Open", "Whether a door, the hood or the trunk is open: 1 or 0.",
            [.. Seats.Select(seat => new KeySeries($"cabin.door.{seat}.isOpen", ("door", Label(seat)))),
                new("body.hood.isOpen", ("door", "hood")), new("body.trunk.isOpen", ("door", "trunk")),
                new("body.trunk.window.isOpen", ("door", "trunk_window")),
                new("body.trunk.door.isOpen", ("door", "trunk_door")),
                .. new[] { "left", "right", "lower", "upper" }.Select(side =>
                    new KeySeries($"body.trunk.{side}.door.isOpen", ("door", $"trunk_{side}_door")))]),
        new Flag("bmw_vehicle_window_open", "Window open", "Whether a window or the roof is fully or partly open: 1 or 0.", Windows()),
        new StateSet("bmw_vehicle_window_state", "Window", "Position of a window or the roof: 1 for the current state.",
            ["open", "intermediate", "closed"], Windows()),
        new Flag("bmw_vehicle_locked", "Locked", "Whether a part of the car is locked: 1 or 0.",
            new("cabin.door.lock.status", ("part", "doors")),
            new("cabin.door.status", ("part", "doors_overall")),
            new("body.trunk.isLocked", ("part", "trunk")),
            new("body.flap.isLocked", ("part", "flap"))),
        new StateSet("bmw_vehicle_lock_state", "Lock", "Whether the doors are locked, and how: 1 for the current state.",
            ["secured", "locked", "selective_locked", "unlocked"],
            new("cabin.door.lock.status", ("part", "doors")),
            new("cabin.door.status", ("part", "doors_overall"))),
        new Measurement("bmw_vehicle_tire_pressure_pascals", "Tire pressure", "Pressure of a tire.", Quantity.Pascals, "kPa", Tires("pressure")),
        new Measurement("bmw_vehicle_tire_pressure_target_pascals", "Tire target pressure",
            "Target pressure of a tire.", Quantity.Pascals, "kPa", Tires("pressureTarget")),
        new Measurement("bmw_vehicle_tire_temperature_celsius", "Tire temperature",
            "Temperature of a tire.", Quantity.Celsius, "celsius", Tires("temperature")),
        new Measurement("bmw_vehicle_low_voltage_battery_volts", "12 V battery voltage", "Voltage of the 12 V battery.",
            Quantity.Volts, "V", "electricalSystem.battery.voltage"),
        new Measurement("bmw_vehicle_low_voltage_battery_charge_ratio", "12 V battery charge", "Charge of the 12 V battery, 0 to 1.",
            Quantity.Ratio, "percent", "electricalSystem.battery.stateOfCharge"),
        new StateSet("bmw_vehicle_preconditioning_state", "Climate before a trip", "Heating or cooling before a trip: 1 for the current state.",
            ["inactive", "standby", "heating", "cooling", "ventilation"], "preConditioning.activity"),
        new Measurement("bmw_vehicle_preconditioning_remaining_seconds", "Remaining climate time before a trip",
            "Remaining time of heating or cooling before a trip.",
            Quantity.Seconds, "min", "preConditioning.remainingTime", "preConditioning.remainingRunningTime"),
        new Flag("bmw_vehicle_moving", "Moving", "Whether the car moves: 1 or 0.", "isMoving"),
        new Flag("bmw_vehicle_engine_running", "Engine running", "Whether the engine is running: 1 or 0.", "drivetrain.engine.isActive"),
        new Flag("bmw_vehicle_ignition_on", "Ignition on", "Whether the ignition is on: 1 or 0.", "drivetrain.engine.isIgnitionOn"),
        new Measurement("bmw_vehicle_average_speed_meters_per_second", "Average speed", "Average speed, as computed by the car.",
            Quantity.MetersPerSecond, null, "avgSpeed"),
        new Measurement("bmw_vehicle_auxiliary_power_watts", "Power of auxiliary consumers",
            "Average power of all consumers except the drive.", Quantity.Watts, null, "avgAuxPower"),
        new Measurement("bmw_vehicle_coolant_temperature_celsius", "Coolant temperature", "Temperature of the engine's coolant.",
            Quantity.Celsius, null, "drivetrain.internalCombustionEngine.engine.ect"),
        new Measurement("bmw_vehicle_service_distance_meters", "Distance until service", "Distance until the next service.",
            Quantity.Meters, null, "status.serviceDistance.next"),
        new Flag("bmw_vehicle_alarm_on", "Alarm sounding", "Whether the alarm is sounding: 1 or 0.", "antiTheftAlarmSystem.alarm.isOn"),
        new StateSet("bmw_vehicle_alarm_state", "Alarm system", "State of the alarm system: 1 for the current state.",
            ["unarmed", "doorsonly", "doorstiltcabin"], "antiTheftAlarmSystem.alarm.armStatus"),
        // The reading contains these only if the setting location is on.
        new Measurement("bmw_vehicle_latitude_degrees", "Latitude",
            "Latitude of the car, north is positive.", Quantity.Degrees, null, Location + "latitude"),
        new Measurement("bmw_vehicle_longitude_degrees", "Longitude",
            "Longitude of the car, east is positive.", Quantity.Degrees, null, Location + "longitude"),
        new Measurement("bmw_vehicle_altitude_meters", "Altitude",
            "Altitude of the car above sea level.", Quantity.Meters, "m", Location + "altitude"),
        new Measurement("bmw_vehicle_heading_degrees", "Heading",
            "Heading of the car, clockwise from north.", Quantity.Degrees, null, Location + "heading"),
        new Measurement("bmw_vehicle_gps_satellites", "Visible satellites",
            "Number of visible satellites.", Quantity.None, null, Location + "numberOfSatellites"),
        .. BmwChargingMetrics.All,
        .. BmwCabinMetrics.All,
        .. BmwUsageMetrics.All,
    ];

    private static KeySeries[] Windows() =>
    [
        .. Seats.Select(seat => new KeySeries($"cabin.window.{seat}.status", ("window", Label(seat)))),
        new("cabin.sunroof.status", ("window", "sunroof")),
    ];

    private static KeySeries[] Tires(string key) =>
        [.. Wheels.Select(wheel => new KeySeries($"chassis.axle.{wheel}.tire.{key}", ("position", Label(wheel.Replace(".wheel", "")))))];

    /// <summary><c>row1.driver</c> becomes <c>front_driver</c>.</summary>
    public static string Label(string key) => key.Replace("row1.", "front_", StringComparison.Ordinal)
        .Replace("row2.", "rear_", StringComparison.Ordinal).Replace("row3.", "third_row_", StringComparison.Ordinal);
}
