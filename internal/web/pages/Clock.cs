using System.Globalization;

namespace Exporter.Web;

/// <summary>Moments as a page shows them, in the machine's time zone; the page's script counts on from there. Immutable.</summary>
internal sealed record Clock(DateTimeOffset Now, TimeZoneInfo Zone)
{
    /// <summary>What stands behind all moments of a page: <c>UTC+01:00</c>.</summary>
    public string ZoneName => Zone.GetUtcOffset(Now) is var offset && offset == TimeSpan.Zero
        ? "UTC"
        : $"UTC{(offset < TimeSpan.Zero ? '-' : '+')}{offset.ToString(@"hh\:mm", CultureInfo.InvariantCulture)}";

    /// <summary>The hour, and the day where it is not today.</summary>
    public Html At(DateTimeOffset at) => $"<time datetime=\"{Iso(at)}\">{Written(at)}</time>";

    /// <summary>How long until then, counting down.</summary>
    public Html Until(DateTimeOffset at) => $"<time datetime=\"{Iso(at)}\" data-count=\"down\">{(at > Now ? $"in {Length(at - Now)}" : "now")}</time>";

    /// <summary>How long ago, counting up.</summary>
    public Html Ago(DateTimeOffset at) => $"<time datetime=\"{Iso(at)}\" data-count=\"up\">{Length(at < Now ? Now - at : TimeSpan.Zero)} ago</time>";

    public string Written(DateTimeOffset at)
    {
        var (local, today) = (TimeZoneInfo.ConvertTime(at, Zone), TimeZoneInfo.ConvertTime(Now, Zone));
        return local.ToString(local.Date == today.Date ? "HH:mm" : "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
    }

    /// <summary>The two largest units. The script says it in the same words.</summary>
    public static string Length(TimeSpan span) => span switch
    {
        { TotalDays: >= 1 } => $"{span.Days}\u00a0d {span.Hours}\u00a0h",
        { TotalHours: >= 1 } => $"{span.Hours}\u00a0h {span.Minutes}\u00a0min",
        { TotalMinutes: >= 1 } => $"{span.Minutes}\u00a0min {span.Seconds}\u00a0s",
        _ => $"{span.Seconds}\u00a0s",
    };

    private static string Iso(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
