using System.Globalization;
using System.Net.Mime;
using System.Text;

namespace Exporter.Web;

/// <summary>The API for shared accounts. <c>openapi.json</c> and <c>docs/api.md</c> describe it.</summary>
internal sealed class AccountsApi(
    ISharedAccounts accounts, ApiAccess access, AccountImport import, LoginLinks links, DeviceLogins devices, TimeProvider time) : IWebPart
{
    private const string Name = "/{name}";

    private static readonly byte[] Document = Layout.Embedded("openapi.json");

    public void Map(IEndpointRouteBuilder routes)
    {
        Map(HttpMethods.Get, "", ApiScope.ReadAccounts, ListAsync);
        Map(HttpMethods.Post, "", ApiScope.WriteAccounts, CreateAsync);
        Map(HttpMethods.Post, "/import", ApiScope.WriteAccounts, ImportAsync);
        Map(HttpMethods.Get, Name, ApiScope.ReadAccounts, (context, key) => FindAsync(context, key, account =>
            Task.FromResult<IResult>(TypedResults.Json(AccountBody.Of(account), ApiJson.Default.AccountBody))));
        Map(HttpMethods.Delete, Name, ApiScope.WriteAccounts, (context, key) => FindAsync(context, key, async account =>
            await accounts.DeleteAsync(account.Name, context.RequestAborted) ? TypedResults.NoContent() : ApiProblem.NoAccount));
        Map(HttpMethods.Post, $"{Name}/login-link", ApiScope.WriteAccounts, (context, key) => FindAsync(context, key, CreateLink));
        Map(HttpMethods.Post, $"{Name}/logout", ApiScope.WriteAccounts, (context, key) => FindAsync(context, key, account =>
            LogOutAsync(context, account.Name)));
        Map(HttpMethods.Get, $"{Name}/token", ApiScope.ReadTokens, (context, key) => FindAsync(context, key, account =>
            GetTokenAsync(context, account.Name)));
        routes.MapMethods(
            ApiPaths.Document, [HttpMethods.Get, HttpMethods.Head], () => TypedResults.Bytes(Document, MediaTypeNames.Application.Json));

        void Map(string method, string path, string scope, Func<HttpContext, ApiKey, Task<IResult>> handle)
        {
            // Before anything of the request is read, the key is checked.
            RequestDelegate run = async context =>
            {
                context.Response.Headers.CacheControl = "no-store";
                var (key, denied) = access.Authorize(context, scope);
                var result = key is null ? denied! : await handle(context, key);
                await result.ExecuteAsync(context);
            };
            routes.MapMethods(ApiPaths.Accounts + path, [method], run);
        }
    }

    public static ApiProblem ForeignTemplate(ApiKey key) => new(StatusCodes.Status403Forbidden, "template_not_permitted",
        $"The key {Sanitize.Line(key.Name, 60)} does not permit this template; use one of: {string.Join(", ", key.Templates ?? [])}.");

    private async Task<IResult> ListAsync(HttpContext context, ApiKey key)
    {
        var (query, problem) = ReadQuery(context.Request.Query, key);
        if (query is null)
        {
            return problem!;
        }
        var page = await accounts.ListAsync(query, context.RequestAborted);
        var body = new AccountListBody([.. page.Accounts.Select(AccountBody.Of)], page.Total, page.IsTotalCapped, page.Next);
        return TypedResults.Json(body, ApiJson.Default.AccountListBody);
    }

    private static Result<SharedAccountQuery, ApiProblem> ReadQuery(IQueryCollection query, ApiKey key)
    {
        var (state, template, limit) = (Text("state"), Text("template"), new SharedAccountQuery().Limit);
        if (state is not null && !SharedAccountQuery.States.Contains(state))
        {
            return Invalid($"There is no state {Sanitize.Line(state, 60)}; use one of: {string.Join(", ", SharedAccountQuery.States)}.");
        }
        if (Text("limit") is { } text && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit)
            || limit is < 1 or > SharedAccountQuery.MaxLimit))
        {
            return Invalid($"The limit is not a number from 1 to {SharedAccountQuery.MaxLimit}; write for example limit=100.");
        }
        return new SharedAccountQuery
        {
            State = state,
            Templates = template is null ? key.Templates : key.Permits(template) ? [template] : [],
            Source = Text("source"),
            Find = Text("find"),
            After = Text("after"),
            Limit = limit,
        };

        string? Text(string name) => query[name].ToString() is { Length: > 0 } value ? value : null;

        ApiProblem Invalid(string sentence) => new(StatusCodes.Status400BadRequest, "invalid_query", sentence);
    }

    private async Task<IResult> CreateAsync(HttpContext context, ApiKey key)
    {
        if (!IsOfType(context.Request, MediaTypeNames.Application.Json))
        {
            return UnsupportedType(MediaTypeNames.Application.Json);
        }
        using var body = new MemoryStream();
        try
        {
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return new ApiProblem(StatusCodes.Status413PayloadTooLarge, "too_large",
                $"The body has more than {NewAccountReader.MaxLength / 1024} kB; shorten it, or send many accounts to /api/accounts/import.");
        }
        var (account, malformed) = NewAccountReader.Read(body.GetBuffer().AsMemory(0, (int)body.Length));
        if (account is null)
        {
            return ApiProblem.Malformed(malformed!);
        }
        if (!key.Permits(account.Template))
        {
            return ForeignTemplate(key);
        }
        var (created, problem) = await accounts.CreateAsync(account, context.RequestAborted);
        if (created is null)
        {
            return ApiProblem.Of(problem!);
        }
        context.Response.Headers.Location = $"{context.Request.PathBase}{ApiPaths.Accounts}/{Uri.EscapeDataString(created.Name)}";
        return TypedResults.Json(AccountBody.Of(created), ApiJson.Default.AccountBody, statusCode: StatusCodes.Status201Created);
    }

    private Task<IResult> ImportAsync(HttpContext context, ApiKey key) =>
        IsOfType(context.Request, AccountImport.MediaType) || IsOfType(context.Request, "application/x-ndjson")
            ? import.RunAsync(context, key)
            : Task.FromResult<IResult>(UnsupportedType(AccountImport.MediaType));

    /// <summary>An account of a template that the key does not permit is the same as none.</summary>
    private async Task<IResult> FindAsync(HttpContext context, ApiKey key, Func<SharedAccount, Task<IResult>> respond)
    {
        var name = context.Request.RouteValues["name"] as string ?? "";
        return SharedAccountName.ProblemOf(name) is null
            && await accounts.FindAsync(name, context.RequestAborted) is { } account && key.Permits(account.Template)
            ? await respond(account)
            : ApiProblem.NoAccount;
    }

    private Task<IResult> CreateLink(SharedAccount account)
    {
        var expires = time.GetUtcNow() + LoginLink.Lifetime;
        var (link, problem) = links.Create(account.Name);
        return Task.FromResult<IResult>(link is null
            ? new ApiProblem(StatusCodes.Status500InternalServerError, "no_link", $"The link cannot be made: {problem}.")
            : TypedResults.Json(new LoginLinkBody(link.AbsoluteUri, expires.UtcDateTime), ApiJson.Default.LoginLinkBody));
    }

    private async Task<IResult> LogOutAsync(HttpContext context, string name)
    {
        if (await accounts.OpenAsync(name, context.RequestAborted) is not { } account)
        {
            return ApiProblem.NoAccount;
        }
        devices.Cancel(account);
        try
        {
            // Continues if the client disconnects: the provider may have ended the login already.
            var result = await account.LogOutAsync(isLocal: context.Request.Query["local"] == "true", CancellationToken.None);
            return result is { Failure: null, Left.Count: 0 }
                ? TypedResults.NoContent()
                : new ApiProblem(StatusCodes.Status502BadGateway, "logout_incomplete",
                    $"The logout is not complete ({result.Failure ?? string.Join("; ", result.Left)}); try again later, or add ?local=true to "
                    + "delete the exporter's copy only.");
        }
        catch (ObjectDisposedException) when (account.Leaving.IsCancellationRequested)
        {
            return new ApiProblem(StatusCodes.Status409Conflict, "account_changed",
                "The configuration of the account changed meanwhile; send the request again.");
        }
    }

    private async Task<IResult> GetTokenAsync(HttpContext context, string name) => await accounts.GetTokenAsync(name, context.RequestAborted) switch
    {
        SharedToken.Valid(var token, var expiry) => TypedResults.Json(new TokenBody(token.Reveal(), expiry?.UtcDateTime), ApiJson.Default.TokenBody),
        SharedToken.NotNow(var reason, var wait) => new ApiProblem(StatusCodes.Status503ServiceUnavailable, "not_now",
            $"There is no valid access token at this moment ({reason}); send the request again later.")
        { RetryAfter = wait },
        SharedToken.LoginRequired(var reason) => new ApiProblem(StatusCodes.Status409Conflict, "login_required",
            $"A user must log in ({reason}); make a link for the login with POST /api/accounts/{name}/login-link."),
        _ => ApiProblem.NoAccount,
    };

    private static bool IsOfType(HttpRequest request, string type) =>
        Microsoft.Net.Http.Headers.MediaTypeHeaderValue.TryParse(request.ContentType, out var sent)
        && sent.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase)
        && (sent.Encoding is null || sent.Encoding.CodePage == Encoding.UTF8.CodePage);

    private static ApiProblem UnsupportedType(string type) => new(StatusCodes.Status415UnsupportedMediaType, "unsupported_type",
        $"The body is not declared as {type}; send it with the header Content-Type: {type}.");
}
