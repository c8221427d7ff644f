using System.Globalization;

namespace Exporter.BmwCarData;

/// <summary>The dates and times in values. BMW writes them in the car's language, with or without <c>UTC</c>.</summary>
internal static class BmwTimes
{
    /// <summary>Each with and without a time. A dot separates day, month and year, and a slash separates month, day and year.</summary>
    private static readonly string[] Formats =
    [
        .. from date in new[] { "d.M.yyyy", "M/d/yyyy", "yyyy-M-d" }
           from time in new[] { " H:m:s", " H:m", " h:m:s tt", " h:m tt", "" }
           select date + time,
    ];

    /// <summary>A number is in seconds, or in milliseconds if the seconds would be after the year 5000.</summary>
    public static double? ToUnixSeconds(BmwValue value) => value switch
    {
        BmwValue.Number(>= 1e11 and < 1e14 and var milliseconds) => milliseconds / 1000,
        BmwValue.Number(> 0 and < 1e11 and var seconds) => seconds,
        BmwValue.Text(var text) => (BmwMessageParser.Time(text) ?? Parse(text))?.ToUnixTimeMilliseconds() / 1000.0,
        _ => null,
    };

    public static double? ToSecondsOfDay(BmwValue value) =>
        value is BmwValue.Text(var text) && TimeOnly.TryParse(text, CultureInfo.InvariantCulture, out var time)
            ? time.ToTimeSpan().TotalSeconds
            : null;

    private static DateTimeOffset? Parse(string text)
    {
        text = text.EndsWith("UTC", StringComparison.OrdinalIgnoreCase) ? text[..^"UTC".Length].TrimEnd() : text;
        return DateTimeOffset.TryParseExact(
            text.Replace('T', ' '), Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
    }
}
