using System.Globalization;

namespace Exporter.Web;

/// <summary>
/// Formats times for a page, in the machine's time zone. The page's script shows them in the browser's zone and updates the countdowns. Immutable.
/// </summary>
internal sealed record Clock(DateTimeOffset Now, TimeZoneInfo Zone)
{
    /// <summary>The time zone of all times on a page, such as <c>UTC+01:00</c>.</summary>
    public string ZoneName => TimeZoneInfo.ConvertTime(Now, Zone) is var local && local.Offset == TimeSpan.Zero
        ? "UTC"
        : local.ToString("'UTC'zzz", CultureInfo.InvariantCulture);

    /// <summary>The time, with the date if it is not today.</summary>
    public Html At(DateTimeOffset at) => $"<time datetime=\"{Iso(at)}\" data-at>{Text(at)}</time>";

    /// <summary>The time left, counting down.</summary>
    public Html Until(DateTimeOffset at) => Relative(at, "in {}", "now");

    /// <summary>The time since, counting up.</summary>
    public Html Ago(DateTimeOffset at) => Relative(at, "in {}", "{} ago");

    /// <summary>A phrase with the duration instead of <c>{}</c>.</summary>
    /// <param name="future">The phrase before <paramref name="at"/>: <c>expires in {}</c>.</param>
    /// <param name="past">The phrase from then on: <c>expired {} ago</c>.</param>
    public Html Relative(DateTimeOffset at, string future, string past) =>
        $"<time datetime=\"{Iso(at)}\" data-future=\"{future}\" data-past=\"{past}\">{Phrase(at, future, past)}</time>";

    /// <summary><see cref="At"/> without markup.</summary>
    public string Text(DateTimeOffset at)
    {
        var (local, today) = (TimeZoneInfo.ConvertTime(at, Zone), TimeZoneInfo.ConvertTime(Now, Zone));
        return local.ToString(local.Date == today.Date ? "HH:mm" : "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
    }

    /// <summary>The two largest units, in the same format as in the script.</summary>
    public static string Duration(TimeSpan span) => span switch
    {
        { TotalDays: >= 1 } => $"{span.Days}\u00a0d {span.Hours}\u00a0h",
        { TotalHours: >= 1 } => $"{span.Hours}\u00a0h {span.Minutes}\u00a0min",
        { TotalMinutes: >= 1 } => $"{span.Minutes}\u00a0min {span.Seconds}\u00a0s",
        _ => $"{span.Seconds}\u00a0s",
    };

    private string Phrase(DateTimeOffset at, string future, string past) =>
        (at > Now ? future : past).Replace("{}", Duration((at - Now).Duration()), StringComparison.Ordinal);

    private static string Iso(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
