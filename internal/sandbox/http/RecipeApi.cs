using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Primitives;

namespace Exporter.Sandbox;

/// <summary>The saved answers of a recipe at <c>/NAME</c>, and its issuer at <c>/NAME/oauth</c>. Thread-safe.</summary>
internal sealed class RecipeApi
{
    private readonly HttpRecipe recipe;
    private readonly OAuthIssuer issuer;
    private readonly ProviderEndpoint api;
    private readonly ProviderEndpoint unexpected;
    private readonly Action<string> record;
    private readonly TokenAnswers answers;
    private readonly RecipeAuth auth;
    private readonly RegisteredClient client;

    /// <param name="unexpected">Serves the requests that match no exchange.</param>
    /// <param name="record">Called with each of them.</param>
    public RecipeApi(HttpRecipe recipe, HttpProviderOptions options, SandboxContext sandbox, ProviderEndpoint unexpected, Action<string> record)
    {
        (this.recipe, this.unexpected, this.record) = (recipe, unexpected, record);
        var file = recipe.File;
        auth = file.Auth ?? new RecipeAuth(RecipeAuthKind.OAuth2);
        answers = file.Token is { } token ? new TokenAnswers(token.Nested, token.Parameters, token.ScopeSeparator) : TokenAnswers.Standard;
        client = file.Client is { } registered
            ? new RegisteredClient(registered.Id, registered.Secret, options.RedirectUris)
            : new RegisteredClient($"{recipe.Name}-client", $"sandbox-{recipe.Name}-client-secret", options.RedirectUris);
        issuer = new OAuthIssuer(
            new IssuerOptions
            {
                Title = recipe.Name,
                Path = $"/{recipe.Name}/oauth",
                Prefix = $"{recipe.Name}_",
                User = HttpProvider.User,
                Lifetimes = options.Lifetimes,
                Interval = options.Interval,
                Answers = answers,
            },
            sandbox);
        issuer.Authorization.Register(client);
        issuer.Authorization.RegisterUser(HttpProvider.User, HttpProvider.Password);
        api = new ProviderEndpoint($"{recipe.Name}_api", sandbox, new ErrorResponses(
            code => answers.ApiError(400, code, "The sandbox rejects this request."), answers.ApiError(429, "rate_limited", "Too many requests.")));
    }

    public string Name => recipe.Name;

    public AuthorizationServer Authorization => issuer.Authorization;

    public IReadOnlyList<ProviderEndpoint> Endpoints => auth.Kind == RecipeAuthKind.OAuth2 ? [.. issuer.Endpoints, api] : [api];

    public static ProviderResponse NotFound(TokenAnswers answers, string description) => answers.ApiError(404, "not_found", description);

    public bool Decide(string userCode, bool approve) => issuer.Decide(userCode, approve);

    public IssuedTokens Login(string? user, IReadOnlyList<string>? scope) => issuer.Login(client.Id, user, scope);

    public ProviderResponse Response(IssuedTokens tokens) => issuer.Response(tokens);

    /// <summary>What an account of this recipe needs, in a line of the sandbox's output.</summary>
    public string Describe(Uri address)
    {
        var key = auth.Header is { } header ? $", {header}: {HttpProvider.ApiKey}" : "";
        var credentials = auth.Kind switch
        {
            RecipeAuthKind.OAuth2 => $"client {client.Id} with {client.Secret ?? "no secret"}, refresh token {Login(null, null).RefreshToken}{key}",
            RecipeAuthKind.ApiKey => $"{KeyHeader}: {HttpProvider.ApiKey}",
            RecipeAuthKind.Basic => $"user {HttpProvider.User} with {HttpProvider.Password}{key}",
            _ => "no credentials",
        };
        return $"Recipe {new Uri(address, $"/{Name}")} {credentials}";
    }

    public void Map(IEndpointRouteBuilder routes)
    {
        if (auth.Kind == RecipeAuthKind.OAuth2)
        {
            issuer.Map(routes);
        }
        routes.Map($"/{Name}/{{**rest}}", async context =>
        {
            var request = await ReadAsync(context.Request);
            if (request is not null && recipe.Find(request) is var (exchange, answer))
            {
                await api.Serve(context, () => Denied(context.Request) ?? Answer(exchange, answer));
                return;
            }
            record(Describe(context.Request, request));
            await unexpected.Serve(context, () => NotFound(answers, $"No saved answer of {Name} is for this request."));
        });
    }

    private string KeyHeader => auth.Header ?? "X-Api-Key";

    /// <summary>The parts of a request that an exchange must have too; null if it repeats a parameter or has another body.</summary>
    private async Task<RecipeExchange?> ReadAsync(HttpRequest request)
    {
        var form = await ProviderEndpoint.Form(request);
        var json = form is null ? await ProviderEndpoint.Json(request) : null;
        var hasBody = request.ContentLength is > 0 || request.Headers.TransferEncoding.Count > 0;
        return request.Query.Any(parameter => parameter.Value.Count != 1) || (hasBody && form is null && json is null)
            ? null
            : new RecipeExchange(
                request.Path.Value![(Name.Length + 1)..], request.Method, Values(request.Query), form is null ? null : Values(form), json);
    }

    private static Dictionary<string, string> Values(IEnumerable<KeyValuePair<string, StringValues>> parameters) =>
        parameters.ToDictionary(parameter => parameter.Key, parameter => parameter.Value.ToString());

    private static string Describe(HttpRequest request, RecipeExchange? read)
    {
        var form = read?.Form is { } fields ? $" with {string.Join('&', fields.Select(field => $"{field.Key}={field.Value}"))}" : "";
        return $"{request.Method} {request.Path}{request.QueryString}{form}{(read?.Json is { } json ? $" with {json.ToJsonString()}" : "")}";
    }

    private static ProviderResponse Answer(RecipeExchange exchange, byte[] answer)
    {
        var headers = exchange.Headers ?? new Dictionary<string, string>();
        var type = headers.FirstOrDefault(header => header.Key.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)).Value;
        return headers.Where(header => !header.Key.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)).Aggregate(
            new ProviderResponse(exchange.Status, answer.Length == 0 ? null : type ?? "application/json", answer),
            (response, header) => response.With(header.Key, header.Value));
    }

    private ProviderResponse? Denied(HttpRequest request)
    {
        var needsKey = auth.Kind == RecipeAuthKind.ApiKey || auth.Header is not null;
        if (needsKey && request.Headers[KeyHeader] != HttpProvider.ApiKey)
        {
            return answers.ApiError(401, "invalid_key", $"The header {KeyHeader} is missing or wrong.");
        }
        switch (auth.Kind)
        {
            case RecipeAuthKind.Basic when ClientCredentials.Basic(request) != (HttpProvider.User, HttpProvider.Password):
                return answers.ApiError(401, "unauthorized", "The user name or the password is missing or wrong.")
                    .With("WWW-Authenticate", $"Basic realm=\"{Name}\"");
            case RecipeAuthKind.OAuth2 when ProviderEndpoint.Bearer(request) is not { Length: > 0 }:
                return Challenged(answers.ApiError(401, "unauthorized", "The request needs an access token."), null);
            case RecipeAuthKind.OAuth2 when Authorization.Check(ProviderEndpoint.Bearer(request)!, null) is not AccessOutcome.Allowed:
                return Challenged(answers.ApiError(401, "invalid_token", "The access token is unknown, revoked or expired."), "invalid_token");
            default:
                return null;
        }
    }

    /// <summary>A challenge belongs to status 401 only (RFC 9110 section 15.5.2); a nested format has status 200.</summary>
    private ProviderResponse Challenged(ProviderResponse response, string? error) =>
        response.Status == 401 ? response.WithChallenge(Name, error) : response;
}
