using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

public sealed record ErganiProviderOptions : ProviderOptions
{
    public string Username { get; init; } = "sandbox-user";

    public string Password { get; init; } = "sandbox-ergani-password";

    /// <summary>Ergani rejects valid credentials with another type.</summary>
    public string UserType { get; init; } = "01";

    /// <summary>Ergani's guide: 3 hours for access tokens, and 7 days from each refresh for refresh tokens.</summary>
    public TokenLifetimes Lifetimes { get; init; } = new(Access: TimeSpan.FromHours(3), Refresh: TimeSpan.FromDays(7), Code: TimeSpan.FromMinutes(1));

    /// <summary>Ergani's guide forbids a login or a refresh per call, and publishes no limits.</summary>
    public IReadOnlyList<UsageWindow> LoginLimits { get; init; } = [new(3, TimeSpan.FromMinutes(10))];

    public IReadOnlyList<UsageWindow> RefreshLimits { get; init; } = [new(5, TimeSpan.FromMinutes(10))];

    public IReadOnlyList<UsageWindow> Limits { get; init; } = [new(60, TimeSpan.FromMinutes(1))];

    /// <summary>The number of consecutive wrong passwords that locks the user.</summary>
    public int LockedAfter { get; init; } = 3;

    /// <summary>The services that the account cannot execute.</summary>
    public IReadOnlyList<string> Forbidden { get; init; } = [];

    internal override IProvider Open(SandboxContext sandbox) => new ErganiProvider(this, sandbox);
}

public static class ErganiSandbox
{
    extension(SandboxServer sandbox)
    {
        public ErganiProvider Ergani => sandbox.Get<ErganiProvider>();
    }
}

/// <summary>
/// Ergani: login, refresh, logout, two lookups and ExecuteService. Every refresh rotates both tokens, and the second use of a refresh token
/// revokes its login. An access token stays valid until it expires, because it is a JWT that Ergani does not look up. Thread-safe.
/// </summary>
public sealed class ErganiProvider : IProvider
{
    private const string Path = "/WebservicesAPI/api";
    private const string Scope = "ergani";

    private readonly ErganiProviderOptions options;
    private readonly TimeProvider time;
    private readonly RegisteredClient client;
    private readonly UsageLimit usage;
    private readonly UsageLimit logins;
    private readonly UsageLimit refreshes;
    private readonly Lock gate = new();
    private readonly Dictionary<string, DateTimeOffset> accessTokens = [];
    private readonly Dictionary<string, string> accessOfRefresh = [];
    private readonly HashSet<string> loggedOut = [];
    private int wrongPasswords;

    internal ErganiProvider(ErganiProviderOptions options, SandboxContext sandbox)
    {
        this.options = options;
        time = sandbox.Time;
        (usage, logins, refreshes) = (new(time, options.Limits), new(time, options.LoginLimits), new(time, options.RefreshLimits));
        client = new RegisteredClient("ergani", null, []);
        Authorization = new AuthorizationServer(
            time, options.Lifetimes, user => ErganiTokens.Create(user, time.GetUtcNow() + Authorization!.Lifetimes.Access));
        Authorization.Register(client);
        var errors = new ErrorResponses(reason => Error(400, reason), Error(429, "Too Many Requests"));
        LogIn = new ProviderEndpoint("login", sandbox, errors);
        Refresh = new ProviderEndpoint("refresh", sandbox, errors);
        Logout = new ProviderEndpoint("logout", sandbox, errors);
        Submissions = new ProviderEndpoint("submissions", sandbox, errors);
        ServicesList = new ProviderEndpoint("services", sandbox, errors);
        Execute = new ProviderEndpoint("execute_service", sandbox, errors);
    }

    public string Name => "ergani";

    public string Username => options.Username;

    public string Password => options.Password;

    public AuthorizationServer Authorization { get; }

    public ProviderEndpoint LogIn { get; }

    public ProviderEndpoint Refresh { get; }

    public ProviderEndpoint Logout { get; }

    public ProviderEndpoint Submissions { get; }

    public ProviderEndpoint ServicesList { get; }

    public ProviderEndpoint Execute { get; }

    /// <summary>The number of employees in both branches. A single one is an object, not an array.</summary>
    public int Employees { get; set; } = 3;

    IReadOnlyList<ProviderEndpoint> IProvider.Endpoints => [LogIn, Refresh, Logout, Submissions, ServicesList, Execute];

    /// <summary>The base address of the API in a sandbox.</summary>
    public static Uri AddressAt(Uri sandbox) => new(sandbox, $"{Path}/");

    ProviderResponse IProvider.Login(string? level, string? user, IReadOnlyList<string>? scope) =>
        Issued(Authorization.Login(client.Id, user ?? Username, Scope));

    void IProvider.Map(IEndpointRouteBuilder routes)
    {
        void Post(string path, ProviderEndpoint endpoint, Func<HttpRequest, JsonNode?, ProviderResponse> handle) =>
            routes.MapMethods($"{Path}/{path}", ["POST"], async context =>
            {
                var body = await ProviderEndpoint.Json(context.Request);
                await endpoint.Serve(context, () => handle(context.Request, body));
            });
        void Get(string path, ProviderEndpoint endpoint, Func<string> body) => routes.MapMethods(
            $"{Path}/{path}", ["GET"], context => endpoint.Serve(context, () => Denied(context.Request) ?? ProviderResponse.Json(200, body())));

        Post("Authentication", LogIn, (_, body) => LoggedIn(body));
        Post("Authentication/Refresh", Refresh, (_, body) => Refreshed(body));
        Post("Authentication/Logout", Logout, LoggedOut);
        Get("Lookup/Submissions", Submissions, () => ErganiSample.Submissions);
        Get("WebServices/ServicesList", ServicesList, () => ErganiSample.Services);
        Post("WebServices/ExecuteService", Execute, (request, body) => Denied(request) ?? Executed(body));
    }

    Task<IReadOnlyList<string>> IProvider.DescribeAsync(Uri address, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([$"Ergani:         {AddressAt(address).OriginalString} as {Username} with {Password}"]);

    private ProviderResponse LoggedIn(JsonNode? body)
    {
        if (logins.Take(Username) is { } wait)
        {
            return TooMany(wait);
        }
        lock (gate)
        {
            var isValid = (Text(body, "Username"), Text(body, "Password"), Text(body, "Usertype")) == (Username, Password, options.UserType);
            if (wrongPasswords >= options.LockedAfter || !isValid)
            {
                wrongPasswords++;
                return Error(401, wrongPasswords > options.LockedAfter ? "The user is locked" : "Wrong credentials");
            }
            wrongPasswords = 0;
        }
        return Issued(Authorization.Login(client.Id, Username, Scope));
    }

    private ProviderResponse Refreshed(JsonNode? body)
    {
        if (Text(body, "AccessToken") is not { } access || Text(body, "RefreshToken") is not { } refresh)
        {
            return Error(400, "AccessToken and RefreshToken are required");
        }
        if (refreshes.Take(Username) is { } wait)
        {
            return TooMany(wait);
        }
        lock (gate)
        {
            if (loggedOut.Contains(refresh) || accessOfRefresh.GetValueOrDefault(refresh) != access)
            {
                return Error(401, "Invalid token");
            }
        }
        using var tracker = Authorization.TrackRequest(refresh);
        return Authorization.Renew(client, refresh) switch
        {
            GrantOutcome.Granted granted => Issued(granted.Tokens),
            GrantOutcome.Rejected => Error(401, "Invalid token"),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>Requires a bearer token and a bare JSON string as body.</summary>
    private ProviderResponse LoggedOut(HttpRequest request, JsonNode? body)
    {
        if (Denied(request) is { } denied)
        {
            return denied;
        }
        if (body is not JsonValue value || !value.TryGetValue<string>(out var refresh))
        {
            return Error(400, "The refresh token is required");
        }
        lock (gate)
        {
            loggedOut.Add(refresh);
        }
        return ProviderResponse.Empty(200);
    }

    private ProviderResponse Executed(JsonNode? body) => Text(body, "ServiceCode") switch
    {
        null => Error(400, "ServiceCode is required"),
        var code when options.Forbidden.Contains(code) => Error(403, "Criteria doesn't meet requirements"),
        var code =>
            ErganiSample.Service(code, Employees) is { } json ? ProviderResponse.Json(200, json) : Error(400, "Unknown service\\nAsk for another"),
    };

    /// <summary>The error for the bearer token of a request; null if it is allowed.</summary>
    private ProviderResponse? Denied(HttpRequest request)
    {
        var token = ProviderEndpoint.Bearer(request);
        var now = time.GetUtcNow();
        lock (gate)
        {
            if (token is null || !accessTokens.TryGetValue(token, out var expiry))
            {
                return ProviderResponse.Empty(401);
            }
            if (expiry <= now || Authorization.Check(token, Scope) is AccessOutcome.Expired)
            {
                return ProviderResponse.Empty(401).With("api-token-expired", "true");
            }
        }
        return usage.Take(Username) is { } wait ? TooMany(wait) : null;
    }

    private ProviderResponse Issued(IssuedTokens tokens)
    {
        var now = time.GetUtcNow();
        lock (gate)
        {
            accessTokens[tokens.AccessToken] = now + tokens.ExpiresIn;
            accessOfRefresh[tokens.RefreshToken] = tokens.AccessToken;
        }
        return ProviderResponse.Json(200, ErganiTokens.Json(tokens, now));
    }

    private static string? Text(JsonNode? body, string name) =>
        (body as JsonObject)?[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static ProviderResponse TooMany(TimeSpan wait) =>
        Error(429, "Too Many Requests").With("Retry-After", Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture));

    private static ProviderResponse Error(int status, string message) =>
        ProviderResponse.Json(status, new JsonObject { ["message"] = message }.ToJsonString());
}
