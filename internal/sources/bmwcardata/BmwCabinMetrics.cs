using static Exporter.BmwCarData.BmwMetric;

namespace Exporter.BmwCarData;

/// <summary>The metrics of body, cabin, climate and navigation, beside the main ones in <see cref="BmwVehicleMetrics"/>.</summary>
internal static class BmwCabinMetrics
{
    private const string Climate = "cabin.hvac.preconditioning.";
    private const string Navigation = "cabin.infotainment.navigation.";

    private static readonly string[] Doors = ["row1.driver", "row1.passenger", "row2.driver", "row2.passenger"];

    private static readonly string[] Seats =
        ["row1.driverSide", "row1.passengerSide", "row2.driverSide", "row2.passengerSide", "row3.driverSide", "row3.passengerSide"];

    private static readonly string[] Switch = ["off", "on", "automatic", "no_change"];

    /// <summary>The two groups of climate settings, and the values of their label.</summary>
    private static readonly (string Key, string Label)[] Settings = [("defaultSettings", "default"), ("directStartSettings", "direct_start")];

    private static readonly (string Key, string Label)[] Timers =
        [("overwriteTimer", "override"), ("weekdaysTimer1", "weekdays_1"), ("weekdaysTimer2", "weekdays_2")];

    public static IReadOnlyList<BmwMetric> All { get; } =
    [
        new Measurement("bmw_vehicle_door_position_ratio", "Door position", "How far a door is open, 0 to 1.", Quantity.Ratio, "percent",
            [.. Doors.Select(door => new KeySeries($"cabin.door.{door}.position", ("door", BmwVehicleMetrics.Label(door))))]),
        new StateSet("bmw_vehicle_convertible_roof_state", "Convertible roof", "Position of the convertible roof: 1 for the current state.",
            ["closedsecured", "opensecured"], "cabin.convertible.roofStatus"),
        new StateSet("bmw_vehicle_convertible_roof_retractable_state", "Retractable roof", "State of the retractable roof: 1 for the current state.",
            [], "cabin.convertible.roofRetractableStatus"),
        new StateSet("bmw_vehicle_sunroof_state", "Sunroof", "Position of the sunroof, with its tilt: 1 for the current state.",
            ["closed", "open", "open_tilt", "intermediate_tilt"], "cabin.sunroof.overallStatus"),
        new StateSet("bmw_vehicle_sunroof_tilt_state", "Sunroof tilt", "Tilt of the sunroof: 1 for the current state.",
            ["closed", "intermediate", "open"], "cabin.sunroof.tiltStatus"),
        new Measurement("bmw_vehicle_sunroof_position_ratio", "Sunroof position", "Relative position of the sunroof, -1 to 1.",
            Quantity.Ratio, "percent", "cabin.sunroof.relativePosition"),
        new Measurement("bmw_vehicle_sunroof_shade_position_ratio", "Sunroof shade position", "How far the shade of the sunroof is open, 0 to 1.",
            Quantity.Ratio, "percent", "cabin.sunroof.shade.position"),
        new Flag("bmw_vehicle_running_lights_on", "Running lights on", "Whether the running lights are on: 1 or 0.", "body.lights.isRunningOn"),

        new StateSet("bmw_vehicle_climate_timer_state", "Climate timer", "What a climate timer does: 1 for the current state.",
            ["activate", "deactivate", "no_action"],
            [.. Timers.Select(timer => new KeySeries($"cabin.climate.timers.{timer.Key}.action", ("timer", timer.Label)))]),
        new Measurement("bmw_vehicle_climate_timer_start_seconds", "Climate timer start",
            "Start of a climate timer, as seconds since midnight: the sum of the parts hour and minute.", Quantity.Seconds, null,
            [.. from timer in Timers
                from part in new[] { (Key: "hour", Unit: "h"), (Key: "minute", Unit: "min") }
                let key = $"cabin.climate.timers.{timer.Key}.{part.Key}"
                select new KeySeries(key, ("timer", timer.Label), ("part", part.Key)) { Unit = part.Unit }]),
        new StateSet("bmw_vehicle_climate_seat_setting_state", "Seat climate setting",
            "What a climate setting does with a seat: 1 for the current state.", Switch,
            [.. from setting in Settings
                from seat in Seats
                from function in new[] { "cooling", "heating" }
                select new KeySeries($"{Climate}configuration.{setting.Key}.seat.{seat}.{function}",
                    ("setting", setting.Label), ("seat", Seat(seat)), ("function", function))]),
        new StateSet("bmw_vehicle_climate_steering_wheel_setting_state", "Steering wheel heating setting",
            "What a climate setting does with the heating of the steering wheel: 1 for the current state.", Switch,
            [.. Settings.Select(setting =>
                new KeySeries($"{Climate}configuration.{setting.Key}.steeringWheel.heating", ("setting", setting.Label)))]),
        new Measurement("bmw_vehicle_climate_setting_celsius", "Temperature setting",
            "Temperature of a climate setting.", Quantity.Celsius, "celsius",
            [.. Settings.Select(setting => new KeySeries($"{Climate}configuration.{setting.Key}.targetTemperature", ("setting", setting.Label)))]),
        new Flag("bmw_vehicle_remote_start_disclaimer", "Disclaimer for the remote start",
            "Whether there is a disclaimer for the remote start of the engine: 1 or 0.",
            Climate + "configuration.isRemoteEngineStartDisclaimer"),
        new StateSet("bmw_vehicle_climate_comfort_state", "Comfort climate before a trip",
            "What the climate control does before a trip: 1 for the current state.",
            ["not_active", "comfort_heating", "comfort_cooling", "comfort_ventilation", "defrost", "comfort_undefined"],
            Climate + "status.comfortState"),
        new Flag("bmw_vehicle_mirror_heating_active", "Mirror heating", "Whether the exterior mirrors are heated: 1 or 0.",
            Climate + "status.isExteriorMirrorHeatingActive"),
        new Flag("bmw_vehicle_rear_defrost_active", "Rear window heating",
            "Whether the rear window is heated: 1 or 0.", Climate + "status.rearDefrostActive"),
        new Measurement("bmw_vehicle_climate_progress_ratio", "Climate progress before a trip",
            "Progress of heating or cooling before a trip, 0 to 1.",
            Quantity.Ratio, "percent", Climate + "status.progress"),
        new Measurement("bmw_vehicle_climate_remaining_seconds", "Remaining climate time", "Time until the climate control stops.",
            Quantity.Seconds, "s", Climate + "status.remainingRunningTime"),
        new StateSet("bmw_vehicle_preconditioning_error_state", "Climate error",
            "Why heating or cooling before a trip failed: 1 for the current state.",
            ["ok", "lowfuel", "lowbattery", "quotaexceeded", "heaterfailure", "componentfailure", "openorunlocked"], "preConditioning.error"),
        new Flag("bmw_vehicle_remote_engine_running", "Engine running after a remote start", "Whether the engine runs after a remote start: 1 or 0.",
            "preConditioning.isRemoteEngineRunning"),
        new Flag("bmw_vehicle_remote_engine_start_allowed", "Remote engine start possible",
            "Whether a remote start of the engine is possible: 1 or 0.",
            "preConditioning.isRemoteEngineStartAllowed"),
        new StateSet("bmw_vehicle_air_purification_state", "Cabin air", "Cleanness of the air in the cabin: 1 for the current state.",
            ["unfiltered", "purifying_ongoing", "purified"], "cabin.hvac.statusAirPurification"),
        new Measurement("bmw_vehicle_seat_heating_ratio", "Seat heating",
            "Power of a seat's heating, 0 to 1.", Quantity.Ratio, "percent", SeatPower("heating")),
        new Measurement("bmw_vehicle_seat_cooling_ratio", "Seat cooling",
            "Power of a seat's cooling, 0 to 1.", Quantity.Ratio, "percent", SeatPower("cooling")),
        new Measurement("bmw_vehicle_steering_wheel_heating_ratio", "Steering wheel heating", "Power of the steering wheel's heating, 0 to 1.",
            Quantity.Ratio, "percent", "cabin.steeringWheel.heating"),

        new StateSet("bmw_vehicle_distance_unit_state", "Unit of distance", "Unit of distance that the car shows: 1 for the current state.",
            ["km", "kilometers", "miles"],
            new("cabin.infotainment.displayUnit.distance", ("source", "display")),
            new("cabin.infotainment.hmi.distanceUnit", ("source", "hmi"))),
        new Flag("bmw_vehicle_phone_connected", "Phone connected",
            "Whether a phone is connected to the car: 1 or 0.", "cabin.infotainment.isMobilePhoneConnected"),
        new TimeOfDay("bmw_vehicle_clock_seconds", "Clock", "The car's clock, as seconds since midnight.", "channel.ngtp.timeVehicle"),
        new StateSet("bmw_vehicle_time_setting_state", "Clock setting", "Time that the car's clock shows: 1 for the current state.",
            ["wintertime", "summertime", "utc", "manual"], "timeSetting"),
        // The reading contains these only if the setting location is on.
        new StateSet("bmw_vehicle_gps_fix_state", "Quality of the position", "Quality of the position: 1 for the current state.",
            ["no_fix", "gps_fix_2d", "gps_fix_3d"], Navigation + "currentLocation.fixStatus"),
        new TimeOfDay("bmw_vehicle_destination_arrival_seconds", "Arrival at the destination",
            "Expected arrival at the destination, as seconds since midnight.",
            Navigation + "destinationSet.arrivalTime"),
        new Measurement("bmw_vehicle_destination_distance_meters", "Distance to the destination", "Distance to the destination.",
            Quantity.Meters, null, Navigation + "destinationSet.distance"),
        new Measurement("bmw_vehicle_destination_latitude_degrees", "Latitude of the destination", "Latitude of the destination, north is positive.",
            Quantity.Degrees, null, Navigation + "destinationSet.latitude"),
        new Measurement("bmw_vehicle_destination_longitude_degrees", "Longitude of the destination",
            "Longitude of the destination, east is positive.",
            Quantity.Degrees, null, Navigation + "destinationSet.longitude"),
        new Measurement("bmw_vehicle_points_of_interest", "Points of interest",
            "Stored points of interest (available), and their maximum number (max).",
            Quantity.None, null,
            new(Navigation + "pointsOfInterests.available", ("kind", "available")),
            new(Navigation + "pointsOfInterests.max", ("kind", "max"))),
    ];

    private static KeySeries[] SeatPower(string function) =>
        [.. Seats.Select(seat => new KeySeries($"cabin.seat.{seat}.{function}", ("seat", Seat(seat))))];

    private static string Seat(string key) => BmwVehicleMetrics.Label(key).Replace("Side", "", StringComparison.Ordinal);
}
