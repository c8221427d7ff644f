namespace Exporter.BmwCarData;

/// <summary>The states of the detailed reason for the end of charging.</summary>
internal static class BmwChargingEndReasons
{
    public static IReadOnlyList<string> All { get; } =
    [
        "no_charging_end_since_ipf_wakeup", "customer_interaction_hmi_unplug_cable_once",
        "customer_interaction_hmi_charging_target_reached", "customer_interaction_app_unplug_cable_once",
        "customer_interaction_app_charging_target_reached", "customer_interaction_charging_stop_via_charging_stop_button_socket",
        "customer_interaction_ac_charging_stop_via_key", "customer_interaction_ac_charging_stop_wallbox",
        "customer_interaction_ac_charging_stop_latch", "hv_battery_fully_charged",
        "infrastructure_physical_limits_reached_target_soe_not_reachable", "infrastructure_dc_ccs_evse_shutdown",
        "infrastructure_dc_gbt_cst_message", "infrastructure_dc_ccs_static_pilot",
        "infrastructure_dc_ccs_communication_error_failed_response_code", "infrastructure_dc_ccs_communication_error",
        "infrastructure_no_energy_transfer", "infrastructure_dc_ccs_precharge_error",
        "infrastructure_dc_ccs_evse_malfunction_emergency_shutdown", "infrastructure_station_not_compatible",
        "infrastructure_charge_readiness_timeout", "infrastructure_ac_maximum_grid_error_reached",
        "infrastructure_dc_gbt_isolation_error_detected", "infrastructure_authentification_error", "vehicle_hv_battery_error",
        "vehicle_hv_battery_communication_error", "vehicle_dcdc_error", "vehicle_plc_bootup_error",
        "vehicle_hv_battery_maximal_current_overshoot", "vehicle_isolation_error", "vehicle_maximum_temperature_charging_socket_overshoot",
        "vehicle_lt3_overshoot", "vehicle_fusi_cable_lock_error", "vehicle_plc_communication_not_possible", "flexcharger_grid_error",
        "flexcharger_grid_temperature_error", "flexcharger_evse_temperature_error", "flexcharger_evse_internal_error",
        "flexcharger_ac_dc_fault_current", "flexcharger_incorrect_reaction_time_pwm", "flexcharger_charging_current_too_high",
        "flexcharger_pe_fault", "infrastructure_inefficient_charging_low_power", "vehicle_cable_locking_error",
        "vehicle_configuration_error_400v_800v", "infrastructure_no_ac_voltage", "plug_and_charge_tls_error",
        "plug_and_charge_contract_error", "smart_charging_tariff_selection_invalid", "smart_charging_charging_profile_invalid",
        "customer_interaction_ac_charging_stop_via_app", "charging_paused", "discharge_not_possible_voltage_too_high",
        "discharge_not_possible_soe_too_low", "discharge_not_possible_internal_error", "discharge_not_possible_incompatible_adapter",
        "discharge_not_possible_incompatible_consumer",
    ];
}
