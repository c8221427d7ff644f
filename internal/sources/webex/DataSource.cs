using System.Globalization;
using System.Text;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>
/// A data source as Webex describes it. Whatever it does not say is null; of an answer with a text where a number should be, the number is null.
/// </summary>
public sealed record WebexDataSource
{
    /// <summary>Empty where a list does not tell it: such a source cannot be asked for.</summary>
    public string Id { get; init; } = "";

    public string? ApplicationId { get; init; }

    public string? OrgId { get; init; }

    public string? SchemaId { get; init; }

    public string? Audience { get; init; }

    public string? Subject { get; init; }

    /// <summary>Proves to the data source that a call is meant for it; shown to nobody.</summary>
    public Secret? Nonce { get; init; }

    /// <summary>Where Webex delivers; its path may hold a secret.</summary>
    public string? Url { get; init; }

    /// <summary><c>active</c> or <c>disabled</c>.</summary>
    public string? Status { get; init; }

    /// <summary>Why it is disabled, as Control Hub shows it.</summary>
    public string? ErrorMessage { get; init; }

    public TimeSpan? TokenLifetime { get; init; }

    public DateTimeOffset? CreatedAt { get; init; }

    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>The signed token (JWS) that Webex shows the data source.</summary>
    public Secret? JwsToken { get; init; }

    /// <summary>What the signed token says; null when there is none, or it cannot be read.</summary>
    public DataSourceClaims? Claims { get; init; }

    /// <summary>When Webex stops delivering, unless the source is extended before: the signed token's end, else what Webex calls it.</summary>
    public DateTimeOffset? TokenEndsAt { get; init; }

    public bool IsActive => Status == "active";

    public bool IsDisabled => Status == "disabled";

    /// <summary>The host of the URL, for labels and pages.</summary>
    public string? UrlHost => HostOf(Url ?? Claims?.Url);

    /// <summary>The signed token says something else than the data source, by the name of what differs. Only what both say is compared.</summary>
    public IReadOnlyDictionary<string, bool> Mismatches => Compared().Where(c => c.Says is not null && c.Claims is not null)
        .ToDictionary(c => c.Name, c => !c.Says!.Equals(c.Claims, StringComparison.OrdinalIgnoreCase));

    internal static WebexDataSource From(JsonMembers members)
    {
        var jws = Secret.From(members.Text("jwsToken") ?? members.Text("jwtToken"));
        var claims = Jwt.Claims(jws) is { } said ? DataSourceClaims.From(said, Jwt.Expiry(jws)) : null;
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
            CreatedAt = WebexTime.Of(members, "createdAt"),
            UpdatedAt = WebexTime.Of(members, "updatedAt"),
            JwsToken = jws,
            Claims = claims,
            TokenEndsAt = claims?.EndsAt ?? WebexTime.Of(members, "tokenExpiryTime"),
        };
    }

    private static string? HostOf(string? url) => Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Host.Length > 0 ? parsed.Host : null;

    private IEnumerable<(string Name, string? Says, string? Claims)> Compared() =>
    [
        ("url", Url, Claims?.Url),
        ("schema", SchemaId, Claims?.SchemaId),
        ("org", WebexId.Uuid(OrgId), WebexId.Uuid(Claims?.OrgId)),
        ("audience", Audience, Claims?.Audience),
        ("subject", Subject, Claims?.Subject),
        ("nonce", Nonce?.Reveal(), Claims?.Nonce?.Reveal()),
    ];
}

/// <summary>What the signed token of a data source says of itself (RFC 7519). Nothing is verified: it came from Webex over TLS.</summary>
public sealed record DataSourceClaims(
    string? Issuer, string? Audience, string? Subject, Secret? Nonce, string? Url, string? SchemaId, string? OrgId, DateTimeOffset? IssuedAt, DateTimeOffset? EndsAt)
{
    internal static DataSourceClaims From(JsonMembers claims, DateTimeOffset? endsAt) => new(
        claims.Text("iss"),
        // RFC 7519 section 4.1.3: one text, or a list of them.
        claims.Text("aud") ?? (claims.Texts("aud") is [var first, ..] ? first : null),
        claims.Text("sub"),
        Secret.From(claims.Text("jti")),
        claims.Text("com.cisco.datasource.url"),
        claims.Text("com.cisco.datasource.schema.uuid"),
        claims.Text("com.cisco.org.uuid"),
        WebexTime.Seconds(claims.Number("iat")),
        endsAt);
}

/// <summary>What a data source can speak.</summary>
public sealed record WebexSchema(string Id, string? ServiceType, string? Protocol, string? AppType, string? Url, DateTimeOffset? CreatedAt)
{
    internal static WebexSchema From(JsonMembers members) => new(
        members.Text("id") ?? "", members.Text("serviceType"), members.Text("protocol"), members.Text("appType"), members.Text("url"), WebexTime.Of(members, "createdAt"));
}

/// <summary>Times as Webex writes them.</summary>
internal static class WebexTime
{
    /// <summary>ISO 8601, or a number since 1970: of seconds, or of milliseconds where it is too great for these.</summary>
    public static DateTimeOffset? Of(JsonMembers members, string name) =>
        members.Number(name) is { } number ? Seconds(number >= 1e11 ? number / 1000 : number)
        : DateTimeOffset.TryParse(members.Text(name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at.ToUniversalTime() : null;

    public static DateTimeOffset? Seconds(double? seconds) => seconds is > 0 and < 1e11 and var known ? DateTimeOffset.UnixEpoch + TimeSpan.FromSeconds(known) : null;
}

/// <summary>The API's ids are <c>ciscospark://us/ORGANIZATION/{uuid}</c> in base64, where a signed token has the bare uuid.</summary>
internal static class WebexId
{
    public static string? Uuid(string? id)
    {
        var buffer = new byte[id?.Length ?? 0];
        return id is not null && Convert.TryFromBase64String(id.PadRight((id.Length + 3) / 4 * 4, '='), buffer, out var length)
            && Encoding.UTF8.GetString(buffer, 0, length) is var text && text.StartsWith("ciscospark://", StringComparison.Ordinal)
            ? text[(text.LastIndexOf('/') + 1)..]
            : id;
    }
}
