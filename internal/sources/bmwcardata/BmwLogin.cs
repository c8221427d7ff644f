namespace Exporter.BmwCarData;

/// <summary>The grants of BMW's OAuth server: the device grant with PKCE, and a single-use refresh token that expires after two weeks.</summary>
internal sealed class BmwLogin
{
    /// <summary>From BMW's guide, section 2.4: each renewal restarts it. Token responses do not contain it.</summary>
    public static readonly TimeSpan RefreshLifetime = TimeSpan.FromDays(14);

    private static readonly TimeSpan AccessLifetime = TimeSpan.FromHours(1);

    /// <summary>After a server error, BMW can report <c>access_denied</c> for about a minute although the user approved.</summary>
    private static readonly TimeSpan DenialGrace = TimeSpan.FromMinutes(2);

    /// <summary>Without <c>openid</c> there is no ID token and no stream.</summary>
    private static readonly string[] LoginScopes = ["authenticate_user", "openid"];

    private static readonly Subscription Stream = new("cardata:streaming:read", "CarData Stream");

    /// <summary>Without its scope, the API responds with CU-103.</summary>
    private static readonly Subscription Api = new("cardata:api:read", "CarData API");

    private static readonly KeyValuePair<string, string>[] ResponseType = [new("response_type", "device_code")];

    private readonly TimeProvider time;

    /// <param name="current">Returns the current token: a renewal uses the client ID of its file, because the refresh token belongs to it.</param>
    public BmwLogin(BmwCarDataOptions options, HttpClient http, Func<Token?> current, TimeProvider time)
    {
        this.time = time;
        var token = new Uri(options.Auth, "/gcdm/oauth/token");
        Renewal = new RefreshTokenGrant(
            new TokenEndpoint(http, token, () => Client(ClientIdOf(current()) ?? options.ClientId), time, ClassifyRenewal, Complete), time)
        {
            IsExpiryStated = false,
        };

        // A login uses the configured client, because the client of the file can be deleted at BMW.
        string? LoginClientId() => options.ClientId ?? ClientIdOf(current());
        var code = new TokenEndpoint(http, new Uri(options.Auth, "/gcdm/oauth/device/code"), () => Client(LoginClientId()), time, ClassifyLogin);
        var login = new TokenEndpoint(http, token, () => Client(LoginClientId()), time, ClassifyLogin,
            response => WithMembers(Complete(response), LoginClientId(), options.Vins));
        DeviceCodeGrant Grant(IEnumerable<Subscription> services, Func<Renewal, CancellationToken, Task<Renewal>>? explain = null) =>
            new(code, login, [.. LoginScopes, .. services.Select(service => service.Scope)], time, pkce: true, ResponseType, DenialGrace)
            {
                Explain = explain,
            };
        Subscription[] services = options.Rest ? [Stream, Api] : [Stream];
        Device = Grant(services, (failure, cancellationToken) => ExplainAsync(failure, services, some => Grant(some), cancellationToken));
    }

    public RefreshTokenGrant Renewal { get; }

    public DeviceCodeGrant Device { get; }

    private static string? ClientIdOf(Token? token) => token?.Members.Text("client_id")?.Trim().ToLowerInvariant();

    private static OAuthClient? Client(string? id) => id is null ? null : new OAuthClient(id, null, ClientAuthentication.None);

    /// <summary>BMW reports a used, expired or revoked refresh token as <c>invalid_request</c> with a misleading description.</summary>
    private static Renewal ClassifyRenewal(TokenError error) => (error.Error, (int)error.Status) switch
    {
        ("invalid_request" or "invalid_token", 400 or 401 or 403) => new Renewal.InvalidGrant(error.Describe(
            "BMW rejected the refresh token: another program used it, it is older than two weeks, or its client changed in the portal")),
        _ => ClassifyLogin(error),
    };

    private static Renewal ClassifyLogin(TokenError error) => error.Classify() switch
    {
        Tokens.Renewal.InvalidClient when error.Error is "invalid_client" or "unauthorized_client" => new Renewal.InvalidClient(error.Describe(
            "BMW rejected the client ID: the client was deleted, or it has no subscription to CarData API and CarData Stream in the portal")),
        var outcome => outcome,
    };

    /// <summary>
    /// BMW responds with <c>invalid_request</c> to a login for a service without a subscription, and does not name the service. Then the
    /// login without this service has a code.
    /// </summary>
    private static async Task<Renewal> ExplainAsync(
        Renewal failure, Subscription[] services, Func<IEnumerable<Subscription>, DeviceCodeGrant> grant, CancellationToken cancellationToken)
    {
        if (failure.Error is not ("invalid_request" or "invalid_scope"))
        {
            return failure;
        }
        foreach (var service in services)
        {
            if (await grant(services.Except([service])).BeginAsync(cancellationToken) is (not null, _))
            {
                var instead = service == Api ? ", or turn off rest" : "";
                return new Renewal.InvalidGrant($"BMW rejected the login ({failure.Error}), because {service.Name} is not subscribed; "
                    + $"in the MyBMW portal under CarData, select Subscribe to {service.Name}, wait a minute, and log in again{instead}");
            }
        }
        var names = string.Join(" and ", services.Select(service => $"Subscribe to {service.Name}"));
        return new Renewal.InvalidGrant($"BMW rejected the login ({failure.Error}) and does not say why; compare the client ID with the "
            + $"MyBMW portal, select {names} there under CarData, wait a minute, and log in again");
    }

    private Token Complete(Token token)
    {
        var now = time.GetUtcNow();
        return token with
        {
            ExpiresAt = token.ExpiresAt ?? now + AccessLifetime,
            IsExpiryAssumed = token.ExpiresAt is null,
            Lifetime = token.Lifetime ?? AccessLifetime,
            RefreshExpiresAt = token.RefreshExpiresAt ?? (token.RefreshToken is null ? null : now + RefreshLifetime),
        };
    }

    /// <summary>Adds members that other programs read from the file and BMW's response does not contain.</summary>
    private static Token WithMembers(Token token, string? clientId, IReadOnlyList<string> vins)
    {
        var members = token.Members.With("client_id", clientId);
        return token with { Members = vins is [var only] ? members.With("vin", only) : members };
    }

    /// <summary>A service of CarData that the user subscribes to in the portal.</summary>
    /// <param name="Scope">BMW rejects a login for this scope without a subscription.</param>
    private sealed record Subscription(string Scope, string Name);
}
