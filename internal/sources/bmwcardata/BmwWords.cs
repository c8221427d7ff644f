namespace Exporter.BmwCarData;

/// <summary>BMW's words for states, yes and no, such as <c>FLAP_LOCKED</c>, <c>ASN_isTrue</c> and <c>NOTCHOSEN</c>, in any case.</summary>
internal static class BmwWords
{
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
