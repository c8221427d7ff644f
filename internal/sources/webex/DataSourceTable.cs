using System.Globalization;
using Exporter.Accounts;

namespace Exporter.Webex;

/// <summary>Data sources and schemas in columns, for a terminal.</summary>
internal static class DataSourceTable
{
    public static string Of(IReadOnlyList<WebexDataSource> sources, DateTimeOffset now) => sources.Count == 0
        ? "There are no data sources.\n"
        : TextTable.Of([["id", "status", "schema", "token ends", "left", "url"],
            .. sources.Select(s => new[] { s.Id, s.Status, s.SchemaId ?? s.Claims?.SchemaId, When(s.TokenEndsAt), Left(s.TokenEndsAt, now), s.Url ?? s.Claims?.Url })]);

    public static string Of(IReadOnlyList<WebexSchema> schemas) => schemas.Count == 0
        ? "There are no schemas.\n"
        : TextTable.Of([["id", "service type", "protocol", "app type"], .. schemas.Select(s => new[] { s.Id, s.ServiceType, s.Protocol, s.AppType })]);

    public static string Of(WebexDataSource source, DateTimeOffset now)
    {
        var claims = source.Claims;
        var mismatches = string.Join(", ", source.Mismatches.Where(m => m.Value).Select(m => m.Key));
        (string Name, string? Value)[] rows =
        [
            ("id", source.Id), ("status", source.Status), ("error message", source.ErrorMessage), ("url", source.Url ?? claims?.Url),
            ("schema", source.SchemaId ?? claims?.SchemaId), ("audience", source.Audience ?? claims?.Audience), ("subject", source.Subject ?? claims?.Subject),
            ("organization", source.OrgId), ("application", source.ApplicationId),
            ("token lifetime", source.TokenLifetime is { } life ? string.Create(CultureInfo.InvariantCulture, $"{life.TotalMinutes:0} minutes") : null),
            ("token issued by", claims?.Issuer), ("token issued at", claims is null ? null : When(claims.IssuedAt)),
            ("token ends", source.TokenEndsAt is null ? null : $"{When(source.TokenEndsAt)} ({Left(source.TokenEndsAt, now)})"),
            ("token differs in", mismatches.Length == 0 ? null : mismatches), ("created", When(source.CreatedAt)), ("updated", When(source.UpdatedAt)),
        ];
        return TextTable.Of([.. rows.Where(row => row.Value is not (null or "–")).Select(row => new[] { row.Name, row.Value })]);
    }

    private static string When(DateTimeOffset? at) => at is { } moment ? moment.ToString("u", CultureInfo.InvariantCulture) : "–";

    private static string Left(DateTimeOffset? end, DateTimeOffset now) => (end - now) switch
    {
        null => "–",
        { Ticks: <= 0 } => "ended",
        { TotalDays: >= 2 } left => $"{(int)left.TotalDays} d {left.Hours} h",
        { TotalHours: >= 1 } left => $"{(int)left.TotalHours} h {left.Minutes} min",
        { } left => $"{left.Minutes} min",
    };
}
