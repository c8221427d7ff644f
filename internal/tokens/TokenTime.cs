using System.Globalization;
using System.Text.RegularExpressions;

namespace Exporter.Tokens;

/// <summary>Reads a time of a token file: Unix seconds, or text as RFC 3339 and Go define it.</summary>
internal static partial class TokenTime
{
    /// <summary>The time; null if the text is not one, or is Go's zero time or zero seconds, which mean "none".</summary>
    public static DateTimeOffset? Parse(string? text) => TryParse(text, out var time) && time.Year > 1 ? time.ToUniversalTime() : null;

    /// <summary>Whether the text is a time, or means "none".</summary>
    public static bool IsValid(string text) => TryParse(text, out _);

    private static bool TryParse(string? text, out DateTimeOffset time)
    {
        text = text?.Trim();
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds))
        {
            time = seconds is > 0 and < 1e11 ? DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(seconds) : default;
            return seconds is 0 or (> 0 and < 1e11);
        }
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time)
            || TryParseExtreme(text, out time);
    }

    /// <summary>What .NET rejects: a leap second, an offset of more than 14 hours, and a fraction that it rounds to the year 10000.</summary>
    private static bool TryParseExtreme(string? text, out DateTimeOffset time)
    {
        time = default;
        if (Rfc3339().Match(text ?? "") is not { Success: true } match
            || !DateTime.TryParseExact(match.Groups["minute"].Value.ToUpperInvariant(), "yyyy-MM-ddTHH:mm", CultureInfo.InvariantCulture,
                DateTimeStyles.None, out var minute))
        {
            return false;
        }
        var (second, offsetHours, offsetMinutes) = (Number("second"), Number("hours"), Number("minutes"));
        if (second > 60 || offsetHours > 23 || offsetMinutes > 59)
        {
            return false;
        }
        var offset = new TimeSpan(offsetHours, offsetMinutes, 0) * (match.Groups["sign"].Value == "-" ? -1 : 1);
        var fraction = match.Groups["fraction"].Value.PadRight(7, '0')[..7];
        var ticks = minute.Ticks + (second * TimeSpan.TicksPerSecond) + int.Parse(fraction, CultureInfo.InvariantCulture) - offset.Ticks;
        time = new DateTimeOffset(Math.Clamp(ticks, 0, DateTime.MaxValue.Ticks), TimeSpan.Zero);
        return true;

        int Number(string group) =>
            int.TryParse(match.Groups[group].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }

    [GeneratedRegex(@"^(?<minute>[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}):(?<second>[0-9]{2})([.,](?<fraction>[0-9]+))?"
        + @"([Zz]|(?<sign>[+-])(?<hours>[0-9]{2}):(?<minutes>[0-9]{2}))$", RegexOptions.ExplicitCapture)]
    private static partial Regex Rfc3339();
}
