using System.Globalization;

namespace Exporter.Webex;

/// <summary>Data sources and schemas as text tables.</summary>
internal static class DataSourceTable
{
    public static string Of(IReadOnlyList<WebexDataSource> sources, DateTimeOffset now) => sources.Count == 0
        ? "There are no data sources.\n"
        : TextTable.Of([["id", "status", "schema", "token expires", "left", "url"], .. sources.Select(DataSourceView.Of).Select(s =>
            new[] { s.Id, s.Status, s.SchemaId, Format(s.TokenExpiresAt), Remaining(s.TokenExpiresAt, now), s.Url })]);

    public static string Of(IReadOnlyList<WebexSchema> schemas) => schemas.Count == 0
        ? "There are no schemas.\n"
        : TextTable.Of(
            [["id", "service type", "protocol", "app type"], .. schemas.Select(s => new[] { s.Id, s.ServiceType, s.Protocol, s.AppType })]);

    public static string Of(WebexDataSource source, DateTimeOffset now)
    {
        var view = DataSourceView.Of(source);
        (string Name, string? Value)[] rows =
        [
            ("id", view.Id), ("status", view.Status), ("error message", view.ErrorMessage), ("url", view.Url), ("schema", view.SchemaId),
            ("audience", view.Audience), ("subject", view.Subject), ("organization", view.OrgId), ("application", view.ApplicationId),
            ("token lifetime", view.TokenLifetimeMinutes is { } minutes ? string.Create(CultureInfo.InvariantCulture, $"{minutes:0} minutes") : null),
            ("token issued by", source.Claims?.Issuer), ("token issued at", Format(view.TokenIssuedAt)),
            ("token expires", view.TokenExpiresAt is { } expiry ? $"{Format(expiry)} ({Remaining(expiry, now)})" : null),
            ("token differs in", view.ClaimMismatches.Count == 0 ? null : string.Join(", ", view.ClaimMismatches)),
            ("created", Format(view.CreatedAt)), ("updated", Format(view.UpdatedAt)),
        ];
        return TextTable.Of([.. rows.Where(row => row.Value is not (null or "–")).Select(row => new[] { row.Name, row.Value })]);
    }

    private static string Format(DateTimeOffset? at) => at?.ToString("u", CultureInfo.InvariantCulture) ?? "–";

    private static string Remaining(DateTimeOffset? expiry, DateTimeOffset now) => (expiry - now) switch
    {
        null => "–",
        { Ticks: <= 0 } => "expired",
        { TotalDays: >= 2 } left => $"{(int)left.TotalDays} d {left.Hours} h",
        { TotalHours: >= 1 } left => $"{(int)left.TotalHours} h {left.Minutes} min",
        { } left => $"{left.Minutes} min",
    };
}
