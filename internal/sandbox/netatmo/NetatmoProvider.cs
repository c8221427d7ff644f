using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

public sealed record NetatmoProviderOptions : ProviderOptions
{
    public string ClientId { get; init; } = "5f1e4c6d2b7a90813c5d6e7f";

    public string ClientSecret { get; init; } = "sandbox-netatmo-client-secret";

    /// <summary>Compared exactly. A login with another URI returns to the first.</summary>
    public IReadOnlyList<string> RedirectUris { get; init; } = ["http://127.0.0.1:9210/auth/callback", "http://localhost:9210/auth/callback"];

    /// <summary>Netatmo's access tokens expire after 3 h. The lifetime of its refresh tokens is not documented.</summary>
    public TokenLifetimes Lifetimes { get; init; } = new(
        Access: TimeSpan.FromHours(3), Refresh: TimeSpan.FromDays(365), Code: TimeSpan.FromMinutes(1));

    public NetatmoSample Stations { get; init; } = NetatmoSample.Small;

    public NetatmoSample HomeCoachs { get; init; } = NetatmoSample.HomeCoach;

    /// <summary>The limits of Netatmo's API for each user; empty means no limit.</summary>
    public IReadOnlyList<UsageWindow> Limits { get; init; } = [new(50, TimeSpan.FromSeconds(10)), new(500, TimeSpan.FromHours(1))];

    public override bool IsDefault => true;

    public override IReadOnlyList<ProviderFlag> Flags =>
    [
        new(
            "--stations", "small|odd|large|FILE", "Response of getstationsdata: small, odd, large, or a file with a response of Netatmo.",
            [Stations.ToString()],
            values => this with { Stations = NetatmoSample.Named(values[^1]) }),
        new("--client-id", "TEXT", "Client id of the application.", [ClientId], values => this with { ClientId = values[^1] }),
        new("--client-secret", "TEXT", "Client secret of the application.", [ClientSecret], values => this with { ClientSecret = values[^1] }),
        new("--redirect-uri", "URI", "Redirect URI of the application, compared exactly. Repeat the flag for several URIs.", RedirectUris,
            values => this with { RedirectUris = values }),
    ];

    public override ProviderOptions WithAccessLifetime(TimeSpan lifetime) => this with { Lifetimes = Lifetimes with { Access = lifetime } };

    internal override IProvider Open(SandboxContext sandbox) => new NetatmoProvider(this, sandbox);
}

/// <summary>Netatmo in a sandbox.</summary>
public static class NetatmoSandbox
{
    extension(SandboxServer sandbox)
    {
        public NetatmoProvider Netatmo => sandbox.Get<NetatmoProvider>();
    }
}

/// <summary>Netatmo's token endpoint, its consent page and the two API methods that the exporter uses. Thread-safe.</summary>
public sealed class NetatmoProvider : IProvider
{
    private static readonly string[] Scopes = ["read_station", "read_homecoach", "read_thermostat"];

    private readonly NetatmoProviderOptions options;
    private readonly TimeProvider time;
    private readonly ConsentEndpoint consent;
    private readonly UsageLimit usage;
    private volatile NetatmoSample stations;
    private volatile NetatmoSample homeCoachs;

    internal NetatmoProvider(NetatmoProviderOptions options, SandboxContext sandbox)
    {
        this.options = options;
        time = sandbox.Time;
        stations = options.Stations;
        homeCoachs = options.HomeCoachs;
        usage = new UsageLimit(time, options.Limits);
        Authorization = new AuthorizationServer(time, options.Lifetimes, user => $"{user}|{RandomNumberGenerator.GetHexString(32, lowercase: true)}");
        Authorization.Register(new RegisteredClient(options.ClientId, options.ClientSecret, options.RedirectUris));
        consent = new ConsentEndpoint("Netatmo", User, Scopes, Authorization, time, ApiError(404, 404, "method not found"));

        var oauth = new ErrorResponses(OAuthError, OAuthError("temporarily_unavailable") with { Status = 429 });
        var api = new ErrorResponses(code => ApiError(int.Parse(code, CultureInfo.InvariantCulture)), ApiError(26));
        Authorize = new ProviderEndpoint("authorize", sandbox, oauth);
        Token = new ProviderEndpoint("token", sandbox, oauth);
        StationsData = new ProviderEndpoint("stations", sandbox, api);
        HomeCoachsData = new ProviderEndpoint("homecoachs", sandbox, api);
    }

    public string Name => "netatmo";

    /// <summary>The user of the consent page, and the first part of each token.</summary>
    public static string User => "60a1f2b3c4d5e6f708192a3b";

    public string ClientId => options.ClientId;

    public string ClientSecret => options.ClientSecret;

    public AuthorizationServer Authorization { get; }

    public ProviderEndpoint Authorize { get; }

    public ProviderEndpoint Token { get; }

    public ProviderEndpoint StationsData { get; }

    public ProviderEndpoint HomeCoachsData { get; }

    /// <summary>The response of getstationsdata.</summary>
    public NetatmoSample Stations { get => stations; set => stations = value; }

    /// <summary>The response of gethomecoachsdata.</summary>
    public NetatmoSample HomeCoachs { get => homeCoachs; set => homeCoachs = value; }

    IReadOnlyList<ProviderEndpoint> IProvider.Endpoints => [Authorize, Token, StationsData, HomeCoachsData];

    /// <summary>Creates a login, as if the user had accepted on the consent page; the default scope is read_station.</summary>
    public IssuedTokens Login(params IReadOnlyList<string> scope) => Login(User, scope);

    /// <summary>Registers another redirect URI, as a user does at dev.netatmo.com.</summary>
    public void RegisterRedirectUri(string redirectUri)
    {
        var client = Authorization.Client(ClientId)!;
        Authorization.Register(client with { RedirectUris = [.. client.RedirectUris, redirectUri] });
    }

    ProviderResponse IProvider.Login(string? level, string? user, IReadOnlyList<string>? scope) => TokenAnswer(Login(user ?? User, scope ?? []));

    void IProvider.Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/oauth2/authorize", ["GET"], context => Authorize.Serve(context, () => consent.Show(context.Request.Query)));
        routes.MapMethods("/oauth2/authorize", ["POST"], async context =>
        {
            var form = await ProviderEndpoint.Form(context.Request);
            await Authorize.Serve(context, () => consent.Decide(form));
        });
        routes.MapMethods("/oauth2/token", ["POST"], async context =>
        {
            var form = await ProviderEndpoint.Form(context.Request);
            using var flight = Authorization.TrackRequest(form?["refresh_token"]);
            await Token.Serve(context, () => Grant(context.Request, form), flight);
        });
        routes.MapMethods("/api/getstationsdata", ["GET", "POST"], context => Read(context, StationsData, "read_station", () => Stations));
        routes.MapMethods("/api/gethomecoachsdata", ["GET", "POST"], context => Read(context, HomeCoachsData, "read_homecoach", () => HomeCoachs));
        routes.Map("/api/{**method}", context => ApiError(404, 31, "Method not found").Write(context));
    }

    Task<IReadOnlyList<string>> IProvider.DescribeAsync(Uri address, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<string>>(
    [
        $"Client id:      {ClientId}",
        $"Client secret:  {ClientSecret}",
        $"Refresh token:  {Login("read_station", "read_homecoach").RefreshToken}",
    ]);

    private IssuedTokens Login(string user, IReadOnlyList<string> scope) =>
        Authorization.Login(ClientId, user, scope.Count == 0 ? ["read_station"] : scope);

    /// <summary>RFC 6749 section 3.2, as at Netatmo: credentials only in the form, 400 for every error, and two new tokens each time.</summary>
    private ProviderResponse Grant(HttpRequest request, IFormCollection? form)
    {
        string? Field(string name) => form![name] is [{ Length: > 0 } value] ? value : null;

        // RFC 6749 section 2.3: a request authenticates in one way only, and Netatmo supports only the form.
        if (form is null || Field("grant_type") is not { } grant)
        {
            return OAuthError("invalid_request");
        }
        if (request.Headers.Authorization.Count > 0
            || Authorization.Client(Field("client_id")) is not { } client || client.Secret != Field("client_secret"))
        {
            return OAuthError("invalid_client");
        }
        return Authorization.Exchange(client, grant, Field, "Netatmo removed the password grant in 2022") switch
        {
            GrantOutcome.Granted granted => TokenAnswer(granted.Tokens),
            GrantOutcome.Rejected refused => OAuthError(refused.Error),
            _ => throw new UnreachableException(),
        };
    }

    private async Task Read(HttpContext context, ProviderEndpoint endpoint, string scope, Func<NetatmoSample> sample)
    {
        var form = await ProviderEndpoint.Form(context.Request);
        await endpoint.Serve(context, () => Data(context.Request, form, scope, sample()));
    }

    private ProviderResponse Data(HttpRequest request, IFormCollection? form, string scope, NetatmoSample sample)
    {
        // RFC 6750: only the header. A token in the URL or the form counts as missing (RFC 9700 section 4.3.2).
        if (ProviderEndpoint.Bearer(request) is not { Length: > 0 } token)
        {
            return ApiError(1);
        }
        string? Parameter(string name) => (form?[name] is [{ } field] ? field : null) ?? (request.Query[name] is [{ } value] ? value : null);

        switch (Authorization.Check(token, scope))
        {
            case AccessOutcome.Unknown:
                return ApiError(2);
            case AccessOutcome.Expired:
                return ApiError(3);
            case AccessOutcome.ScopeMissing:
                return ApiError(13);
            case AccessOutcome.Allowed allowed when usage.Take(allowed.User) is { } wait:
                return ApiError(26).With("Retry-After", Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture));
        }
        var favorites = Parameter("get_favorites");
        if (favorites is not (null or "true" or "false"))
        {
            return ApiError(21);
        }
        return sample.At(time.GetUtcNow(), favorites == "true", Parameter("device_id")) is { } body ? ProviderResponse.Json(200, body) : ApiError(9);
    }

    private static ProviderResponse TokenAnswer(IssuedTokens tokens)
    {
        var seconds = (long)tokens.ExpiresIn.TotalSeconds;
        var body = new NetatmoToken(tokens.Scope, tokens.AccessToken, tokens.RefreshToken, seconds, seconds);
        return ProviderResponse.Json(200, JsonSerializer.SerializeToUtf8Bytes(body, NetatmoJson.Default.NetatmoToken))
            .With("Cache-Control", "no-store");
    }

    private static ProviderResponse OAuthError(string error) =>
        ProviderResponse.Json(400, $$"""{"error":"{{JavaScriptEncoder.Default.Encode(error)}}"}""").With("Cache-Control", "no-store");

    private static ProviderResponse ApiError(int code) => code switch
    {
        1 => ApiError(403, 1, "Access token is missing"),
        2 => ApiError(403, 2, "Invalid access token"),
        3 => ApiError(403, 3, "Access token expired"),
        5 => ApiError(403, 5, "Application is deactivated"),
        9 => ApiError(404, 9, "Device not found"),
        13 => ApiError(403, 13, "Application does not have the good scope rights"),
        21 => ApiError(400, 21, "Invalid arg"),
        26 => ApiError(429, 26, "User usage reached"),
        _ => ApiError(400, code, "Error"),
    };

    private static ProviderResponse ApiError(int status, int code, string message) =>
        ProviderResponse.Json(status, Encoding.UTF8.GetBytes($$$"""{"error":{"code":{{{code}}},"message":"{{{message}}}"}}"""));
}

/// <summary>Netatmo's token response: no token_type, a list for the scope, and the lifetime twice.</summary>
internal sealed record NetatmoToken(IReadOnlyList<string> Scope, string AccessToken, string RefreshToken, long ExpiresIn, long ExpireIn);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NetatmoToken))]
internal sealed partial class NetatmoJson : JsonSerializerContext;
