using System.Text.Json;
using System.Text.Json.Serialization;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>A data source as it is registered, or as an update makes it: an update is the whole of it, and what it leaves out is gone.</summary>
public sealed record DataSourceOrder
{
    /// <summary>What the token manager registers: the voice agent over gRPC.</summary>
    public const string DefaultSchemaId = "5397013b-7920-4ffc-807c-e8a3e0a18f43";

    /// <summary>Audience and subject that the token manager registers.</summary>
    public const string DefaultName = "BYODS";

    /// <summary>Webex's bounds of a signed token's life.</summary>
    public static readonly TimeSpan ShortestLifetime = TimeSpan.FromMinutes(1);

    public static readonly TimeSpan LongestLifetime = TimeSpan.FromMinutes(1440);

    public required string Audience { get; init; }

    public required string Subject { get; init; }

    public required string SchemaId { get; init; }

    /// <summary>Where Webex delivers.</summary>
    public required string Url { get; init; }

    /// <summary><c>active</c> or <c>disabled</c>; null at a registration.</summary>
    public string? Status { get; init; }

    /// <summary>A disabled source has one: Control Hub shows it.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>Whole minutes, from <see cref="ShortestLifetime"/> to <see cref="LongestLifetime"/>.</summary>
    public TimeSpan Lifetime { get; init; } = LongestLifetime;

    /// <summary>Used once: every order has a fresh one.</summary>
    public Secret Nonce { get; } = new(Guid.NewGuid().ToString());

    /// <summary>
    /// The same data source with a fresh nonce, so that Webex makes a new signed token. Status and error message stay as they are; audience, subject and
    /// schema are the signed token's, where there is one.
    /// </summary>
    /// <param name="lifetime">Null is as long as now.</param>
    /// <returns>Null where Webex has not said all that an update needs; <paramref name="missing"/> names it.</returns>
    public static DataSourceOrder? Same(WebexDataSource source, TimeSpan? lifetime, out IReadOnlyList<string> missing)
    {
        var (claims, lasts) = (source.Claims, lifetime ?? source.TokenLifetime ?? LongestLifetime);
        var (audience, subject, schema, url) =
            (claims?.Audience ?? source.Audience, claims?.Subject ?? source.Subject, claims?.SchemaId ?? source.SchemaId, source.Url ?? claims?.Url);
        missing = [.. new[] { ("audience", audience), ("subject", subject), ("schemaId", schema), ("url", url), ("status", source.Status) }
            .Where(m => m.Item2 is null).Select(m => m.Item1)];
        return missing.Count > 0 ? null : new()
        {
            Audience = audience!,
            Subject = subject!,
            SchemaId = schema!,
            Url = url!,
            Status = source.Status,
            ErrorMessage = source.IsDisabled ? source.ErrorMessage : null,
            Lifetime = lasts < ShortestLifetime ? ShortestLifetime : lasts > LongestLifetime ? LongestLifetime : lasts,
        };
    }

    internal byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(
        new WireOrder(Audience, Subject, SchemaId, Url, Nonce.Reveal(), (int)Lifetime.TotalMinutes, Status, ErrorMessage), WebexOrderJson.Default.WireOrder);
}

/// <summary>Extends data sources.</summary>
public static class DataSourceExtension
{
    /// <summary>Asks how the source is now, and updates it as it is: Webex gives it a new signed token. It has to happen before the old one ends.</summary>
    /// <param name="lifetime">Of the new token; null is as long as the old one's.</param>
    public static async Task<PollResult<WebexDataSource>> ExtendDataSourceAsync(
        this IWebexApi api, ApiAccount account, string id, TimeSpan? lifetime, TimeProvider time, CancellationToken cancellationToken)
    {
        var current = WebexAnswer.Read(await api.GetDataSourceAsync(account, id, cancellationToken), account, time);
        if (current is not PollResult<WebexDataSource>.Success(var source))
        {
            return current;
        }
        return DataSourceOrder.Same(source, lifetime, out var missing) is { } order
            ? WebexAnswer.Read(await api.UpdateDataSourceAsync(account, id, order, cancellationToken), account, time, order)
            : new ApiFailure.Rejected($"Webex does not say the data source's {string.Join(", ", missing)}, and an update needs it.");
    }
}

internal sealed record WireOrder(
    string Audience, string Subject, string SchemaId, string Url, string Nonce, int TokenLifetimeMinutes, string? Status, string? ErrorMessage);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WireOrder))]
internal sealed partial class WebexOrderJson : JsonSerializerContext;
