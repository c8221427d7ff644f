using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Exporter.Http;

/// <summary>An answer that is no error.</summary>
/// <param name="IsEmpty">Whether there is nothing to read.</param>
internal sealed record HttpAnswer(HttpResponseMessage Message, JsonElement? Body, bool IsEmpty);

/// <summary>Answers the requests of a module.</summary>
internal interface IModuleApi
{
    Task<Result<HttpAnswer, ApiFailure>> SendAsync(ModuleRequest request, HttpCall call, CancellationToken cancellationToken);
}

/// <summary>The API of a module, for one account. Each request goes to the API's origin or to a listed host only. Safe for concurrent use.</summary>
/// <param name="manager">Null if the API needs no token.</param>
/// <param name="authorization">The header of each request; null if the account's token or the module's headers are enough.</param>
/// <param name="scopes">The scopes that the account requests.</param>
internal sealed class HttpApi(
    Module module, HttpClient http, TokenManager? manager, AuthenticationHeaderValue? authorization, IReadOnlyList<string> scopes, TimeProvider time)
    : IModuleApi
{
    /// <summary>Limits the requests; null if the module has no budget.</summary>
    public IRequestBudget? Budget { get; init; }

    /// <summary>Counts the requests.</summary>
    public HttpCalls? Calls { get; init; }

    public async Task<Result<HttpAnswer, ApiFailure>> SendAsync(ModuleRequest request, HttpCall call, CancellationToken cancellationToken)
    {
        if (OriginProblem(call.FullAddress) is { } elsewhere)
        {
            return new ApiFailure.Rejected(elsewhere);
        }
        if (Budget is not null && await Budget.FailureAsync(cancellationToken) is { } usedUp)
        {
            return usedUp;
        }
        var origin = new Uri(call.FullAddress.GetLeftPart(UriPartial.Authority));
        var account = new ModuleAccount(manager, origin, request.Errors.Before(module.Errors))
        {
            Budget = Budget,
            Calls = Calls,
            LargestResponse = module.LargestResponse,
        };
        using var message = call.ToMessage();
        message.Options.Set(HttpCalls.Operation, request.Name);
        message.Headers.Authorization ??= authorization;
        account.Mark(message);
        try
        {
            var response = await http.SendAsync(message, cancellationToken);
            var body = Json.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken));
            var (kind, wait) = account.Errors.Classify(response, body);
            if (kind is ErrorKind.None or ErrorKind.Empty)
            {
                return new HttpAnswer(response, body, kind == ErrorKind.Empty);
            }
            using (response)
            {
                // A temporary failure with a success status is not the API's, and neither is its wait.
                var isForeign = kind == ErrorKind.Unavailable && response.IsSuccessStatusCode;
                var failure = Failure(kind, call, response, body, account);
                return failure with { RetryAfter = wait ?? (isForeign ? null : RetryAfter.Read(response, time)) };
            }
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            return e is FormulaLimitException ? new ApiFailure.Rejected($"The errors of the module {module.Name} cannot be evaluated: {e.Message}.")
                : ApiResponses.FailureOf(e, module.Name, module.LargestResponse);
        }
    }

    /// <summary>Whether a response rejects the access token, so that a renewal may help.</summary>
    public static async ValueTask<bool> RejectsTokenAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.RequestMessage is not { } request || ApiAccount.Of(request) is not ModuleAccount account)
        {
            return false;
        }
        if (!account.Errors.MayRejectToken(response.StatusCode))
        {
            return false;
        }
        await response.Content.LoadIntoBufferAsync(account.LargestResponse, cancellationToken);
        try
        {
            return account.Errors.Classify(response, Json.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken)))
                .Kind == ErrorKind.Token;
        }
        catch (FormulaLimitException)
        {
            return false;
        }
    }

    /// <summary>The token must not go to another server, whatever an answer says.</summary>
    private string? OriginProblem(Uri address)
    {
        var isApi = address.Scheme == module.Api.Scheme && address.Authority == module.Api.Authority;
        var isListed = module.Hosts.Contains(address.Host, StringComparer.OrdinalIgnoreCase)
            && (address.Scheme == Uri.UriSchemeHttps || module.Api.Scheme == Uri.UriSchemeHttp);
        return isApi || isListed ? null
            : $"The module {module.Name} would send a request to {Sanitize.Line(
                address.GetLeftPart(UriPartial.Authority), 100)}, which is not its API; "
                + "if that is right, add the host to hosts:.";
    }

    private ApiFailure Failure(ErrorKind kind, HttpCall call, HttpResponseMessage response, JsonElement? body, ModuleAccount account)
    {
        var details = Details(call, response, body, account);
        return kind switch
        {
            ErrorKind.Token => new ApiFailure.TokenRefused(module.Auth == ModuleAuth.OAuth2
                ? $"{module.Name} rejected the access token: {details}."
                : $"{module.Name} rejected the credentials: {details}. Check them in the account's settings."),
            ErrorKind.Scope => new ApiFailure.MissingScope(
                $"The token lacks a scope or a permission: {details}. Allow it at the provider, and log in again.", string.Join(' ', scopes)),
            ErrorKind.RateLimited => new ApiFailure.RateLimited($"{module.Name} limits the request rate: {details}."),
            ErrorKind.Unavailable when response.IsSuccessStatusCode && body is null =>
                new ApiFailure.Unavailable($"{module.Name}'s answer is not JSON: {details}. Check api: in the module."),
            ErrorKind.Unavailable => new ApiFailure.Unavailable($"{module.Name} is unavailable: {details}."),
            _ => new ApiFailure.Rejected($"{module.Name} rejected the request: {details}."),
        };
    }

    /// <summary>The provider's own words, and the status.</summary>
    private string Details(HttpCall call, HttpResponseMessage response, JsonElement? body, ModuleAccount account)
    {
        var status = string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)response.StatusCode} for {call.Address.AbsolutePath}");
        string?[] secrets = [.. module.Secrets, account.CurrentToken?.Reveal(), authorization?.Parameter];
        return ErrorText.Find(body) is { } words
            ? $"\"{Sanitize.Line(Sanitize.Redact(words, secrets))}\" ({Sanitize.Line(Sanitize.Redact(status, secrets))})"
            : Sanitize.Line(Sanitize.Redact(status, secrets));
    }
}

/// <summary>Finds the sentence for people in an error of an unknown API.</summary>
internal static class ErrorText
{
    private static readonly string[] Members = ["error_description", "message", "detail", "title", "description", "msg", "reason", "error"];

    public static string? Find(JsonElement? body)
    {
        foreach (var name in Members)
        {
            if (Json.Text(Json.Member(body, name)) is { Length: > 0 } text)
            {
                return text;
            }
        }
        // The error may be an object, or the first of several.
        var inner = Json.Member(body, "error") ?? Json.Items(Json.Member(body, "errors"))?.Cast<JsonElement?>().FirstOrDefault();
        return inner is { ValueKind: JsonValueKind.Object }
            ? Members.Select(name => Json.Text(Json.Member(inner, name))).FirstOrDefault(text => text?.Length > 0)
            : Json.Text(inner);
    }
}

/// <summary>The account of one request, with what the request's answers may mean.</summary>
internal sealed class ModuleAccount : ApiAccount
{
    public ModuleAccount(TokenManager? manager, Uri origin, ErrorTable errors) : base(manager, origin) => Errors = errors;

    public ErrorTable Errors { get; }
}

/// <summary>Counts the calls of an account.</summary>
internal sealed class HttpCalls(AccountContext context, string module) : ApiCalls(context, "exporter_http", "the provider")
{
    public static readonly HttpRequestOptionsKey<string> Operation = new("Exporter.Http.Request");

    protected override string OperationOf(HttpRequestMessage request) =>
        $"{module}.{(request.Options.TryGetValue(Operation, out var name) ? name : "token")}";
}
