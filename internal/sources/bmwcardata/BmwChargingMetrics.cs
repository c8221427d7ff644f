using static Exporter.BmwCarData.BmwMetric;

namespace Exporter.BmwCarData;

/// <summary>The metrics of charging and of the drive battery, beside the main ones in <see cref="BmwVehicleMetrics"/>.</summary>
internal static class BmwChargingMetrics
{
    private const string Charging = "drivetrain.electricEngine.charging.";
    private const string Profile = Charging + "profile.";
    private const string Lifetime = Charging + "consumptionOverLifeTime.";
    private const string Battery = "powertrain.electric.battery.";
    private const string Care = Battery + "charging.batteryCarePersisted.";

    private static readonly string[] EndReasons =
    [
        "charging_goal_reached", "end_requested_by_driver", "connector_removed", "powergrid_failed", "hv_system_failure",
        "charging_station_failure", "parking_lock_failed", "no_parking_lock",
    ];

    public static IReadOnlyList<BmwMetric> All { get; } =
    [
        new Flag("bmw_vehicle_charging_hospitality_active", "Hospitality charging",
            "Whether the hospitality mode of the charging port is active: 1 or 0.",
            "body.chargingPort.isHospitalityActive"),
        new Info("bmw_vehicle_charging_session_info", "Charging session",
            "ID of the current session at the charging station.", "body.chargingPort.isoSessionId"),
        new StateSet("bmw_vehicle_charging_cable_lock_state", "Charging cable lock",
            "Whether the car holds the charging cable: 1 for the current state.",
            ["charging_cable_not_locked", "charging_cable_locked", "charging_cable_locking_error_detected"], "body.chargingPort.lockedStatus"),
        new Measurement("bmw_vehicle_charging_plug_event_number", "Plug event number", "Number that changes each time a charging cable is connected.",
            Quantity.None, null, "body.chargingPort.plugEventId"),
        new Flag("bmw_vehicle_charging_flap_always_unlocked", "Charging flap always unlocked",
            "Whether the flap of the charging port stays unlocked: 1 or 0.",
            "body.flap.isPermanentlyUnlocked")
        { Words = new Dictionary<string, bool> { ["flap_unlocked"] = true, ["flap_locked"] = false, ["no_action"] = false } },
        new Flag("bmw_vehicle_charging_flap_open", "Charging flap open",
            "Whether the flap of a charging port is open: 1 or 0.", Ports("flap.isOpen", "port")),
        new Flag("bmw_vehicle_charging_flap_automatic", "Charging flap automatic",
            "Whether the flap of a charging port opens and closes by itself: 1 or 0.",
            Ports("flap.isAutomaticOpenAndCloseActive", "port")),
        new StateSet("bmw_vehicle_charging_ac_restriction_state", "Charging current reduction",
            "Selected reduction of the alternating current: 1 for the current state.",
            ["maxcharging", "reducedcharging", "mincharging"], Charging + "acRestriction.factor"),
        new Flag("bmw_vehicle_charging_ac_restricted", "Charging current reduced", "Whether the user reduced the alternating current: 1 or 0.",
            Charging + "acRestriction.isChosen")
        { Words = new Dictionary<string, bool> { ["maxcharging"] = false, ["reducedcharging"] = true, ["mincharging"] = true } },
        new Flag("bmw_vehicle_charging_current_limit_active", "Charging current limit active",
            "Whether a limit of the charging current applies: 1 or 0.",
            Battery + "charging.acLimit.isActive"),
        new StateSet("bmw_vehicle_charging_authentication_state", "Plug and charge",
            "Result of plug and charge at the station: 1 for the current state.",
            ["authorization_successful", "transport_layer_error", "high_level_communication_error", "contract_service_not_supported_error",
                "authorization_error", "authorization_timeout", "nvm_read_certificate_error", "certificate_update_error", "xml_security_error"],
            Charging + "authentication.status"),
        new StateSet("bmw_vehicle_charging_mode_state", "Charging mode", "How the car controls its charging: 1 for the current state.",
            ["normal_prognose_based", "step_based", "plc_mode"], Charging + "chargingMode"),
        new StateSet("bmw_vehicle_charging_deviation_state", "Deviation from the charging mode",
            "Why charging differs from the selected mode: 1 for the current state.",
            ["no_deviation", "dc_dynamic_malibu", "dc_dynamic_min_soe_protection", "immediate_charging_not_supported_by_evse",
                "immediate_charging_wake_up_limit_reached", "immediate_charging", "charging_timeslot", "charging_in_timeslot", "smart_charging",
                "dc_dynamic", "bidirectional_charging", "no_action"],
            Charging + "modeDeviation"),
        new StateSet("bmw_vehicle_charging_connection_type_state", "Charging connection", "How energy gets into the car: 1 for the current state.",
            ["conductive", "inductive", "signal_invalid"], Charging + "connectionType"),
        new StateSet("bmw_vehicle_charging_connector_state", "Charging connector", "State of the charging connector: 1 for the current state.",
            ["connected", "disconnected", "error"], Charging + "connectorStatus"),
        new StateSet("bmw_vehicle_charging_method_state", "Charging plug", "Kind of plug that the car charges with: 1 for the current state.",
            ["ac_type1plug", "ac_type2plug", "nocharging"], Charging + "method"),
        new Measurement("bmw_vehicle_charging_cable_check_volts", "Cable check voltage", "Voltage of the check of the cable before fast charging.",
            Quantity.Volts, "V", Battery + "charging.cableCheckVoltage"),
        new StateSet("bmw_vehicle_charging_dc_mode_state", "Fast charging speed", "Selected speed of fast charging: 1 for the current state.",
            ["efficient", "standard", "performance"], Battery + "charging.dcChargingModeActive"),
        new StateSet("bmw_vehicle_charging_noise_limit_state", "Quiet charging", "Whether charging has to be quiet: 1 for the current state.",
            ["no_action", "automatic", "unlimited", "limited"], Battery + "charging.acousticLimit"),

        new StateSet("bmw_vehicle_charging_finish_reason_state", "End of charging, by the battery system",
            "Why the battery system ended charging: 1 for the current state.",
            [.. EndReasons, "signal_invalid"], Charging + "hvpmFinishReason"),
        new StateSet("bmw_vehicle_charging_last_reason_state", "End of the last charging", "Why the last charging ended: 1 for the current state.",
            EndReasons, Charging + "lastChargingReason"),
        new StateSet("bmw_vehicle_charging_last_result_state", "Result of the last charging", "Result of the last charging: 1 for the current state.",
            ["success", "failed"], Charging + "lastChargingResult"),
        new StateSet("bmw_vehicle_charging_end_reason_state", "Detailed reason for the end of charging",
            "Detailed reason for the end of charging: 1 for the current state.",
            BmwChargingEndReasons.All, Charging + "reasonChargingEnd"),
        new Flag("bmw_vehicle_charging_immediate_by_system", "Immediate charging, chosen by the car",
            "Whether the car itself decided to charge at once: 1 or 0.",
            Charging + "isImmediateChargingSystemReason"),
        new Flag("bmw_vehicle_charging_immediate_once", "Immediate charging, this time",
            "Whether the user chose to charge at once this time: 1 or 0.",
            Charging + "isSingleImmediateCharging"),
        new Flag("bmw_vehicle_charging_window_selected", "Charging in a time window", "Whether the car charges in a selected window of time: 1 or 0.",
            Charging + "windowSelection"),
        new StateSet("bmw_vehicle_charging_route_optimized_state", "Charging for the route",
            "Charging for the planned route: 1 for the current state.",
            ["route_optimized_charging_in_progress", "route_optimized_soc_target_reached"], Charging + "routeOptimizedChargingStatus"),
        new StateSet("bmw_vehicle_charging_smart_preference_state", "Preference of smart charging",
            "What smart charging prefers: 1 for the current state.",
            ["price_optimized", "renewable_energey", "co2_optimized"], Battery + "charging.preferenceSmartCharging"),

        new Flag("bmw_vehicle_charging_profile_climate", "Charging profile, climate before departure",
            "Whether the charging profile heats or cools the car before departure: 1 or 0.",
            Profile + "climatizationActive"),
        new Flag("bmw_vehicle_charging_profile_complete", "Charging profile complete", "Whether the charging profile has all its settings: 1 or 0.",
            Profile + "isRcpConfigComplete"),
        new StateSet("bmw_vehicle_charging_profile_preference_state", "Charging profile",
            "When the charging profile charges: 1 for the current state.",
            ["charging_window", "smart_charging", "no_preselection"], Profile + "preference"),
        new StateSet("bmw_vehicle_charging_profile_timer_state", "Charging profile timer",
            "Kind of timer of the charging profile: 1 for the current state.",
            [], Profile + "timerType"),
        new Flag("bmw_vehicle_bidirectional_charging_departure_relevant", "Discharging until departure",
            "Whether discharging takes the time of departure into account: 1 or 0.",
            Profile + "settings.biDirectionalCharging.departureTimeRelevant"),
        new Flag("bmw_vehicle_bidirectional_charging_discharge_allowed", "Discharging allowed", "Whether the car may feed energy back: 1 or 0.",
            Profile + "settings.biDirectionalCharging.dischargeAllowed"),
        new StateSet("bmw_vehicle_bidirectional_charging_availability_state", "Discharging",
            "Whether feeding energy back is possible: 1 for the current state.",
            ["available", "not_available", "disabled_malibu", "disabled_hvs", "bpt_and_imo_disabled", "bpt_only_for_emergency_power_supply",
                "disabled_imo_possible", "disabled_long_term"],
            Battery + "biDirectionalCharging.availability"),

        new Flag("bmw_vehicle_battery_care_active", "Battery care", "Whether the car spares the drive battery: 1 or 0.", Care + "isActive"),
        new Flag("bmw_vehicle_battery_care_preserving", "Battery-preserving charging",
            "Whether the car charges in a way that preserves the drive battery: 1 or 0.",
            Care + "isPreservingChargingMode"),
        new Flag("bmw_vehicle_battery_care_target_reduced", "Charge target reduced for battery care",
            "Whether the charge target is lower to spare the drive battery: 1 or 0.",
            Care + "isReducedTargetSoe"),
        new StateSet("bmw_vehicle_battery_preconditioning_state", "Battery preconditioning",
            "Heating or cooling of the drive battery: 1 for the current state.",
            ["off", "on_legacy", "manual_on_charge", "automatic_on", "remote_on_charge", "remote_on_drive", "remote_off"],
            Battery + "preconditioning.state"),
        new StateSet("bmw_vehicle_battery_preconditioning_automatic_state", "Automatic battery preconditioning",
            "Automatic preparation of the battery: 1 for the current state.",
            ["off", "on", "temp_off"], Battery + "preconditioning.automaticMode.statusFeedback"),
        new StateSet("bmw_vehicle_battery_preconditioning_manual_state", "Manual battery preconditioning",
            "Manual preparation of the battery: 1 for the current state.",
            ["off", "on_charge", "on_drive"], Battery + "preconditioning.manualMode.statusFeedback"),
        new StateSet("bmw_vehicle_charging_duration_display_state", "Display of the charging time",
            "Whether the car shows how long charging takes: 1 for the current state.",
            ["no_display_time_for_charging", "display_charging_duration", "no_display_charging_duration"],
            "powertrain.electric.chargingDuration.displayControl"),
        new StateSet("bmw_vehicle_departure_time_display_state", "Display of the departure time",
            "Whether the car shows the time of departure: 1 for the current state.",
            ["dont_display", "display_departure_time", "display_departure_time_with_v2xsoe"], "powertrain.electric.departureTime.displayControl"),
        new StateSet("bmw_vehicle_range_display_state", "Display of the electric range",
            "How the car shows its electric range: 1 for the current state.",
            [], "powertrain.electric.range.displayControl"),

        new Measurement("bmw_vehicle_lifetime_grid_energy_joules", "Lifetime grid energy",
            "Energy charged from the grid since the car was built.", Quantity.Joules, "kWh",
            Modes("gridEnergy")),
        new Measurement("bmw_vehicle_lifetime_grid_distance_meters", "Lifetime grid distance",
            "Distance that belongs to the energy charged from the grid.",
            Quantity.Meters, null, Modes("referenceDistance")),
    ];

    /// <summary>The series of a key of each charging port. <c>anyPosition</c> is for cars that do not report the position.</summary>
    public static KeySeries[] Ports(string key, string label) =>
    [
        .. from port in new[]
           {
               ("anyPosition", "any"), ("frontLeft", "front_left"), ("frontMiddle", "front_middle"), ("frontRight", "front_right"),
               ("rearLeft", "rear_left"), ("rearMiddle", "rear_middle"), ("rearRight", "rear_right"),
           }
           select new KeySeries($"powertrain.tractionBattery.charging.port.{port.Item1}.{key}", (label, port.Item2)),
    ];

    private static KeySeries[] Modes(string key) =>
    [
        new($"{Lifetime}engineOff.{key}", ("mode", "engine_off")),
        new($"{Lifetime}engineOn.{key}", ("mode", "engine_on")),
        new($"{Lifetime}overall.{key}", ("mode", "overall")),
    ];
}
