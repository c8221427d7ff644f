using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Exporter.Webex;

/// <summary>
/// A reading as JSON, to restore it in another process. Unlike <see cref="DataSourceView"/> it contains everything that the metrics show.
/// It has neither tokens nor nonces, and only the host of each URL.
/// </summary>
internal sealed record SavedWebexReading(
    IReadOnlyList<SavedDataSource> DataSources, SavedExtensions Extensions, IReadOnlyList<WebexSchema>? Schemas = null)
{
    /// <param name="memory">Of the reader.</param>
    public static ReadingFormat<WebexReading> Format(PollMemory memory) => new(
        WebexSource.SourceName,
        (writer, reading) => JsonSerializer.Serialize(writer, Of(reading), SavedWebexJson.Default.SavedWebexReading),
        json => json.Deserialize(SavedWebexJson.Default.SavedWebexReading)?.ToReading())
    {
        Memory = memory,
    };

    private static SavedWebexReading Of(WebexReading reading) =>
        new([.. reading.DataSources.Select(SavedDataSource.Of)], SavedExtensions.Of(reading.Extensions), reading.Schemas);

    private WebexReading ToReading() => new(
        [.. ReadingFormat.WithoutNull(DataSources).Select(source => source.ToDataSource())],
        Schemas is null ? null : ReadingFormat.WithoutNull(Schemas),
        Extensions.ToCounts());
}

/// <param name="Url">The scheme and the host only, because the path may contain a secret.</param>
/// <param name="Mismatches">By claim.</param>
internal sealed record SavedDataSource(string Id, IReadOnlyDictionary<string, bool> Mismatches, string? Url = null)
{
    public string? Status { get; init; }
    public string? ErrorMessage { get; init; }
    public string? SchemaId { get; init; }
    public string? Audience { get; init; }
    public string? Subject { get; init; }
    public string? OrgId { get; init; }
    public string? ApplicationId { get; init; }
    public TimeSpan? TokenLifetime { get; init; }
    public DateTimeOffset? TokenIssuedAt { get; init; }
    public DateTimeOffset? TokenExpiresAt { get; init; }
    public DateTimeOffset? CreatedAt { get; init; }
    public DateTimeOffset? UpdatedAt { get; init; }

    public static SavedDataSource Of(WebexDataSource source)
    {
        var view = DataSourceView.Of(source);
        return new(source.Id, source.Mismatches, source.UrlHost is { } host ? $"{new Uri(view.Url!).Scheme}://{host}/" : null)
        {
            Status = view.Status,
            ErrorMessage = view.ErrorMessage,
            SchemaId = view.SchemaId,
            Audience = view.Audience,
            Subject = view.Subject,
            OrgId = view.OrgId,
            ApplicationId = view.ApplicationId,
            TokenLifetime = source.TokenLifetime,
            TokenIssuedAt = view.TokenIssuedAt,
            TokenExpiresAt = view.TokenExpiresAt,
            CreatedAt = view.CreatedAt,
            UpdatedAt = view.UpdatedAt,
        };
    }

    public WebexDataSource ToDataSource() => new()
    {
        Id = Id,
        Status = Status,
        ErrorMessage = ErrorMessage,
        Url = Url,
        SchemaId = SchemaId,
        Audience = Audience,
        Subject = Subject,
        OrgId = OrgId,
        ApplicationId = ApplicationId,
        TokenLifetime = TokenLifetime,
        Claims = TokenIssuedAt is { } issued ? new DataSourceClaims(null, null, null, null, null, null, null, issued, null) : null,
        TokenExpiresAt = TokenExpiresAt,
        CreatedAt = CreatedAt,
        UpdatedAt = UpdatedAt,
        SavedMismatches = Mismatches,
    };
}

/// <summary>An <see cref="ExtensionCounts"/> as JSON.</summary>
/// <param name="Succeeded">By data source.</param>
/// <param name="Failed">By data source and reason.</param>
internal sealed record SavedExtensions(
    IReadOnlyDictionary<string, long> Succeeded, IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>> Failed)
{
    public static SavedExtensions Of(ExtensionCounts counts) => new(counts.Succeeded, counts.Failed.GroupBy(one => one.Key.Id).ToDictionary(
        source => source.Key, IReadOnlyDictionary<string, long> (source) => source.ToDictionary(one => one.Key.Reason, one => one.Value)));

    public ExtensionCounts ToCounts() => new(
        Succeeded.ToImmutableSortedDictionary(),
        Failed.SelectMany(source => (source.Value ?? throw new JsonException()).Select(one => ((source.Key, one.Key), one.Value)))
            .ToImmutableSortedDictionary(one => one.Item1, one => one.Value));
}

/// <summary>What the polls of an account remember.</summary>
/// <param name="SchemasAt">When the schemas were read.</param>
/// <param name="SchemasMissing">Whether a failure to read them was logged.</param>
/// <param name="Failing">The data sources whose last extension failed.</param>
/// <param name="RateLimit">Until when Webex accepts no extension; null if there is no limit.</param>
internal sealed record WebexMemory(
    SavedExtensions Extensions, IReadOnlyList<WebexSchema>? Schemas, DateTimeOffset? SchemasAt, bool SchemasMissing, IReadOnlyList<string> Failing,
    DateTimeOffset? RateLimit);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SavedWebexReading))]
[JsonSerializable(typeof(WebexMemory))]
internal sealed partial class SavedWebexJson : JsonSerializerContext;
