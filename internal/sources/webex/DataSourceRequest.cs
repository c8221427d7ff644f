using System.Text.Json.Serialization;

namespace Exporter.Webex;

/// <summary>The body that registers or updates a data source. An update replaces the whole source: a member left out is removed.</summary>
public sealed record DataSourceRequest
{
    /// <summary>The schema that the Webex token manager registers: the voice agent over gRPC.</summary>
    public const string DefaultSchemaId = "5397013b-7920-4ffc-807c-e8a3e0a18f43";

    /// <summary>The audience and subject that the Webex token manager registers.</summary>
    public const string DefaultName = "BYODS";

    /// <summary>Webex's limits for the lifetime of a signed token.</summary>
    public static readonly TimeSpan ShortestLifetime = TimeSpan.FromMinutes(1);
    public static readonly TimeSpan LongestLifetime = TimeSpan.FromMinutes(1440);

    public required string Audience { get; init; }
    public required string Subject { get; init; }
    public required string SchemaId { get; init; }

    /// <summary>The address that Webex delivers to.</summary>
    public required string Url { get; init; }

    /// <summary>Webex accepts a nonce once: every request has a new one.</summary>
    [JsonIgnore]
    public Secret Nonce { get; } = new(Guid.NewGuid().ToString());

    /// <summary>Whole minutes, from <see cref="ShortestLifetime"/> to <see cref="LongestLifetime"/>.</summary>
    [JsonIgnore]
    public TimeSpan Lifetime { get; init; } = LongestLifetime;

    [JsonInclude, JsonPropertyName("nonce")]
    internal string NonceText => Nonce.Reveal();

    [JsonInclude]
    internal int TokenLifetimeMinutes => (int)Lifetime.TotalMinutes;

    /// <summary><c>active</c> or <c>disabled</c>; null for a registration.</summary>
    public string? Status { get; init; }

    /// <summary>Required to disable a source; Control Hub shows it.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>
    /// An update that changes only the nonce, so that Webex creates a new signed token. Audience, subject and schema come from the signed
    /// token if there is one.
    /// </summary>
    /// <param name="lifetime">Null keeps the present lifetime.</param>
    /// <returns>Null if the source lacks a member that an update requires; <paramref name="missing"/> lists these.</returns>
    public static DataSourceRequest? FromCurrent(WebexDataSource source, TimeSpan? lifetime, out IReadOnlyList<string> missing)
    {
        var (claims, minutes) = (source.Claims, (lifetime ?? source.TokenLifetime ?? LongestLifetime).TotalMinutes);
        var (audience, subject, schema, url) =
            (claims?.Audience ?? source.Audience, claims?.Subject ?? source.Subject, claims?.SchemaId ?? source.SchemaId, source.Url ?? claims?.Url);
        (string Name, string? Value)[] required =
            [("audience", audience), ("subject", subject), ("schemaId", schema), ("url", url), ("status", source.Status)];
        missing = [.. required.Where(member => member.Value is null).Select(member => member.Name)];
        return missing.Count > 0 ? null : new()
        {
            Audience = audience!,
            Subject = subject!,
            SchemaId = schema!,
            Url = url!,
            Status = source.Status,
            ErrorMessage = source.IsDisabled ? source.ErrorMessage : null,
            Lifetime = TimeSpan.FromMinutes(Math.Clamp(minutes, ShortestLifetime.TotalMinutes, LongestLifetime.TotalMinutes)),
        };
    }
}

/// <summary>Extends data sources.</summary>
public static class DataSourceExtension
{
    /// <summary>Reads the source and updates it unchanged, so that Webex creates a new signed token. Call it before the old one expires.</summary>
    /// <param name="lifetime">The lifetime of the new token; null keeps the present lifetime.</param>
    public static async Task<Result<WebexDataSource, ApiFailure>> ExtendDataSourceAsync(
        this IWebexApi api, ApiAccount account, string id, TimeSpan? lifetime, TimeProvider time, CancellationToken cancellationToken)
    {
        var current = WebexResponse.Read(await api.GetDataSourceAsync(account, id, cancellationToken), account, time);
        if (current.Value is not { } source)
        {
            return current;
        }
        return DataSourceRequest.FromCurrent(source, lifetime, out var missing) is { } request
            ? WebexResponse.Read(await api.UpdateDataSourceAsync(account, id, request, cancellationToken), account, time, request)
            : new ApiFailure.Rejected(MissingMembers(missing));
    }

    internal static string MissingMembers(IReadOnlyList<string> missing) =>
        $"Webex does not return the data source's {string.Join(", ", missing)}, and an update requires it.";
}
