using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Exporter.Webex;

/// <summary>The service app's data sources as of the last poll.</summary>
/// <param name="Schemas">Null if they could not be read.</param>
internal sealed record WebexReading(
    IReadOnlyList<WebexDataSource> DataSources, IReadOnlyList<WebexSchema>? Schemas, ExtensionCounts Extensions)
{
    /// <summary>The reading for <c>/debug/data</c>: without tokens and nonces, and only the host of each URL.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(
        [.. DataSources.Select(source => DataSourceView.Of(source) with { Url = source.UrlHost })], DataSourceJson.Default.DataSourceViewArray);
}

/// <summary>Automatic extensions since the start: successes by data source ID, failures by ID and reason.</summary>
internal sealed record ExtensionCounts(
    ImmutableSortedDictionary<string, long> Succeeded, ImmutableSortedDictionary<(string Id, string Reason), long> Failed)
{
    public static ExtensionCounts None { get; } =
        new(ImmutableSortedDictionary<string, long>.Empty, ImmutableSortedDictionary<(string, string), long>.Empty);

    /// <summary>Adds zeros, because a counter must exist before its first increment.</summary>
    public ExtensionCounts WithZeros(string id) => Succeeded.ContainsKey(id)
        ? this
        : new(Succeeded.SetItem(id, 0), ApiFailure.Kinds.Aggregate(Failed, (failed, kind) => failed.SetItem((id, kind), 0)));

    public ExtensionCounts WithSuccess(string id) => this with { Succeeded = Succeeded.SetItem(id, Succeeded.GetValueOrDefault(id) + 1) };

    public ExtensionCounts WithFailure(string id, string reason) =>
        this with { Failed = Failed.SetItem((id, reason), Failed.GetValueOrDefault((id, reason)) + 1) };
}

/// <summary>What is shown of a data source: neither token nor nonce. A member that only the signed token contains comes from there.</summary>
internal sealed record DataSourceView(
    string Id, string? Status, string? ErrorMessage, string? Url, string? SchemaId, string? Audience, string? Subject, string? OrgId,
    string? ApplicationId, double? TokenLifetimeMinutes, DateTimeOffset? TokenIssuedAt,
    [property: JsonPropertyName("token_ends_at")] DateTimeOffset? TokenExpiresAt, DateTimeOffset? CreatedAt, DateTimeOffset? UpdatedAt,
    IReadOnlyList<string> ClaimMismatches)
{
    public static DataSourceView Of(WebexDataSource source) => new(
        source.Id, source.Status, source.ErrorMessage, source.Url ?? source.Claims?.Url, source.SchemaId ?? source.Claims?.SchemaId,
        source.Audience ?? source.Claims?.Audience, source.Subject ?? source.Claims?.Subject, source.OrgId, source.ApplicationId,
        source.TokenLifetime?.TotalMinutes, source.Claims?.IssuedAt, source.TokenExpiresAt, source.CreatedAt, source.UpdatedAt,
        [.. source.Mismatches.Where(m => m.Value).Select(m => m.Key)]);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(DataSourceView))]
[JsonSerializable(typeof(DataSourceView[]))]
[JsonSerializable(typeof(WebexSchema[]))]
[JsonSerializable(typeof(OperationRecord))]
internal sealed partial class DataSourceJson : JsonSerializerContext;
