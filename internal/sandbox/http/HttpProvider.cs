using Microsoft.AspNetCore.Routing;

namespace Exporter.Sandbox;

/// <summary>Stand-ins for any JSON API: the API of the fictional company Depot, and the saved answers of recipes. Thread-safe.</summary>
public sealed class HttpProvider : IProvider
{
    /// <summary>The client of a service account: client credentials and password.</summary>
    public const string ServiceClientId = "depot-service";

    /// <summary>Its characters differ from their form encoding, which HTTP Basic needs (RFC 6749 section 2.3.1).</summary>
    public const string ServiceClientSecret = "sandbox-depot+secret:100%";

    /// <summary>A public client: redirect with PKCE, and device code.</summary>
    public const string AppClientId = "depot-app";

    /// <summary>The user of all pages, of the password grant and of HTTP Basic.</summary>
    public const string User = "sandbox-user";

    public const string Password = "sandbox-http-password";

    public const string ApiKey = "sandbox-http-api-key";

    private readonly OAuthIssuer issuer;
    private readonly DepotApi api;
    private readonly ProviderEndpoint unexpected;
    private readonly List<RecipeApi> recipes;
    private readonly Lock gate = new();
    private readonly List<string> unexpectedRequests = [];

    internal HttpProvider(HttpProviderOptions options, SandboxContext sandbox)
    {
        issuer = new OAuthIssuer(
            new IssuerOptions
            {
                Title = "Depot",
                Path = "/depot/oauth",
                User = User,
                Scopes = DepotApi.Scopes,
                RequiresPkce = true,
                Lifetimes = options.Lifetimes,
                Interval = options.Interval,
            },
            sandbox);
        Authorization.Register(
            new RegisteredClient(ServiceClientId, ServiceClientSecret, []) { GrantTypes = ["client_credentials", "password", "refresh_token"] });
        Authorization.Register(
            new RegisteredClient(AppClientId, null, options.RedirectUris)
            { GrantTypes = ["authorization_code", "refresh_token", OAuthIssuer.DeviceGrant] });
        Authorization.RegisterUser(User, Password);
        api = new DepotApi(options, Authorization, sandbox);
        var errors = new ErrorResponses(code => RecipeApi.NotFound(TokenAnswers.Standard, code), ProviderResponse.Empty(429));
        unexpected = new ProviderEndpoint("unexpected", sandbox, errors);
        recipes = [.. options.Recipes.Select(recipe => new RecipeApi(recipe, options, sandbox, unexpected, Record))];
    }

    public string Name => "http";

    public AuthorizationServer Authorization => issuer.Authorization;

    /// <summary>Requests that no saved answer of a recipe is for: the recipe, the method, the path and all parameters.</summary>
    public IReadOnlyList<string> UnexpectedRequests { get { lock (gate) { return [.. unexpectedRequests]; } } }

    IReadOnlyDictionary<string, AuthorizationServer> IProvider.Levels =>
        recipes.Select(recipe => KeyValuePair.Create(recipe.Name, recipe.Authorization)).Prepend(KeyValuePair.Create("depot", Authorization))
            .ToDictionary();

    IReadOnlyList<ProviderEndpoint> IProvider.Endpoints =>
        [.. issuer.Endpoints, .. api.Endpoints, .. recipes.SelectMany(recipe => recipe.Endpoints), unexpected];

    /// <summary>A login of the user to Depot's app; without a scope, it has all.</summary>
    public IssuedTokens Login(params IReadOnlyList<string> scope) => issuer.Login(AppClientId, null, scope);

    /// <summary>Enters the code of a device, as a user does on the page; false if the code is unknown.</summary>
    public bool Decide(string userCode, bool approve) =>
        issuer.Decide(userCode, approve) || recipes.Exists(recipe => recipe.Decide(userCode, approve));

    /// <summary>An endpoint by its name in the control requests, such as <c>token</c>, <c>jobs</c> or <c>tado_token</c>.</summary>
    public ProviderEndpoint Endpoint(string name) => ((IProvider)this).Endpoints.Single(endpoint => endpoint.Name == name);

    /// <summary>The authorization server of a recipe.</summary>
    public AuthorizationServer AuthorizationOf(string recipe) => Recipe(recipe).Authorization;

    /// <summary>A login of the user to a recipe's client.</summary>
    public IssuedTokens LoginTo(string recipe, params IReadOnlyList<string> scope) => Recipe(recipe).Login(null, scope);

    ProviderResponse IProvider.Login(string? level, string? user, IReadOnlyList<string>? scope) => level is null or "depot"
        ? issuer.Response(issuer.Login(AppClientId, user, scope))
        : Recipe(level).Response(Recipe(level).Login(user, scope));

    void IProvider.Map(IEndpointRouteBuilder routes)
    {
        issuer.Map(routes);
        api.Map(routes);
        recipes.ForEach(recipe => recipe.Map(routes));
    }

    Task<IReadOnlyList<string>> IProvider.DescribeAsync(Uri address, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<string>>(
    [
        $"Depot API:           {new Uri(address, DepotApi.Path)}",
        $"Depot issuer:        {new Uri(address, "/depot/oauth")}",
        $"Depot service:       {ServiceClientId} with {ServiceClientSecret} (client credentials, password)",
        $"Depot app:           {AppClientId} without a secret (device code, redirect)",
        $"Depot user:          {User} with {Password} (password, HTTP Basic)",
        $"Depot API key:       {ApiKey}",
        $"Depot refresh token: {Login().RefreshToken} of {AppClientId}",
        .. recipes.Select(recipe => recipe.Describe(address)),
    ]);

    private RecipeApi Recipe(string name) => recipes.Single(recipe => recipe.Name == name);

    private void Record(string request)
    {
        lock (gate)
        {
            unexpectedRequests.Add(request);
        }
    }
}
