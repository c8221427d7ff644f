using System.Security.Cryptography;
using System.Text;

namespace Exporter.Webex;

/// <summary>Turns a reading into metrics. A label never contains a token, a nonce, an error message, or more of a URL than its host.</summary>
internal static class WebexMetrics
{
    /// <summary>The last is any status that Webex does not document.</summary>
    private static readonly string[] Statuses = ["active", "disabled", "other"];

    public static IEnumerable<MetricFamily> From(WebexReading reading)
    {
        // A source without an ID is counted, and has no series of its own.
        IReadOnlyList<WebexDataSource> sources = [.. reading.DataSources.Where(source => source.Id.Length > 0).DistinctBy(source => source.Id)];
        var ids = sources.Select(source => source.Id).ToHashSet();
        var schemas = (reading.Schemas ?? []).ToLookup(schema => schema.Id);
        yield return MetricFamily.Gauge(
            "webex_data_sources", "Data sources of the service app, by status. They are polled on the exporter's own clock.",
            Statuses.Select(status => new Sample(LabelSet.Of(("status", status)), reading.DataSources.Count(source => StatusOf(source) == status))));
        yield return MetricFamily.Info("webex_data_source_info", "The members of the data source.",
            sources.Select(source => Info(DataSourceView.Of(source), source.UrlHost, schemas)));
        yield return PerSource("webex_data_source_active", "Whether the data source is active: 1, or 0 if it is disabled.",
            source => source.Status is null ? null : source.IsActive ? 1 : 0);
        yield return PerSource("webex_data_source_token_expiry_timestamp_seconds",
            "When the data source's signed token expires. Webex then stops delivering, unless the source is extended before.",
            source => Seconds(source.TokenExpiresAt));
        yield return PerSource("webex_data_source_token_issued_timestamp_seconds", "When the data source's signed token was issued.",
            source => Seconds(source.Claims?.IssuedAt));
        yield return PerSource("webex_data_source_token_lifetime_seconds", "Configured lifetime of the data source's signed tokens.",
            source => source.TokenLifetime?.TotalSeconds);
        yield return PerSource("webex_data_source_created_timestamp_seconds", "When the data source was registered.",
            source => Seconds(source.CreatedAt));
        yield return PerSource("webex_data_source_updated_timestamp_seconds", "When the data source was last changed or extended.",
            source => Seconds(source.UpdatedAt));
        yield return MetricFamily.Gauge("webex_data_source_claim_mismatch",
            "Whether the signed token differs from the data source, by claim. Claims that only one of the two has are omitted.",
            from source in sources
            from claim in source.Mismatches
            select new Sample(LabelSet.Of(("id", source.Id), ("claim", claim.Key)), claim.Value ? 1 : 0));
        yield return MetricFamily.Info("webex_data_source_error_info",
            "1 for a disabled data source. The hash changes with the error message, which data-sources show prints.",
            sources.Where(source => source.IsDisabled).Select(source => LabelSet.Of(("id", source.Id), ("message_hash", Hash(source.ErrorMessage)))));
        if (reading.Schemas is { Count: var count })
        {
            yield return MetricFamily.Gauge("webex_schemas", "Schemas that a data source can be registered with.", count);
        }
        yield return MetricFamily.Counter("webex_data_source_token_extensions_total", "Automatic extensions of the data source's signed token.",
            from success in reading.Extensions.Succeeded
            where IsPresent(success.Key)
            select new Sample(LabelSet.Of(("id", success.Key)), success.Value));
        yield return MetricFamily.Counter("webex_data_source_token_extension_failures_total",
            "Automatic extensions of the data source's signed token that failed, by reason.",
            from failure in reading.Extensions.Failed
            where IsPresent(failure.Key.Id)
            select new Sample(LabelSet.Of(("id", failure.Key.Id), ("reason", failure.Key.Reason)), failure.Value));

        bool IsPresent(string id) => ids.Contains(id);

        MetricFamily PerSource(string name, string help, Func<WebexDataSource, double?> value) => MetricFamily.Gauge(name, help,
            from source in sources
            let number = value(source)
            where number is not null
            select new Sample(LabelSet.Of(("id", source.Id)), number.Value));
    }

    private static LabelSet Info(DataSourceView source, string? host, ILookup<string, WebexSchema> schemas) => LabelSet.Of(
        ("id", source.Id), ("schema_id", source.SchemaId ?? ""),
        ("service_type", schemas[source.SchemaId!].FirstOrDefault()?.ServiceType ?? ""),
        ("org_id", source.OrgId ?? ""), ("application_id", source.ApplicationId ?? ""), ("audience", source.Audience ?? ""),
        ("subject", source.Subject ?? ""), ("url_host", host ?? ""));

    private static string StatusOf(WebexDataSource source) => source.IsActive || source.IsDisabled ? source.Status! : Statuses[^1];

    public static double? Seconds(DateTimeOffset? at) => at?.ToUnixTimeMilliseconds() / 1000.0;

    private static string Hash(string? message) =>
        message is null ? "" : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(message)))[..12];
}
