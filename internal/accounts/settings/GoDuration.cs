using System.Buffers;
using System.Globalization;

namespace Exporter.Accounts;

/// <summary>
/// Durations in the syntax of Go's <c>time.ParseDuration</c> (<c>8m</c>, <c>1h30m</c>, <c>1.5h</c>, <c>-300ms</c>), plus <c>d</c> for days of
/// 24 hours. A <see cref="TimeSpan"/> counts in 100 ns; anything finer is truncated.
/// </summary>
public static class GoDuration
{
    private const long Hour = 3_600_000_000_000;
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    /// <summary>Nanoseconds of each unit, the long ones first for formatting. Both characters for micro are in use (U+00B5, U+03BC).</summary>
    private static readonly (string Name, long Nanoseconds)[] Units =
    [
        ("d", 24 * Hour), ("h", Hour), ("m", Hour / 60), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
        ("\u00b5s", 1_000), ("\u03bcs", 1_000),
    ];

    public static Result<TimeSpan, string> Parse(string text)
    {
        var negative = text.StartsWith('-');
        var rest = text.AsSpan(negative || text.StartsWith('+') ? 1 : 0);
        // Go's one exception: zero needs no unit.
        if (rest is "0")
        {
            return TimeSpan.Zero;
        }
        decimal nanoseconds = 0;
        do
        {
            var digits = rest.IndexOfAnyExcept(NumberCharacters);
            var number = digits < 0 ? rest : rest[..digits];
            // As a double first, because a long number overflows a decimal. 1, .5 and 1. are numbers, . is not.
            if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rough))
            {
                return $"{Quote.Of(text)} is not a duration; write it like 8m, 90s or 1h30m";
            }
            if (digits < 0)
            {
                var example = number.Length < 5 && !number.Contains('.') ? number : "8";
                return $"{Quote.Of(text)}: a duration needs a unit, for example {example}m";
            }
            rest = rest[digits..];
            var letters = rest.IndexOfAny(NumberCharacters);
            var name = (letters < 0 ? rest : rest[..letters]).ToString();
            var unit = Array.Find(Units, unit => unit.Name == name);
            if (unit.Name is null)
            {
                return $"{Quote.Of(text)}: there is no unit {Quote.Of(name)} for a duration; the units are ns, us, ms, s, m, h and d";
            }
            // Go counts nanoseconds in 64 bits, which is 292 years.
            if (rough * unit.Nanoseconds > long.MaxValue
                || (nanoseconds += decimal.Parse(number, CultureInfo.InvariantCulture) * unit.Nanoseconds) > long.MaxValue)
            {
                return $"{Quote.Of(text)}: the maximum duration is 292 years; use a shorter one";
            }
            rest = letters < 0 ? [] : rest[letters..];
        }
        while (!rest.IsEmpty);
        var ticks = (long)(nanoseconds / 100);
        return TimeSpan.FromTicks(negative ? -ticks : ticks);
    }

    /// <summary>Formats a duration in the same syntax, without parts that are zero: <c>1h30m</c>, <c>300ms</c>, <c>0s</c>.</summary>
    public static string Text(TimeSpan duration)
    {
        if (duration == TimeSpan.Zero)
        {
            return "0s";
        }
        var text = duration < TimeSpan.Zero ? "-" : "";
        var rest = Math.Abs((decimal)duration.Ticks) * 100;
        foreach (var (name, nanoseconds) in Units[..7])
        {
            var count = decimal.Truncate(rest / nanoseconds);
            rest -= count * nanoseconds;
            text += count > 0 ? string.Create(CultureInfo.InvariantCulture, $"{count:0}{name}") : "";
        }
        return text;
    }
}
