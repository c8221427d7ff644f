using System.Globalization;

namespace Exporter.Webex;

/// <summary>Data sources and schemas as tables of text and of the page.</summary>
internal static class DataSourceTable
{
    /// <summary>The columns of the list, which the command and the page share.</summary>
    private static readonly (string Name, Func<DataSourceView, DateTimeOffset, ReadingValue?> Value)[] Columns =
    [
        ("ID", (source, _) => Text(source.Id)),
        ("Status", (source, _) => Text(source.Status)),
        ("Schema", (source, _) => Text(source.SchemaId)),
        ("Token expires", (source, _) => source.TokenExpiresAt is { } expiry ? new ReadingValue.Time(expiry) : null),
        ("Left", (source, now) => source.TokenExpiresAt is { } expiry ? Text(Remaining(expiry, now)) : null),
        ("URL", (source, _) => Text(source.Url)),
    ];

    public static string Of(IReadOnlyList<WebexDataSource> sources, DateTimeOffset now) => sources.Count == 0
        ? "There are no data sources.\n"
        : TextTable.Of(
        [
            [.. Columns.Select(column => column.Name.ToLowerInvariant())],
            .. sources.Select(DataSourceView.Of).Select(source => Columns.Select(column => Format(column.Value(source, now))).ToArray()),
        ]);

    /// <summary>For the page, with only the host of each URL, because a path may contain a secret.</summary>
    public static ReadingTable Present(IReadOnlyList<WebexDataSource> sources, DateTimeOffset now) => new(
        "Data sources",
        [.. Columns.Select(column => column.Name)],
        [.. sources.Select(source => DataSourceView.Of(source) with { Url = source.UrlHost })
            .Select(source => Columns.Select(column => column.Value(source, now)).ToList())]);

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

    private static ReadingValue.Text? Text(string? text) => string.IsNullOrWhiteSpace(text) ? null : new(text);

    private static string? Format(ReadingValue? value) => value switch
    {
        ReadingValue.Time time => Format(time.At),
        ReadingValue.Text text => text.Value,
        _ => null,
    };

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
