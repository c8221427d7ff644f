using System.Collections.Frozen;

namespace Exporter.BmwCarData;

/// <summary>BMW's words for states, yes and no, such as <c>FLAP_LOCKED</c>, <c>ASN_isTrue</c> and <c>NOTCHOSEN</c>, in any case.</summary>
internal static class BmwWords
{
    private static readonly FrozenSet<string> Abbreviations =
    [
        "400v", "800v", "ac", "bpt", "ccs", "cst", "dc", "dcdc", "ecu", "evse", "gbt", "gps", "hmi", "hv", "hvs", "imo", "ipf", "lt3", "nvm", "pe",
        "plc", "pwm", "soc", "soe", "tls", "utc", "v2xsoe", "xml",
    ];

    /// <summary>Sentences for states whose words BMW writes together, or misspells.</summary>
    private static readonly FrozenDictionary<string, string> Sentences = new Dictionary<string, string>
    {
        ["nocharging"] = "Not charging",
        ["chargingactive"] = "Charging active",
        ["chargingpaused"] = "Charging paused",
        ["chargingended"] = "Charging ended",
        ["chargingerror"] = "Charging error",
        ["maxcharging"] = "Maximum",
        ["reducedcharging"] = "Reduced",
        ["mincharging"] = "Minimum",
        ["ac_type1plug"] = "AC, type 1 plug",
        ["ac_type2plug"] = "AC, type 2 plug",
        ["renewable_energey"] = "Renewable energy",
        ["co2_optimized"] = "CO₂ optimized",
        ["closedsecured"] = "Closed and secured",
        ["opensecured"] = "Open and secured",
        ["lowfuel"] = "Low fuel",
        ["lowbattery"] = "Low battery",
        ["quotaexceeded"] = "Quota exceeded",
        ["heaterfailure"] = "Heater failure",
        ["componentfailure"] = "Component failure",
        ["openorunlocked"] = "Open or unlocked",
        ["doorsonly"] = "Doors only",
        ["doorstiltcabin"] = "Doors, tilt and cabin",
        ["wintertime"] = "Winter time",
        ["summertime"] = "Summer time",
    }.ToFrozenDictionary();

    /// <summary>A label's value in words for people: <c>front left</c>, <c>HV status</c>.</summary>
    public static string ToPhrase(string text) =>
        string.Join(' ', text.Split('_').Select(word => Abbreviations.Contains(word) ? word.ToUpperInvariant() : word));

    /// <summary>A state in words for people: <c>Charging active</c>.</summary>
    /// <param name="state">As <see cref="ToState"/> returns it.</param>
    public static string ToSentence(string state) =>
        Sentences.TryGetValue(state, out var known) ? known : char.ToUpperInvariant(state[0]) + ToPhrase(state)[1..];

    /// <summary>A state's label: in lower case, without BMW's prefix <c>ASN_</c>, and with one kind of separator.</summary>
    public static string ToState(string text)
    {
        var word = text.ToLowerInvariant().Replace('-', '_');
        return word.StartsWith("asn_", StringComparison.Ordinal) ? word["asn_".Length..] : word;
    }

    /// <summary>1 or 0; null if the word is neither.</summary>
    public static double? ToBoolean(string text)
    {
        var word = ToState(text);
        return word switch
        {
            "true" or "istrue" or "open" or "intermediate" or "connected" or "chosen" or "locked" or "secured" or "on" or "yes" or "active" => 1,
            "false" or "isfalse" or "closed" or "disconnected" or "notchosen" or "unlocked" or "off" or "no" or "inactive" or "not_active" => 0,
            // Not all doors are locked.
            "selectivelocked" or "selective_locked" or "selectiveunlocked" or "partially_locked" => 0,
            _ when EndsWith("_not_active") || EndsWith("_not_locked") || EndsWith("_inactive") || EndsWith("_unlocked") => 0,
            _ when EndsWith("_active") || EndsWith("_locked") => 1,
            _ => null,
        };

        bool EndsWith(string end) => word.EndsWith(end, StringComparison.Ordinal);
    }
}
