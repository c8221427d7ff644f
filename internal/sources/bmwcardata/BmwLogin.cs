using Exporter.Tokens;

namespace Exporter.BmwCarData;

/// <summary>BMW's login, "GCDM": the device grant with PKCE, and renewal by a refresh token that is good once and for two weeks.</summary>
internal sealed class BmwLogin
{
    /// <summary>BMW's guide, section 2.4; every renewal starts it anew. Its answers do not tell.</summary>
    public static readonly TimeSpan RefreshLifetime = TimeSpan.FromDays(14);

    private static readonly TimeSpan AccessLifetime = TimeSpan.FromHours(1);

    /// <summary>A grant may take about a minute to spread at BMW, and meanwhile be called denied after a server error.</summary>
    private static readonly TimeSpan DenialGrace = TimeSpan.FromMinutes(2);

    /// <summary>Without <c>openid</c> there is no id token and with it no stream; without <c>api</c> the REST interface says CU-103.</summary>
    private static readonly string[] Scopes = ["authenticate_user", "openid", "cardata:streaming:read", "cardata:api:read"];

    private readonly TimeProvider time;

    /// <param name="current">The token at hand: the file's client id is the one that its refresh token was given to.</param>
    public BmwLogin(BmwCarDataOptions options, HttpClient http, Func<Token?> current, TimeProvider time)
    {
        this.time = time;
        var token = new Uri(options.Auth, "/gcdm/oauth/token");
        Renewal = new RefreshTokenGrant(new TokenEndpoint(http, token, () => Client(ClientIdOf(current()) ?? options.ClientId), time, ClassifyRenewal, Complete), time);

        // A login is for the client that is configured, though the file may be of one that was deleted at BMW.
        string? LoginClientId() => options.ClientId ?? ClientIdOf(current());
        Device = new DeviceCodeGrant(
            new TokenEndpoint(http, new Uri(options.Auth, "/gcdm/oauth/device/code"), () => Client(LoginClientId()), time, ClassifyLogin),
            new TokenEndpoint(http, token, () => Client(LoginClientId()), time, ClassifyLogin, answer => Remember(Complete(answer), LoginClientId(), options.Vins)),
            Scopes, time, pkce: true, [new("response_type", "device_code")], DenialGrace);
    }

    public RefreshTokenGrant Renewal { get; }

    public DeviceCodeGrant Device { get; }

    private static string? ClientIdOf(Token? token) => token?.Members.Text("client_id")?.Trim().ToLowerInvariant();

    private static OAuthClient? Client(string? id) => id is null ? null : new OAuthClient(id, null, ClientAuthentication.None);

    /// <summary>BMW calls a used, ended or revoked refresh token <c>invalid_request</c>, with a description of something else.</summary>
    private static Renewal ClassifyRenewal(TokenError error) => (error.Error, (int)error.Status) switch
    {
        ("invalid_request" or "invalid_token", 400 or 401 or 403) => new Renewal.InvalidGrant(error.Describe(
            "BMW does not accept the refresh token any more: it was used by another program, is older than two weeks, or its client id was deleted or changed in the portal")),
        _ => ClassifyLogin(error),
    };

    private static Renewal ClassifyLogin(TokenError error) => error.Error switch
    {
        "invalid_client" or "unauthorized_client" => new Renewal.InvalidClient(error.Describe(
            "BMW does not accept the client id: it was deleted, or CarData API and CarData Stream are not subscribed for it in the portal")),
        _ => error.Classify(),
    };

    private Token Complete(Token token)
    {
        var now = time.GetUtcNow();
        return token with
        {
            ExpiresAt = token.ExpiresAt ?? now + AccessLifetime,
            Lifetime = token.Lifetime ?? AccessLifetime,
            RefreshExpiresAt = token.RefreshExpiresAt ?? (token.RefreshToken is null ? null : now + RefreshLifetime),
        };
    }

    /// <summary>What other readers of the file look for in it, and BMW does not answer.</summary>
    private static Token Remember(Token token, string? clientId, IReadOnlyList<string> vins)
    {
        var members = token.Members.With("client_id", clientId);
        return token with { Members = vins is [var only] ? members.With("vin", only) : members };
    }
}
