using System.Buffers;
using System.Globalization;

namespace Exporter.Accounts;

/// <summary>
/// Durations as Go's <c>time.ParseDuration</c> reads them (<c>8m</c>, <c>1h30m</c>, <c>1.5h</c>, <c>-300ms</c>), and <c>d</c> for days of
/// 24 hours, which Go does not have. A <see cref="TimeSpan"/> counts in 100 ns; what is finer is cut off.
/// </summary>
public static class GoDuration
{
    private const long Hour = 3_600_000_000_000;
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    /// <summary>Nanoseconds of each unit, the long ones first for writing. Both signs for micro are in use (U+00B5, U+03BC).</summary>
    private static readonly (string Name, long Nanoseconds)[] Units =
        [("d", 24 * Hour), ("h", Hour), ("m", Hour / 60), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1), ("\u00b5s", 1_000), ("\u03bcs", 1_000)];

    public static Parsed<TimeSpan> Parse(string text)
    {
        var rest = text.AsSpan();
        var negative = rest.StartsWith("-");
        if (negative || rest.StartsWith("+"))
        {
            rest = rest[1..];
        }

        // Go's one exception: zero needs no unit.
        if (rest is "0")
        {
            return Parsed.Value(TimeSpan.Zero);
        }

        if (rest.IsEmpty)
        {
            return NoDuration(text);
        }

        decimal nanoseconds = 0;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(NumberCharacters);
            var number = digits < 0 ? rest : rest[..digits];
            if (!Number(number, out var count))
            {
                return NoDuration(text);
            }

            if (digits < 0)
            {
                return Parsed.Problem<TimeSpan>($"{Quote.Of(text)}: a duration needs a unit, for example {(number.Length < 5 && number.IndexOf('.') < 0 ? number : "8")}m");
            }

            rest = rest[digits..];
            var letters = rest.IndexOfAny(NumberCharacters);
            var name = (letters < 0 ? rest : rest[..letters]).ToString();
            var unit = Array.Find(Units, unit => unit.Name == name);
            if (unit.Name is null)
            {
                return Parsed.Problem<TimeSpan>(
                    $"{Quote.Of(text)}: there is no unit {Quote.Of(name)} for a duration; the units are ns, us, ms, s, m, h and d");
            }

            // Go counts nanoseconds in 64 bits: 292 years. Compared before multiplying, since a decimal ends as well.
            if (count > long.MaxValue / (decimal)unit.Nanoseconds || (nanoseconds += count * unit.Nanoseconds) > long.MaxValue)
            {
                return Parsed.Problem<TimeSpan>($"{Quote.Of(text)}: a duration ends at 292 years; use a shorter one");
            }

            rest = letters < 0 ? [] : rest[letters..];
        }

        var ticks = (long)(nanoseconds / 100);
        return Parsed.Value(TimeSpan.FromTicks(negative ? -ticks : ticks));
    }

    /// <summary>In the same syntax, without parts that are zero: <c>1h30m</c>, <c>300ms</c>, <c>0s</c>.</summary>
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

    /// <summary>Digits with at most one point, and at least one digit: <c>1</c>, <c>.5</c> and <c>1.</c> are numbers, <c>.</c> is not.</summary>
    private static bool Number(ReadOnlySpan<char> text, out decimal number)
    {
        number = 0;
        var point = text.IndexOf('.');
        var digits = text.Length - (point < 0 ? 0 : 1);
        if (digits == 0 || (point >= 0 && text[(point + 1)..].Contains('.')))
        {
            return false;
        }

        // Digits behind the eighteenth place are finer than anything we count, and more than a decimal takes.
        var whole = (point < 0 ? text : text[..point]).TrimStart('0');
        var fraction = point < 0 ? [] : text[(point + 1)..];
        number = whole.Length > 19
            ? decimal.MaxValue
            : decimal.Parse($"0{whole}.{fraction[..Math.Min(fraction.Length, 18)]}0", NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
        return true;
    }

    private static Parsed<TimeSpan> NoDuration(string text) =>
        Parsed.Problem<TimeSpan>($"{Quote.Of(text)} is not a duration; write it like 8m, 90s or 1h30m");
}
