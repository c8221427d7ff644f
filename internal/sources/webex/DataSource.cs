using System.Globalization;
using System.Text;

namespace Exporter.Webex;

/// <summary>A data source as Webex returns it. A member that the response lacks, or that has the wrong JSON type, is null.</summary>
public sealed record WebexDataSource
{
    /// <summary>Empty if the list omits it. Such a source can be neither read nor updated by itself.</summary>
    public string Id { get; init; } = "";

    public string? ApplicationId { get; init; }
    public string? OrgId { get; init; }
    public string? SchemaId { get; init; }
    public string? Audience { get; init; }
    public string? Subject { get; init; }

    /// <summary>Proves to the data source that a call is meant for it. Never shown.</summary>
    public Secret? Nonce { get; init; }

    /// <summary>The address that Webex delivers to. Its path may contain a secret.</summary>
    public string? Url { get; init; }

    /// <summary><c>active</c> or <c>disabled</c>.</summary>
    public string? Status { get; init; }

    /// <summary>Why the source is disabled, as Control Hub shows it.</summary>
    public string? ErrorMessage { get; init; }

    public TimeSpan? TokenLifetime { get; init; }
    public DateTimeOffset? CreatedAt { get; init; }
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>The signed token (JWS) that Webex sends to the data source.</summary>
    public Secret? JwsToken { get; init; }

    /// <summary>The claims of the signed token; null if there is no readable token.</summary>
    public DataSourceClaims? Claims { get; init; }

    /// <summary>When Webex stops delivering: the signed token's expiry, otherwise <c>tokenExpiryTime</c>.</summary>
    public DateTimeOffset? TokenExpiresAt { get; init; }

    public bool IsActive => Status == "active";

    public bool IsDisabled => Status == "disabled";

    /// <summary>The host of the URL, for labels and pages.</summary>
    public string? UrlHost => Uri.TryCreate(Url ?? Claims?.Url, UriKind.Absolute, out var url) && url.Host.Length > 0 ? url.Host : null;

    /// <summary>By claim name, whether the signed token differs from the data source. Contains only values that both have.</summary>
    public IReadOnlyDictionary<string, bool> Mismatches => SavedMismatches ?? new (string Name, string? Source, string? Claim)[]
    {
        ("url", Url, Claims?.Url),
        ("schema", SchemaId, Claims?.SchemaId),
        ("org", WebexId.ToUuid(OrgId), WebexId.ToUuid(Claims?.OrgId)),
        ("audience", Audience, Claims?.Audience),
        ("subject", Subject, Claims?.Subject),
        ("nonce", Nonce?.Reveal(), Claims?.Nonce?.Reveal()),
    }.Where(c => c is { Source: not null, Claim: not null })
        .ToDictionary(c => c.Name, c => !c.Source!.Equals(c.Claim, StringComparison.OrdinalIgnoreCase));

    /// <summary>The <see cref="Mismatches"/> of a data source that was saved, because its nonces were not; otherwise null.</summary>
    internal IReadOnlyDictionary<string, bool>? SavedMismatches { get; init; }

    internal static WebexDataSource From(JsonMembers members)
    {
        var jws = Secret.From(members.Text("jwsToken") ?? members.Text("jwtToken"));
        var claims = Jwt.Claims(jws) is { } json ? DataSourceClaims.From(json, Jwt.Expiry(jws)) : null;
        return new()
        {
            Id = members.Text("id") ?? "",
            ApplicationId = members.Text("applicationId"),
            OrgId = members.Text("orgId"),
            SchemaId = members.Text("schemaId"),
            Audience = members.Text("audience"),
            Subject = members.Text("subject"),
            Nonce = Secret.From(members.Text("nonce")),
            Url = members.Text("url"),
            Status = members.Text("status"),
            ErrorMessage = members.Text("errorMessage"),
            TokenLifetime = members.Number("tokenLifetimeMinutes") is > 0 and < 1e7 and var minutes ? TimeSpan.FromMinutes(minutes) : null,
            CreatedAt = WebexTime.Read(members, "createdAt"),
            UpdatedAt = WebexTime.Read(members, "updatedAt"),
            JwsToken = jws,
            Claims = claims,
            TokenExpiresAt = claims?.ExpiresAt ?? WebexTime.Read(members, "tokenExpiryTime"),
        };
    }
}

/// <summary>The claims of a data source's signed token (RFC 7519). The signature is not verified: the token came from Webex over TLS.</summary>
public sealed record DataSourceClaims(
    string? Issuer, string? Audience, string? Subject, Secret? Nonce, string? Url, string? SchemaId, string? OrgId,
    DateTimeOffset? IssuedAt, DateTimeOffset? ExpiresAt)
{
    internal static DataSourceClaims From(JsonMembers claims, DateTimeOffset? expiresAt) => new(
        claims.Text("iss"),
        // RFC 7519 section 4.1.3: a string or an array of strings.
        claims.Text("aud") ?? (claims.Texts("aud") is [var first, ..] ? first : null),
        claims.Text("sub"),
        Secret.From(claims.Text("jti")),
        claims.Text("com.cisco.datasource.url"),
        claims.Text("com.cisco.datasource.schema.uuid"),
        claims.Text("com.cisco.org.uuid"),
        WebexTime.FromUnixSeconds(claims.Number("iat")),
        expiresAt);
}

/// <summary>A protocol between Webex and a data source.</summary>
public sealed record WebexSchema(string Id, string? ServiceType, string? Protocol, string? AppType, string? Url, DateTimeOffset? CreatedAt)
{
    internal static WebexSchema From(JsonMembers members) => new(
        members.Text("id") ?? "", members.Text("serviceType"), members.Text("protocol"), members.Text("appType"), members.Text("url"),
        WebexTime.Read(members, "createdAt"));
}

internal static class WebexTime
{
    /// <summary>ISO 8601, Unix seconds, or Unix milliseconds if the number is too large for seconds.</summary>
    public static DateTimeOffset? Read(JsonMembers members, string name) =>
        members.Number(name) is { } number ? FromUnixSeconds(number >= 1e11 ? number / 1000 : number)
        : DateTimeOffset.TryParse(members.Text(name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at.ToUniversalTime()
        : null;

    public static DateTimeOffset? FromUnixSeconds(double? seconds) =>
        seconds is > 0 and < 1e11 and var known ? DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(known) : null;
}

/// <summary>The API's IDs are <c>ciscospark://us/ORGANIZATION/{uuid}</c> in Base64; a signed token contains only the UUID.</summary>
internal static class WebexId
{
    public static string? ToUuid(string? id)
    {
        var buffer = new byte[id?.Length ?? 0];
        return id is not null && Convert.TryFromBase64String(id.PadRight((id.Length + 3) / 4 * 4, '='), buffer, out var length)
            && Encoding.UTF8.GetString(buffer, 0, length) is var text && text.StartsWith("ciscospark://", StringComparison.Ordinal)
            ? text[(text.LastIndexOf('/') + 1)..]
            : id;
    }
}
