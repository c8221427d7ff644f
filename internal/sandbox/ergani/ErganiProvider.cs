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

    /// <summary>Right credentials with another type are refused like wrong ones.</summary>
    public string UserType { get; init; } = "01";

    /// <summary>Ergani's guide: access tokens live 3 h, refresh tokens 7 days from every refresh on.</summary>
    public TokenLifetimes Lifetimes { get; init; } = new(Access: TimeSpan.FromHours(3), Refresh: TimeSpan.FromDays(7), Code: TimeSpan.FromMinutes(1));

    /// <summary>What is still no abuse; a log-in or a refresh per call is, says the guide.</summary>
    public IReadOnlyList<UsageWindow> LoginLimits { get; init; } = [new(3, TimeSpan.FromMinutes(10))];

    public IReadOnlyList<UsageWindow> RefreshLimits { get; init; } = [new(5, TimeSpan.FromMinutes(10))];

    public IReadOnlyList<UsageWindow> Limits { get; init; } = [new(60, TimeSpan.FromMinutes(1))];

    /// <summary>So many wrong passwords in a row, and the user is locked, also with the right one.</summary>
    public int LockedAfter { get; init; } = 3;

    /// <summary>The services that the account may not execute.</summary>
    public IReadOnlyList<string> Forbidden { get; init; } = [];

    internal override IProvider Open(Surroundings surroundings) => new ErganiProvider(this, surroundings);
}

/// <summary>Ergani in a sandbox.</summary>
public static class ErganiSandbox
{
    extension(SandboxServer sandbox)
    {
        public ErganiProvider Ergani => sandbox.Get<ErganiProvider>();
    }
}

/// <summary>
/// Ergani: log-in, refresh, logout, two lookups and ExecuteService. Both tokens are new at every refresh, a used refresh token ends its login, and
/// an access token is good until it ends, whatever happens to its login, because it is a JWT that nobody looks up. Thread-safe.
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
    private int wrongInARow;

    internal ErganiProvider(ErganiProviderOptions options, Surroundings surroundings)
    {
        this.options = options;
        time = surroundings.Time;
        (usage, logins, refreshes) = (new(time, options.Limits), new(time, options.LoginLimits), new(time, options.RefreshLimits));
        client = new RegisteredClient("ergani", null, []);
        Authorization = new AuthorizationServer(time, options.Lifetimes, user => ErganiTokens.Mint(user, time.GetUtcNow() + Authorization!.Lifetimes.Access));
        Authorization.Register(client);
        var dialect = new Dialect(reason => Refused(400, reason), Refused(429, "Too Many Requests"));
        LogIn = new ProviderEndpoint("login", surroundings, dialect);
        Refresh = new ProviderEndpoint("refresh", surroundings, dialect);
        Logout = new ProviderEndpoint("logout", surroundings, dialect);
        Submissions = new ProviderEndpoint("submissions", surroundings, dialect);
        ServicesList = new ProviderEndpoint("services", surroundings, dialect);
        Execute = new ProviderEndpoint("execute_service", surroundings, dialect);
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

    /// <summary>How many employees the two branches have together; of one the provider makes no list.</summary>
    public int Employees { get; set; } = 3;

    IReadOnlyList<ProviderEndpoint> IProvider.Endpoints => [LogIn, Refresh, Logout, Submissions, ServicesList, Execute];

    /// <summary>The base of the API at a sandbox.</summary>
    public static Uri AddressAt(Uri sandbox) => new(sandbox, $"{Path}/");

    Answer IProvider.Login(string? level, string? user, IReadOnlyList<string>? scope) => Issued(Authorization.Login(client.Id, user ?? Username, Scope));

    void IProvider.Map(IEndpointRouteBuilder routes)
    {
        void Post(string path, ProviderEndpoint endpoint, Func<HttpRequest, JsonNode?, Answer> handle) => routes.MapMethods($"{Path}/{path}", ["POST"], async context =>
        {
            var body = await ProviderEndpoint.Json(context.Request);
            await endpoint.Serve(context, () => handle(context.Request, body));
        });
        void Get(string path, ProviderEndpoint endpoint, Func<string> body) => routes.MapMethods(
            $"{Path}/{path}", ["GET"], context => endpoint.Serve(context, () => Denied(context.Request) ?? Answer.Json(200, body())));

        Post("Authentication", LogIn, (_, body) => LoggedIn(body));
        Post("Authentication/Refresh", Refresh, (_, body) => Refreshed(body));
        Post("Authentication/Logout", Logout, LoggedOut);
        Get("Lookup/Submissions", Submissions, () => ErganiSample.Submissions);
        Get("WebServices/ServicesList", ServicesList, () => ErganiSample.Services);
        Post("WebServices/ExecuteService", Execute, (request, body) => Denied(request) ?? Executed(body));
    }

    Task<IReadOnlyList<string>> IProvider.IntroduceAsync(Uri address, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([$"Ergani:         {AddressAt(address).OriginalString} as {Username} with {Password}"]);

    private Answer LoggedIn(JsonNode? body)
    {
        if (logins.Take(Username) is { } wait)
        {
            return TooMany(wait);
        }
        lock (gate)
        {
            var isRight = Text(body, "Username") == Username && Text(body, "Password") == Password && Text(body, "Usertype") == options.UserType;
            if (wrongInARow >= options.LockedAfter || !isRight)
            {
                wrongInARow++;
                return Refused(401, wrongInARow > options.LockedAfter ? "The user is locked" : "Wrong credentials");
            }
            wrongInARow = 0;
        }
        return Issued(Authorization.Login(client.Id, Username, Scope));
    }

    private Answer Refreshed(JsonNode? body)
    {
        if (Text(body, "AccessToken") is not { } access || Text(body, "RefreshToken") is not { } refresh)
        {
            return Refused(400, "AccessToken and RefreshToken are required");
        }
        if (refreshes.Take(Username) is { } wait)
        {
            return TooMany(wait);
        }
        lock (gate)
        {
            if (loggedOut.Contains(refresh) || accessOfRefresh.GetValueOrDefault(refresh) != access)
            {
                return Refused(401, "Invalid token");
            }
        }
        using var flight = Authorization.Flight(refresh);
        return Authorization.Renew(client, refresh) switch
        {
            GrantOutcome.Granted granted => Issued(granted.Tokens),
            GrantOutcome.Refused => Refused(401, "Invalid token"),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>A bearer, and a body that is one bare JSON string.</summary>
    private Answer LoggedOut(HttpRequest request, JsonNode? body)
    {
        if (Denied(request) is { } denied)
        {
            return denied;
        }
        if (body is not JsonValue value || !value.TryGetValue<string>(out var refresh))
        {
            return Refused(400, "The refresh token is required");
        }
        lock (gate)
        {
            loggedOut.Add(refresh);
        }
        return Answer.Empty(200);
    }

    private Answer Executed(JsonNode? body) => Text(body, "ServiceCode") switch
    {
        null => Refused(400, "ServiceCode is required"),
        var code when options.Forbidden.Contains(code) => Refused(403, "Criteria doesn't meet requirements"),
        var code => ErganiSample.Service(code, Employees) is { } answer ? Answer.Json(200, answer) : Refused(400, "Unknown service\\nAsk for another"),
    };

    /// <summary>Why the bearer of a request opens nothing; null where it does.</summary>
    private Answer? Denied(HttpRequest request)
    {
        var token = ProviderEndpoint.Bearer(request);
        var now = time.GetUtcNow();
        lock (gate)
        {
            if (token is null || !accessTokens.TryGetValue(token, out var end))
            {
                return Answer.Empty(401);
            }
            if (end <= now || Authorization.Check(token, Scope) is AccessOutcome.Expired)
            {
                return Answer.Empty(401).With("api-token-expired", "true");
            }
        }
        return usage.Take(Username) is { } wait ? TooMany(wait) : null;
    }

    private Answer Issued(IssuedTokens tokens)
    {
        var now = time.GetUtcNow();
        lock (gate)
        {
            accessTokens[tokens.AccessToken] = now + tokens.ExpiresIn;
            accessOfRefresh[tokens.RefreshToken] = tokens.AccessToken;
        }
        return Answer.Json(200, ErganiTokens.Json(tokens, now));
    }

    private static string? Text(JsonNode? body, string name) => body is JsonObject members && members[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static Answer TooMany(TimeSpan wait) =>
        Refused(429, "Too Many Requests").With("Retry-After", Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture));

    private static Answer Refused(int status, string message) => Answer.Json(status, new JsonObject { ["message"] = message }.ToJsonString());
}
