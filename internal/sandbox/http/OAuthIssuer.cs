using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

/// <summary>What an issuer's users and clients may do.</summary>
internal sealed record IssuerOptions
{
    /// <summary>The name on its pages.</summary>
    public required string Title { get; init; }

    /// <summary>The path of the issuer, which is also that of its endpoints.</summary>
    public required string Path { get; init; }

    /// <summary>The start of the names of its endpoints.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The user of the pages.</summary>
    public required string User { get; init; }

    /// <summary>The scopes that a client may request, and the default. Null allows any scope.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    public bool RequiresPkce { get; init; }

    public required TokenLifetimes Lifetimes { get; init; }

    /// <summary>The minimum interval between two polls of a device.</summary>
    public required TimeSpan Interval { get; init; }

    public TokenAnswers Answers { get; init; } = TokenAnswers.Standard;
}

/// <summary>An issuer with all its endpoints: metadata (RFC 8414), authorization, device authorization and token. Thread-safe.</summary>
internal sealed class OAuthIssuer
{
    public const string DeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

    private static readonly string[] GrantTypes = ["authorization_code", "refresh_token", "client_credentials", "password", DeviceGrant];

    private readonly IssuerOptions options;
    private readonly ConsentEndpoint consent;
    private readonly DeviceEndpoint device;

    public OAuthIssuer(IssuerOptions options, SandboxContext sandbox)
    {
        this.options = options;
        Authorization = new AuthorizationServer(
            sandbox.Time, options.Lifetimes, _ => RandomNumberGenerator.GetHexString(40, lowercase: true));
        device = new DeviceEndpoint(options.Title, sandbox.Time, options.Interval);
        consent = new ConsentEndpoint(
            options.Title, options.User, options.Scopes, Authorization, sandbox.Time, Error("invalid_request", "The redirect URI is malformed."),
            options.Answers.ScopeSeparator, options.RequiresPkce);

        var errors = new ErrorResponses(
            code => Error(code, "The sandbox rejects this request."),
            options.Answers.ApiError(429, "temporarily_unavailable", "Too many requests."));
        Metadata = new ProviderEndpoint($"{options.Prefix}metadata", sandbox, errors);
        Authorize = new ProviderEndpoint($"{options.Prefix}authorize", sandbox, errors);
        DeviceCode = new ProviderEndpoint($"{options.Prefix}device", sandbox, errors);
        Link = new ProviderEndpoint($"{options.Prefix}link", sandbox, errors);
        Token = new ProviderEndpoint($"{options.Prefix}token", sandbox, errors);
    }

    public AuthorizationServer Authorization { get; }

    public ProviderEndpoint Metadata { get; }

    public ProviderEndpoint Authorize { get; }

    public ProviderEndpoint DeviceCode { get; }

    /// <summary>The page where the user enters the code of a device.</summary>
    public ProviderEndpoint Link { get; }

    public ProviderEndpoint Token { get; }

    public IReadOnlyList<ProviderEndpoint> Endpoints => [Metadata, Authorize, DeviceCode, Link, Token];

    /// <summary>Enters the code of a device, as a user does on the page; false if the code is unknown.</summary>
    public bool Decide(string userCode, bool approve) => device.Decide(userCode, approve);

    /// <summary>A login of the user, as after the page.</summary>
    public IssuedTokens Login(string clientId, string? user, IReadOnlyList<string>? scope) =>
        Authorization.Login(clientId, user ?? options.User, scope is null or [] ? options.Scopes ?? [] : scope);

    public ProviderResponse Response(IssuedTokens tokens) =>
        options.Answers.Token(tokens.AccessToken, tokens.RefreshToken, tokens.Scope, tokens.ExpiresIn);

    public void Map(IEndpointRouteBuilder routes)
    {
        var path = options.Path;
        void Post(string route, ProviderEndpoint endpoint, Func<HttpRequest, IFormCollection?, ProviderResponse> handle) =>
            routes.MapMethods(route, ["POST"], async context =>
            {
                var form = await ProviderEndpoint.Form(context.Request);
                using var tracker = endpoint == Token ? Authorization.TrackRequest(form?["refresh_token"]) : null;
                await endpoint.Serve(context, () => handle(context.Request, form), tracker);
            });

        // OpenID Connect Discovery appends its path to the issuer's. RFC 8414 section 3.1 inserts its path before the issuer's.
        foreach (var well in new[] { $"{path}/.well-known/openid-configuration", $"/.well-known/oauth-authorization-server{path}" })
        {
            routes.MapMethods(well, ["GET"], context => Metadata.Serve(context, () => Describe(context.Request)));
        }
        routes.MapMethods($"{path}/authorize", ["GET"], context => Authorize.Serve(context, () => consent.Show(context.Request.Query)));
        Post($"{path}/authorize", Authorize, (_, form) => consent.Decide(form));
        routes.MapMethods($"{path}/link", ["GET"], context => Link.Serve(context, () => device.Show(context.Request.Query)));
        Post($"{path}/link", Link, (_, form) => device.Submit(form));
        Post($"{path}/device_authorization", DeviceCode, Begin);
        Post($"{path}/token", Token, Grant);
    }

    /// <summary>The issuer's identifier: its address and its path.</summary>
    public string Issuer(HttpRequest request) => $"{request.Scheme}://{request.Host}{options.Path}";

    private ProviderResponse Describe(HttpRequest request)
    {
        var issuer = Issuer(request);
        static JsonArray List(IEnumerable<string> values) => new([.. values.Select(value => JsonValue.Create(value))]);

        var metadata = new JsonObject
        {
            ["issuer"] = issuer,
            ["authorization_endpoint"] = $"{issuer}/authorize",
            ["device_authorization_endpoint"] = $"{issuer}/device_authorization",
            ["token_endpoint"] = $"{issuer}/token",
            ["response_types_supported"] = List(["code"]),
            ["grant_types_supported"] = List(GrantTypes),
            ["token_endpoint_auth_methods_supported"] = List(["client_secret_basic", "client_secret_post", "none"]),
            ["code_challenge_methods_supported"] = List(["S256"]),
        };
        if (options.Scopes is { } scopes)
        {
            metadata["scopes_supported"] = List(scopes);
        }
        return ProviderResponse.Json(200, metadata.ToJsonString());
    }

    /// <summary>RFC 8628 section 3.1.</summary>
    private ProviderResponse Begin(HttpRequest request, IFormCollection? form)
    {
        if (form is null)
        {
            return Error("invalid_request", "The request is not a form, or it repeats a parameter.");
        }
        string? Field(string name) => FieldOf(form, name);
        if (ClientCredentials.Authenticate(request, Field, Authorization) is not { } client)
        {
            return InvalidClient(request);
        }
        if (client.GrantTypes?.Contains(DeviceGrant) == false)
        {
            return Error("unauthorized_client", "The client may not use this grant.");
        }
        if (Scope(Field("scope")) is not { } scope)
        {
            return Error("invalid_scope", "The scope is unknown.");
        }
        var challenge = Field("code_challenge");
        if (challenge is not null && (challenge.Length != 43 || Field("code_challenge_method") != "S256"))
        {
            return Error("invalid_request", "The code challenge is invalid.");
        }
        var lifetime = Authorization.Lifetimes.Code;
        var (deviceCode, userCode) = device.Begin(new DeviceRequest(client.Id, scope, challenge), lifetime);
        var page = $"{Issuer(request)}/link";
        return ProviderResponse.Json(200, new JsonObject
        {
            ["device_code"] = deviceCode,
            ["user_code"] = $"{userCode[..4]}-{userCode[4..]}",
            ["verification_uri"] = page,
            ["verification_uri_complete"] = $"{page}?user_code={userCode[..4]}-{userCode[4..]}",
            ["expires_in"] = (long)lifetime.TotalSeconds,
            ["interval"] = (long)options.Interval.TotalSeconds,
        }.ToJsonString()).With("Cache-Control", "no-store");
    }

    /// <summary>RFC 6749 section 3.2.</summary>
    private ProviderResponse Grant(HttpRequest request, IFormCollection? form)
    {
        string? Field(string name) => FieldOf(form!, name);

        if (form is null || Field("grant_type") is not { } type || !options.Answers.HasParameters(Field))
        {
            return Error("invalid_request", "The request is not a form, repeats a parameter, or lacks one.");
        }
        if (ClientCredentials.Authenticate(request, Field, Authorization) is not { } client)
        {
            return InvalidClient(request);
        }
        var outcome = GrantTypes.Contains(type) && client.GrantTypes?.Contains(type) == false
            ? new GrantOutcome.Rejected("unauthorized_client", "The client may not use this grant.")
            : Scope(Field("scope")) is { } scope ? Exchange(client, type, scope, Field)
            : new GrantOutcome.Rejected("invalid_scope", "The scope is unknown.");
        return outcome switch
        {
            GrantOutcome.Granted granted => Response(granted.Tokens),
            GrantOutcome.GrantedAccess access => options.Answers.Token(access.AccessToken, null, access.Scope, access.ExpiresIn),
            GrantOutcome.Rejected { Error: "invalid_grant" } when options.Answers.Nested is not null =>
                Error("invalid_grant", type == "refresh_token" ? "invalid refresh_token" : "invalid code"),
            GrantOutcome.Rejected rejected => Error(rejected.Error, rejected.Reason),
            _ => throw new UnreachableException(),
        };
    }

    private GrantOutcome Exchange(RegisteredClient client, string type, IReadOnlyList<string> scope, Func<string, string?> field)
    {
        switch (type)
        {
            case "client_credentials":
                return Authorization.GrantClientCredentials(client, scope);
            case "password" when field("username") is { } user && field("password") is { } password:
                return Authorization.GrantPassword(client, user, password, scope);
            case DeviceGrant when field("device_code") is { } code:
                return device.Poll(code, client.Id, field("code_verifier")) switch
                {
                    DeviceOutcome.Approved(var approved) => new GrantOutcome.Granted(Login(client.Id, null, approved.Scope)),
                    DeviceOutcome.Rejected(var error) => new GrantOutcome.Rejected(error, "The device code is not usable."),
                    _ => throw new UnreachableException(),
                };
            case "password" or DeviceGrant:
                return new GrantOutcome.Rejected("invalid_request", "A parameter is missing.");
            // RFC 6749 section 6: the scope of a renewal must not exceed that of the login.
            case "refresh_token" when field("scope") is not null && field("refresh_token") is { } token
                && Authorization.ScopeOf(token) is { } granted && scope.Except(granted).Any():
                return new GrantOutcome.Rejected("invalid_scope", "The scope exceeds that of the login.");
            default:
                return Authorization.Exchange(client, type, field, "The grant type is unknown.");
        }
    }

    /// <summary>The requested scope, the default if it is missing (RFC 6749 section 3.3), or null if it is unknown.</summary>
    private IReadOnlyList<string>? Scope(string? requested)
    {
        var scope = requested?.Split(options.Answers.ScopeSeparator, StringSplitOptions.RemoveEmptyEntries) ?? [];
        return scope.Length == 0 ? options.Scopes ?? [] : options.Scopes is { } known && scope.Except(known).Any() ? null : scope;
    }

    /// <summary>RFC 6749 section 5.2: with a challenge if the client used the Authorization header.</summary>
    private ProviderResponse InvalidClient(HttpRequest request) => Error("invalid_client", "The client authentication failed.")
        .With("WWW-Authenticate", request.Headers.Authorization.Count > 0 ? $"Basic realm=\"{options.Title}\"" : null);

    private ProviderResponse Error(string error, string description) => options.Answers.Error(error, description);

    private static string? FieldOf(IFormCollection form, string name) => form[name] is [{ Length: > 0 } value] ? value : null;
}
