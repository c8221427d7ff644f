using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

/// <summary>
/// Webex: three kinds of login (service app, integration, personal token of the portal), the token endpoints, and a service app's data
/// sources. Every renewal rotates the refresh token, which is the stricter of Webex's behaviors;
/// <see cref="AuthorizationServer.KeepsRefreshTokens"/> and <see cref="AuthorizationServer.RepeatsWithin"/> select the other. Thread-safe.
/// </summary>
public sealed class WebexProvider : IProvider
{
    public const string ReadScope = "spark-admin:datasource_read";

    public const string WriteScope = "spark-admin:datasource_write";

    public const string ApplicationsScope = "spark:applications_token";

    private const string User = "sandbox-admin";
    private static readonly string[] ApplicationMembers = ["clientId", "clientSecret", "targetOrgId"];
    private static readonly string[] Scopes = [ApplicationsScope, "spark:people_read", "spark:kms", "spark:all"];

    private readonly WebexProviderOptions options;
    private readonly TimeProvider time;
    private readonly ConsentEndpoint consent;
    private readonly UsageLimit usage;
    private readonly ErrorResponses api = new(
        status => WebexError.Of(int.Parse(status, CultureInfo.InvariantCulture), "Refused by the sandbox"), WebexError.Of(429, "Too Many Requests"));

    internal WebexProvider(WebexProviderOptions options, SandboxContext sandbox)
    {
        (this.options, time) = (options, sandbox.Time);
        usage = new UsageLimit(time, options.Limits);
        ServiceApp = new AuthorizationServer(time, options.ServiceAppLifetimes, CreateToken);
        ServiceApp.Register(new RegisteredClient(options.ClientId, options.ClientSecret, []));
        Integration = new AuthorizationServer(time, options.IntegrationLifetimes, CreateToken);
        Integration.Register(new RegisteredClient(options.IntegrationClientId, options.IntegrationClientSecret, options.RedirectUris));
        // Without a registered client, the portal's token cannot be renewed.
        Personal = new AuthorizationServer(time, new TokenLifetimes(options.PersonalLifetime, options.PersonalLifetime, TimeSpan.Zero), CreateToken);
        consent = new ConsentEndpoint("Webex", User, Scopes, Integration, time, WebexError.Of(400, "Invalid redirect_uri"));
        DataSources = new WebexDataSources(time, options);

        var oauth = new ErrorResponses(error => WebexError.Of(error == "invalid_client" ? 401 : 400, error), api.TooManyRequests);
        Authorize = new ProviderEndpoint("authorize", sandbox, oauth);
        ServiceAppToken = new ProviderEndpoint("service_app_token", sandbox, oauth);
        IntegrationToken = new ProviderEndpoint("integration_token", sandbox, oauth);
        ApplicationToken = new ProviderEndpoint("application_token", sandbox, api);
        Me = new ProviderEndpoint("people_me", sandbox, api);
        TokenExpiry = new ProviderEndpoint("token_expiry", sandbox, api);
        ListSources = new ProviderEndpoint("data_sources", sandbox, api);
        GetSource = new ProviderEndpoint("data_source", sandbox, api);
        RegisterSource = new ProviderEndpoint("data_source_register", sandbox, api);
        UpdateSource = new ProviderEndpoint("data_source_update", sandbox, api);
        DeleteSource = new ProviderEndpoint("data_source_delete", sandbox, api);
        Schemas = new ProviderEndpoint("schemas", sandbox, api);
    }

    public string Name => "webex";

    public string AppId => options.AppId;

    public string OrgId => options.OrgId;

    public string ClientId => options.ClientId;

    public string ClientSecret => options.ClientSecret;

    public string IntegrationClientId => options.IntegrationClientId;

    public string IntegrationClientSecret => options.IntegrationClientSecret;

    /// <summary>Whether a full admin has authorized the service app in Control Hub.</summary>
    public bool IsAuthorized { get; set; } = true;

    /// <summary>Logins of the service app: by its refresh token, and by a personal token at <c>/v1/applications/{id}/token</c>.</summary>
    public AuthorizationServer ServiceApp { get; }

    /// <summary>Logins of the integration. Their access tokens are personal tokens too.</summary>
    public AuthorizationServer Integration { get; }

    /// <summary>Personal tokens of the developer portal.</summary>
    public AuthorizationServer Personal { get; }

    public WebexDataSources DataSources { get; }

    /// <summary>The first level: a renewal with the service app's refresh token.</summary>
    public ProviderEndpoint ServiceAppToken { get; }

    /// <summary>The second level: <c>/v1/applications/{id}/token</c>.</summary>
    public ProviderEndpoint ApplicationToken { get; }

    /// <summary>The third level: a code or a refresh token of the integration.</summary>
    public ProviderEndpoint IntegrationToken { get; }

    /// <summary>The fourth level: a login by a user.</summary>
    public ProviderEndpoint Authorize { get; }

    public ProviderEndpoint Me { get; }

    public ProviderEndpoint TokenExpiry { get; }

    public ProviderEndpoint ListSources { get; }

    public ProviderEndpoint GetSource { get; }

    public ProviderEndpoint RegisterSource { get; }

    public ProviderEndpoint UpdateSource { get; }

    public ProviderEndpoint DeleteSource { get; }

    public ProviderEndpoint Schemas { get; }

    AuthorizationServer IProvider.Authorization => ServiceApp;

    IReadOnlyDictionary<string, AuthorizationServer> IProvider.Levels =>
        new Dictionary<string, AuthorizationServer> { ["service_app"] = ServiceApp, ["personal"] = Personal, ["integration"] = Integration };

    IReadOnlyList<ProviderEndpoint> IProvider.Endpoints =>
    [
        Authorize, ServiceAppToken, ApplicationToken, IntegrationToken, Me, TokenExpiry,
        ListSources, GetSource, RegisterSource, UpdateSource, DeleteSource, Schemas,
    ];

    /// <summary>The service app's tokens, as Control Hub or the developer portal shows them when the app is authorized.</summary>
    public IssuedTokens LoginServiceApp() => ServiceApp.Login(ClientId, OrgId, options.ServiceAppScopes);

    /// <summary>A login to the integration, as after the user clicked Accept.</summary>
    public IssuedTokens LoginIntegration(params IReadOnlyList<string> scope) =>
        Integration.Login(IntegrationClientId, User, scope.Count == 0 ? [ApplicationsScope] : scope);

    /// <summary>A personal token of the portal. It has all permissions of the user.</summary>
    public string LoginPersonal(params IReadOnlyList<string> scope) =>
        Personal.Login("portal", User, scope.Count == 0 ? Scopes : scope).AccessToken;

    ProviderResponse IProvider.Login(string? level, string? user, IReadOnlyList<string>? scope) => TokenResponse(level switch
    {
        "personal" => Personal.Login("portal", user ?? User, scope ?? Scopes),
        "integration" => Integration.Login(IntegrationClientId, user ?? User, scope ?? [ApplicationsScope]),
        _ => ServiceApp.Login(ClientId, user ?? OrgId, scope ?? options.ServiceAppScopes),
    });

    void IProvider.Map(IEndpointRouteBuilder routes)
    {
        void Map(string method, string path, ProviderEndpoint endpoint, string? scope, Func<HttpContext, JsonNode?, ProviderResponse> handle) =>
            routes.MapMethods($"/v1/{path}", [method], async context =>
            {
                var body = await ProviderEndpoint.Json(context.Request);
                await endpoint.Serve(context, () => WebexError.Tracked(Denied(context.Request, scope) ?? handle(context, body)));
            });
        static string Part(HttpContext context, string name) => (string)context.Request.RouteValues[name]!;

        routes.MapMethods("/v1/authorize", ["GET"], context => Authorize.Serve(context, () => consent.Show(context.Request.Query)));
        routes.MapMethods("/v1/authorize", ["POST"], async context =>
        {
            var form = await ProviderEndpoint.Form(context.Request);
            await Authorize.Serve(context, () => consent.Decide(form));
        });
        routes.MapMethods("/v1/access_token", ["POST"], async context =>
        {
            var form = await ProviderEndpoint.Form(context.Request);
            var isIntegration = form?["client_id"].ToString() == IntegrationClientId;
            var (level, endpoint) = isIntegration ? (Integration, IntegrationToken) : (ServiceApp, ServiceAppToken);
            using var tracker = level.TrackRequest(form?["refresh_token"]);
            await endpoint.Serve(context, () => WebexError.Tracked(Grant(form, level)), tracker);
        });
        Map("POST", "applications/{id}/token", ApplicationToken, ApplicationsScope, (context, body) => Application(Part(context, "id"), body));
        Map("GET", "people/me", Me, null, (context, _) => ProviderResponse.Json(200, Profile(Allowed(context.Request)!.User).ToJsonString()));
        Map("GET", "authorizations/tokenExpiry", TokenExpiry, null, (context, _) =>
            ProviderResponse.Json(200, new JsonObject { ["exp"] = Allowed(context.Request)!.Expiry.ToUnixTimeMilliseconds() }.ToJsonString()));
        Map("GET", "dataSources", ListSources, ReadScope, (_, _) => DataSources.List());
        Map("POST", "dataSources", RegisterSource, WriteScope, (_, body) => DataSources.Register(body));
        Map("GET", "dataSources/schemas", Schemas, null, (_, _) => WebexSchemas.List());
        Map("GET", "dataSources/schemas/{id}", Schemas, null, (context, _) => WebexSchemas.Get(Part(context, "id")));
        Map("GET", "dataSources/{id}", GetSource, ReadScope, (context, _) => DataSources.Get(Part(context, "id")));
        Map("PUT", "dataSources/{id}", UpdateSource, WriteScope, (context, body) => DataSources.Update(Part(context, "id"), body));
        Map("DELETE", "dataSources/{id}", DeleteSource, WriteScope, (context, _) => DataSources.Delete(Part(context, "id")));
    }

    Task<IReadOnlyList<string>> IProvider.DescribeAsync(Uri address, CancellationToken cancellationToken)
    {
        DataSources.Add("https://voice.example.com/grpc");
        DataSources.Add("https://archive.example.com/grpc", "The gateway is being moved");
        return Task.FromResult<IReadOnlyList<string>>(
        [
            $"Webex service app:    {AppId} in {OrgId}",
            $"Webex client:         {ClientId} with {ClientSecret}",
            $"Webex refresh token:  {LoginServiceApp().RefreshToken}",
            $"Webex personal token: {LoginPersonal()}",
            $"Webex integration:    {IntegrationClientId} with {IntegrationClientSecret}",
        ]);
    }

    /// <summary>RFC 6749 section 3.2 with client credentials in the form, and errors in the format of Webex's API.</summary>
    private static ProviderResponse Grant(IFormCollection? form, AuthorizationServer level)
    {
        string? Field(string name) => form![name] is [{ Length: > 0 } value] ? value : null;

        if (form is null || Field("grant_type") is not { } grant)
        {
            return WebexError.Of(
                400, "The request is missing a required parameter, includes a parameter more than once, or is not a form", "invalid_request");
        }
        if (level.Client(Field("client_id")) is not { } client || client.Secret != Field("client_secret"))
        {
            return WebexError.Of(401, "Client authentication failed", "invalid_client");
        }
        return level.Exchange(client, grant, Field, "Webex supports two grant types") switch
        {
            GrantOutcome.Granted granted => TokenResponse(granted.Tokens),
            // Webex returns 401 for an invalid refresh token, where RFC 6749 section 5.2 requires 400.
            GrantOutcome.Rejected { Error: "invalid_grant" } when grant == "refresh_token" =>
                WebexError.Of(401, "The refresh token provided is expired, revoked, malformed, or invalid.", "invalid_grant"),
            GrantOutcome.Rejected rejected => WebexError.Of(400, $"The request is invalid: {rejected.Reason}", rejected.Error),
            _ => throw new UnreachableException(),
        };
    }

    private ProviderResponse Application(string id, JsonNode? body)
    {
        string? Text(string name) =>
            (body as JsonObject)?[name] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;

        if (id != AppId)
        {
            return WebexError.Of(404, "The requested resource could not be found.", "application");
        }
        string[] missing = [.. ApplicationMembers.Where(name => Text(name) is null)];
        if (missing.Length > 0)
        {
            return WebexError.Of(400, "The request could not be understood by the server", [.. missing.Select(name => $"{name} is required")]);
        }
        if (Text("clientId") != ClientId || Text("clientSecret") != ClientSecret)
        {
            return WebexError.Of(400, "clientId or clientSecret is invalid");
        }
        return Text("targetOrgId") == OrgId && IsAuthorized
            ? TokenResponse(LoginServiceApp())
            : WebexError.Of(403, "The service app is not authorized for the target organization");
    }

    /// <summary>The error for the bearer token of a request; null if it is allowed.</summary>
    private ProviderResponse? Denied(HttpRequest request, string? scope)
    {
        var outcomes = ProviderEndpoint.Bearer(request) is { } token ? Levels.Select(level => level.Check(token, scope)) : [];
        return outcomes.FirstOrDefault(outcome => outcome is not AccessOutcome.Unknown) switch
        {
            AccessOutcome.Allowed allowed => usage.Take(allowed.User) is { } wait
                ? WebexError.Of(429, "Too Many Requests").With("Retry-After", Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture))
                : null,
            AccessOutcome.ScopeMissing => WebexError.Of(403,
                "The server understood the request, but refused to fulfill it because the access token is missing required scopes", scope!),
            _ => Unauthorized,
        };
    }

    private AccessOutcome.Allowed? Allowed(HttpRequest request) =>
        Levels.Select(level => level.Check(ProviderEndpoint.Bearer(request)!, null)).OfType<AccessOutcome.Allowed>().FirstOrDefault();

    private AuthorizationServer[] Levels => [ServiceApp, Personal, Integration];

    private static ProviderResponse Unauthorized =>
        WebexError.Of(401, "The request requires a valid access token set in the Authorization request header.");

    private JsonObject Profile(string user) => new()
    {
        ["id"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"ciscospark://us/PEOPLE/{user}")),
        ["emails"] = new JsonArray($"{user}@example.com"),
        ["displayName"] = user,
        ["orgId"] = OrgId,
        ["type"] = "person",
    };

    private static string CreateToken(string user) => $"{RandomNumberGenerator.GetHexString(64, lowercase: true)}_P0A1_{Guid.NewGuid()}";

    private static ProviderResponse TokenResponse(IssuedTokens tokens) => ProviderResponse.Json(200, new JsonObject
    {
        ["access_token"] = tokens.AccessToken,
        ["expires_in"] = (long)tokens.ExpiresIn.TotalSeconds,
        ["refresh_token"] = tokens.RefreshToken,
        ["refresh_token_expires_in"] = (long)tokens.RefreshExpiresIn.TotalSeconds,
        ["token_type"] = "Bearer",
    }.ToJsonString()).With("Cache-Control", "no-store");
}
