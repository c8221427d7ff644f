using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Exporter.Accounts;

namespace Exporter.Webex;

/// <summary>What Webex last said of the service app's data sources.</summary>
/// <param name="Schemas">Null where they could not be read.</param>
internal sealed record WebexReading(IReadOnlyList<WebexDataSource> DataSources, IReadOnlyList<WebexSchema>? Schemas, ExtensionCounts Extensions)
{
    /// <summary>The reading for <c>/debug/data</c>: neither token nor nonce, and of a URL the host.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(
        [.. DataSources.Select(source => DataSourceView.Of(source) with { Url = source.UrlHost })], DataSourceJson.Default.DataSourceViewArray);
}

/// <summary>Automatic extensions since the start, by data source; failures by reason as well.</summary>
internal sealed record ExtensionCounts(ImmutableSortedDictionary<string, long> Done, ImmutableSortedDictionary<(string Id, string Reason), long> Failed)
{
    public static ExtensionCounts None { get; } = new(ImmutableSortedDictionary<string, long>.Empty, ImmutableSortedDictionary<(string, string), long>.Empty);

    /// <summary>Counts of zero for a data source that is to be extended: a counter has to be there before it counts.</summary>
    public ExtensionCounts WithKnown(string id) => Done.ContainsKey(id)
        ? this
        : new(Done.SetItem(id, 0), ApiFailure.Kinds.Aggregate(Failed, (failed, kind) => failed.SetItem((id, kind), 0)));

    public ExtensionCounts WithDone(string id) => this with { Done = Done.SetItem(id, Done.GetValueOrDefault(id) + 1) };

    public ExtensionCounts WithFailed(string id, string reason) => this with { Failed = Failed.SetItem((id, reason), Failed.GetValueOrDefault((id, reason)) + 1) };
}

/// <summary>A data source for people and scripts: everything but token and nonce.</summary>
internal sealed record DataSourceView(
    string Id, string? Status, string? ErrorMessage, string? Url, string? SchemaId, string? Audience, string? Subject, string? OrgId, string? ApplicationId,
    double? TokenLifetimeMinutes, DateTimeOffset? TokenIssuedAt, DateTimeOffset? TokenEndsAt, DateTimeOffset? CreatedAt, DateTimeOffset? UpdatedAt,
    IReadOnlyList<string> ClaimMismatches)
{
    public static DataSourceView Of(WebexDataSource source) => new(
        source.Id, source.Status, source.ErrorMessage, source.Url ?? source.Claims?.Url, source.SchemaId ?? source.Claims?.SchemaId,
        source.Audience ?? source.Claims?.Audience, source.Subject ?? source.Claims?.Subject, source.OrgId, source.ApplicationId, source.TokenLifetime?.TotalMinutes,
        source.Claims?.IssuedAt, source.TokenEndsAt, source.CreatedAt, source.UpdatedAt, [.. source.Mismatches.Where(m => m.Value).Select(m => m.Key)]);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(DataSourceView))]
[JsonSerializable(typeof(DataSourceView[]))]
[JsonSerializable(typeof(WebexSchema[]))]
[JsonSerializable(typeof(OperationRecord))]
internal sealed partial class DataSourceJson : JsonSerializerContext;
