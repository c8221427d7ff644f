using System.Globalization;
using System.Text.Json.Nodes;

namespace Exporter.Sandbox;

/// <summary>One data source as Webex stores it.</summary>
public sealed record WebexDataSource
{
    public required string Id { get; init; }

    public required string Audience { get; init; }

    public required string Subject { get; init; }

    public required string Nonce { get; init; }

    public required string SchemaId { get; init; }

    public required string Url { get; init; }

    /// <summary><c>active</c> or <c>disabled</c>.</summary>
    public string Status { get; init; } = "active";

    /// <summary>Why the source is disabled; Control Hub shows it.</summary>
    public string? ErrorMessage { get; init; }

    public required int TokenLifetimeMinutes { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When Webex stops delivering.</summary>
    public required DateTimeOffset TokenExpiry { get; init; }

    public required string JwsToken { get; init; }
}

/// <summary>
/// The data sources of the service app. Every registration and every update creates a new JWS and requires a new nonce. An update replaces the
/// whole source: a member left out is removed. Thread-safe.
/// </summary>
public sealed class WebexDataSources
{
    private const int LongestLifetime = 1440;

    private readonly TimeProvider time;
    private readonly WebexProviderOptions options;
    private readonly Lock gate = new();
    private readonly OrderedDictionary<string, WebexDataSource> sources = [];
    private readonly HashSet<string> nonces = [];
    private DateTimeOffset lockedUntil;

    internal WebexDataSources(TimeProvider time, WebexProviderOptions options) => (this.time, this.options) = (time, options);

    public IReadOnlyList<WebexDataSource> All { get { lock (gate) { return [.. sources.Values]; } } }

    /// <summary>Adds a source as a registration does.</summary>
    /// <param name="errorMessage">If set, the source is disabled.</param>
    public WebexDataSource Add(string url, string? errorMessage = null, int lifetimeMinutes = LongestLifetime, string? schemaId = null)
    {
        lock (gate)
        {
            return Store(New(schemaId ?? WebexSchemas.VoiceAgent) with
            {
                Url = url,
                Status = errorMessage is null ? "active" : "disabled",
                ErrorMessage = errorMessage,
                TokenLifetimeMinutes = lifetimeMinutes,
            });
        }
    }

    /// <summary>Returns 423 with Retry-After to every call for this long.</summary>
    public void LockFor(TimeSpan span) { lock (gate) { lockedUntil = time.GetUtcNow() + span; } }

    internal ProviderResponse List() => Locked()
        ?? ProviderResponse.Json(200, new JsonObject { ["items"] = new JsonArray([.. All.Select(source => Json(source))]) }.ToJsonString());

    internal ProviderResponse Get(string id) =>
        Locked() ?? (Find(id) is { } source ? ProviderResponse.Json(200, Json(source).ToJsonString()) : NotFound);

    internal ProviderResponse Register(JsonNode? body)
    {
        lock (gate)
        {
            if (Locked() is { } locked)
            {
                return locked;
            }
            if (Problem(body, null) is { } problem)
            {
                return problem;
            }
            return ProviderResponse.Json(200, Json(Store(Read(body!, New(Text(body, "schemaId")!)))).ToJsonString());
        }
    }

    internal ProviderResponse Update(string id, JsonNode? body)
    {
        lock (gate)
        {
            if (Locked() is { } locked)
            {
                return locked;
            }
            if (Find(id) is not { } source)
            {
                return NotFound;
            }
            return Problem(body, source) ?? ProviderResponse.Json(200, Json(Store(Read(body!, source) with
            {
                Status = Text(body, "status")!,
                ErrorMessage = Text(body, "errorMessage"),
            })).ToJsonString());
        }
    }

    internal ProviderResponse Delete(string id)
    {
        lock (gate)
        {
            return Locked() ?? (sources.Remove(id) ? ProviderResponse.Empty(204) : NotFound);
        }
    }

    private static ProviderResponse NotFound => WebexError.Of(404, "The requested resource could not be found.");

    private WebexDataSource? Find(string id) { lock (gate) { return sources.GetValueOrDefault(id); } }

    private ProviderResponse? Locked()
    {
        lock (gate)
        {
            return lockedUntil - time.GetUtcNow() is { } left && left > TimeSpan.Zero
                ? WebexError.Of(423, "The requested resource is temporarily unavailable")
                    .With("Retry-After", Math.Ceiling(left.TotalSeconds).ToString(CultureInfo.InvariantCulture))
                : null;
        }
    }

    private ProviderResponse? Problem(JsonNode? body, WebexDataSource? updated)
    {
        if (body is not JsonObject)
        {
            return WebexError.Of(400, "The request body is not a JSON object");
        }
        string[] required = ["audience", "nonce", "schemaId", "subject", "url"];
        string[] missing = [.. (updated is null ? required : [.. required, "status"]).Where(name => Text(body, name) is null)];
        if (missing.Length > 0)
        {
            return WebexError.Of(400, "Required fields are missing", [.. missing.Select(name => $"{name} is required")]);
        }
        var (schema, status) = (Text(body, "schemaId")!, Text(body, "status"));
        var isValidUrl = Uri.TryCreate(Text(body, "url"), UriKind.Absolute, out var url) && url.Scheme is "https" or "wss";
        var error = Minutes(body) is not (>= 1 and <= LongestLifetime) ? $"tokenLifetimeMinutes must be a number from 1 to {LongestLifetime}"
            : !isValidUrl ? "url must be an absolute https or wss URL"
            : !WebexSchemas.Contains(schema) ? "schemaId is unknown"
            : updated is not null && schema != updated.SchemaId ? "schemaId cannot be changed"
            : updated is not null && status is not ("active" or "disabled") ? "status must be active or disabled"
            : updated is not null && status == "disabled" && Text(body, "errorMessage") is null ? "errorMessage is required to disable a data source"
            : null;
        return error is not null ? WebexError.Of(400, error)
            : nonces.Contains(Text(body, "nonce")!) ? WebexError.Of(409, "The nonce was used before")
            : null;
    }

    private WebexDataSource New(string schemaId) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Audience = "BYODS",
        Subject = "sandbox",
        Nonce = Guid.NewGuid().ToString(),
        SchemaId = schemaId,
        Url = "",
        TokenLifetimeMinutes = LongestLifetime,
        CreatedAt = time.GetUtcNow(),
        UpdatedAt = time.GetUtcNow(),
        TokenExpiry = time.GetUtcNow(),
        JwsToken = "",
    };

    private static WebexDataSource Read(JsonNode body, WebexDataSource source) => source with
    {
        Audience = Text(body, "audience")!,
        Subject = Text(body, "subject")!,
        Nonce = Text(body, "nonce")!,
        Url = Text(body, "url")!,
        TokenLifetimeMinutes = (int)Minutes(body)!.Value,
    };

    private WebexDataSource Store(WebexDataSource source)
    {
        var now = time.GetUtcNow();
        var expiry = now + TimeSpan.FromMinutes(source.TokenLifetimeMinutes);
        nonces.Add(source.Nonce);
        var jws = WebexJws.Sign(source, options.Org, now, expiry);
        return sources[source.Id] = source with { UpdatedAt = now, TokenExpiry = expiry, JwsToken = jws };
    }

    private JsonObject Json(WebexDataSource source)
    {
        var json = new JsonObject
        {
            ["id"] = source.Id,
            ["applicationId"] = options.AppId,
            ["orgId"] = options.OrgId,
            ["schemaId"] = source.SchemaId,
            ["audience"] = source.Audience,
            ["subject"] = source.Subject,
            ["nonce"] = source.Nonce,
            ["url"] = source.Url,
            ["status"] = source.Status,
            ["tokenLifetimeMinutes"] = source.TokenLifetimeMinutes,
            ["jwsToken"] = source.JwsToken,
            ["tokenExpiryTime"] = Time(source.TokenExpiry),
            ["createdAt"] = Time(source.CreatedAt),
            ["updatedAt"] = Time(source.UpdatedAt),
            ["createdBy"] = "sandbox",
        };
        if (source.ErrorMessage is not null)
        {
            json["errorMessage"] = source.ErrorMessage;
        }
        return json;
    }

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static string? Text(JsonNode? body, string name) =>
        (body as JsonObject)?[name] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;

    private static double? Minutes(JsonNode body) =>
        body["tokenLifetimeMinutes"] is JsonValue value && value.TryGetValue<double>(out var minutes) ? minutes : null;
}
