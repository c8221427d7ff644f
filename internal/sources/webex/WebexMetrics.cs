using System.Security.Cryptography;
using System.Text;
using Exporter.Metrics;

namespace Exporter.Webex;

/// <summary>Reading in, families out, and nothing else. No token, no nonce and no error message becomes a label; of a URL the host does, for its path may hold a secret.</summary>
internal static class WebexMetrics
{
    private const string Active = "active";
    private const string Disabled = "disabled";

    /// <summary>What Webex may call a status some day.</summary>
    private const string Other = "other";

    private static readonly string[] Statuses = [Active, Disabled, Other];

    /// <summary>Every name that <see cref="From"/> can give.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "webex_data_sources", "webex_data_source_info", "webex_data_source_active", "webex_data_source_token_expiry_timestamp_seconds",
        "webex_data_source_token_issued_timestamp_seconds", "webex_data_source_token_lifetime_seconds", "webex_data_source_created_timestamp_seconds",
        "webex_data_source_updated_timestamp_seconds", "webex_data_source_claim_mismatch", "webex_data_source_error_info", "webex_schemas",
        "webex_data_source_token_extensions_total", "webex_data_source_token_extension_failures_total",
    ];

    public static IEnumerable<MetricFamily> From(WebexReading reading)
    {
        // A source that a list gives no id for is counted, and has no series of its own.
        IReadOnlyList<WebexDataSource> named = [.. reading.DataSources.Where(source => source.Id.Length > 0).DistinctBy(source => source.Id)];
        yield return MetricFamily.Gauge("webex_data_sources", "Data sources of the service app, by status. They are polled on the exporter's own clock.",
            Statuses.Select(status => new Sample(LabelSet.Of(("status", status)), reading.DataSources.Count(source => StatusOf(source) == status))));
        yield return MetricFamily.Info("webex_data_source_info", "What the data source is.", named.Select(source => LabelSet.Of(
            ("id", source.Id), ("schema_id", SchemaOf(source) ?? ""), ("service_type", reading.Schemas?.FirstOrDefault(s => s.Id == SchemaOf(source))?.ServiceType ?? ""),
            ("org_id", source.OrgId ?? ""), ("application_id", source.ApplicationId ?? ""), ("audience", source.Audience ?? source.Claims?.Audience ?? ""),
            ("subject", source.Subject ?? source.Claims?.Subject ?? ""), ("url_host", source.UrlHost ?? ""))));
        yield return Each("webex_data_source_active", "Whether the data source is active: 1, or 0 where it is disabled.", source => source.Status is null ? null : source.IsActive ? 1 : 0);
        yield return Each("webex_data_source_token_expiry_timestamp_seconds", "When the data source's signed token ends; Webex stops delivering then, unless it is extended before.",
            source => Seconds(source.TokenEndsAt));
        yield return Each("webex_data_source_token_issued_timestamp_seconds", "When the data source's signed token was made.", source => Seconds(source.Claims?.IssuedAt));
        yield return Each("webex_data_source_token_lifetime_seconds", "How long a signed token of the data source is made for.", source => source.TokenLifetime?.TotalSeconds);
        yield return Each("webex_data_source_created_timestamp_seconds", "When the data source was registered.", source => Seconds(source.CreatedAt));
        yield return Each("webex_data_source_updated_timestamp_seconds", "When the data source was last changed or extended.", source => Seconds(source.UpdatedAt));
        yield return MetricFamily.Gauge("webex_data_source_claim_mismatch", "Whether the signed token says something else than the data source itself, by claim. Only what both say is compared.",
            named.SelectMany(source => source.Mismatches.Select(m => new Sample(LabelSet.Of(("id", source.Id), ("claim", m.Key)), m.Value ? 1 : 0))));
        yield return MetricFamily.Info("webex_data_source_error_info", "That a data source is disabled; the hash changes with the error message, which data-sources show tells.",
            named.Where(source => source.IsDisabled).Select(source => LabelSet.Of(("id", source.Id), ("message_hash", Hash(source.ErrorMessage)))));
        if (reading.Schemas is { } schemas)
        {
            yield return MetricFamily.Gauge("webex_schemas", "Schemas that a data source can be registered with.", schemas.Count);
        }
        yield return MetricFamily.Counter("webex_data_source_token_extensions_total", "Automatic extensions of the data source's signed token.",
            reading.Extensions.Done.Where(done => IsThere(done.Key)).Select(done => new Sample(LabelSet.Of(("id", done.Key)), done.Value)));
        yield return MetricFamily.Counter("webex_data_source_token_extension_failures_total", "Automatic extensions of the data source's signed token that failed, by reason.",
            reading.Extensions.Failed.Where(failed => IsThere(failed.Key.Id)).Select(failed => new Sample(LabelSet.Of(("id", failed.Key.Id), ("reason", failed.Key.Reason)), failed.Value)));

        bool IsThere(string id) => named.Any(source => source.Id == id);

        MetricFamily Each(string name, string help, Func<WebexDataSource, double?> value) => MetricFamily.Gauge(name, help,
            from source in named let number = value(source) where number is not null select new Sample(LabelSet.Of(("id", source.Id)), number.Value));
    }

    private static string StatusOf(WebexDataSource source) => source.Status is Active or Disabled ? source.Status : Other;

    private static string? SchemaOf(WebexDataSource source) => source.SchemaId ?? source.Claims?.SchemaId;

    private static double? Seconds(DateTimeOffset? at) => at?.ToUnixTimeMilliseconds() / 1000.0;

    private static string Hash(string? message) => message is null ? "" : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(message)))[..12];
}
