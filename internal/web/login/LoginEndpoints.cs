namespace Exporter.Web;

/// <summary>
/// Logging in with a browser. A GET starts a login and changes no token, except a callback with the state of a login that the same browser
/// started. All other changes need a POST with an antiforgery token.
/// </summary>
internal sealed class LoginEndpoints(IReadOnlyList<Account> accounts, RedirectLogin redirect, DeviceLogins devices, Forms forms, ExternalUrl external)
{
    private const int MaxPaste = 8192;

    private static readonly string[] Read = [HttpMethods.Get, HttpMethods.Head];

    public void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/auth");
        pages.MapMethods("", Read, (HttpContext context, string? account) =>
            Select(account, "", OnlyWaiting, selected => Start(context, selected, "")));
        pages.MapMethods("authorize", Read, (HttpContext context, string? account) =>
            Select(account, "../", OnlyAccount ?? OnlyWaiting, selected => Start(context, selected, "../")));
        pages.MapMethods("callback", Read, async (HttpRequest request) =>
            Respond(await redirect.FinishAsync(request.HttpContext, AuthorizationResponse.Parse(request.QueryString.Value ?? ""))));
        pages.MapMethods("settoken", Read, (HttpContext context, string? account) =>
            Select(account, "../", OnlyAccount, selected => TokenForm(context, selected)));

        var posts = routes.MapGroup("/auth").AddEndpointFilter(forms.CheckAsync);
        posts.MapPost("settoken", (HttpRequest request) => PostAsync(request, SetTokenAsync));
        posts.MapPost("code", (HttpRequest request) => PostAsync(request, (account, form) => CodeAsync(request.HttpContext, account, form)));
        posts.MapPost("device", (HttpRequest request) => PostAsync(request, (account, _) => DeviceAsync(account)));
    }

    private Account? OnlyAccount => accounts is [var only] ? only : null;

    /// <summary>The account that needs a login, if it is the only one.</summary>
    private Account? OnlyWaiting => accounts.Where(AccountMetrics.NeedsLogin).ToList() is [var only] ? only : null;

    private IResult Select(string? name, string root, Account? fallback, Func<Account, IResult> respond) =>
        Find(name, fallback) is { } account ? respond(account)
        : string.IsNullOrEmpty(name) ? new Redirect(root.Length > 0 ? root : "./")
        : UnknownAccount(root);

    private Account? Find(string? name, Account? fallback) => string.IsNullOrEmpty(name) ? fallback : accounts.FirstOrDefault(a => a.Name == name);

    /// <param name="root">The relative path to the root. At <c>/auth</c>, a login that does not return here gets a form for its code.</param>
    private IResult Start(HttpContext context, Account account, string root) => account.Login switch
    {
        LoginMethod.Redirect(var grant) when root.Length == 0 && !redirect.ReturnsHere(grant) => CodeForm(context, account),
        LoginMethod.Redirect(var grant) => redirect.Start(context, account, grant),
        LoginMethod.Device => DeviceForm(context, account, root),
        _ => new Redirect($"{(root.Length == 0 ? "auth/" : "")}settoken?account={Uri.EscapeDataString(account.Name)}"),
    };

    private async Task<IResult> SetTokenAsync(Account account, IFormCollection form)
    {
        var pasted = form["refresh_token"].ToString().Trim();
        if (pasted.Length is 0 or > MaxPaste || pasted.Any(char.IsControl))
        {
            return Layout.Message(StatusCodes.Status400BadRequest, $"The {account.Paste.Noun} is missing", "../",
                "The field was empty or contained more than one line. Nothing was changed.",
                $"<p>Go back and paste only the {account.Paste.Noun}.</p>");
        }
        // Continues if the browser disconnects: a refresh token that was sent may be used up.
        return Respond(LoginOutcome.OfPaste(await account.Paste.TryAsync(new Secret(pasted), CancellationToken.None), external.Callback));
    }

    private async Task<IResult> CodeAsync(HttpContext context, Account account, IFormCollection form)
    {
        var pasted = form["answer"].ToString().Trim();
        var query = pasted.IndexOf('?', StringComparison.Ordinal);
        var response = query >= 0
            ? AuthorizationResponse.Parse(pasted[query..])
            : new AuthorizationResponse(pasted.Length is > 0 and < MaxPaste ? pasted : null, null, null, null, null);
        return Respond(await redirect.FinishPastedAsync(context, account, response, isWhole: query >= 0));
    }

    private async Task<IResult> DeviceAsync(Account account)
    {
        if (account.Login is LoginMethod.Device(var grant))
        {
            await devices.StartAsync(account, grant);
        }
        return Redirect.After("../");
    }

    private static IResult Respond(LoginOutcome outcome) => outcome == LoginOutcome.Success
        ? Redirect.After("../")
        : Layout.Message(outcome.Status, outcome.Title, "../", outcome.Explanation, $"<p>{outcome.Remedy}</p>");

    /// <summary>Finds the account of a form that <see cref="Forms.CheckAsync"/> has read.</summary>
    private async Task<IResult> PostAsync(HttpRequest request, Func<Account, IFormCollection, Task<IResult>> respond)
    {
        var account = Find(request.Form["account"] is [var name] ? name : null, OnlyAccount);
        return account is null ? UnknownAccount("../") : await respond(account, request.Form);
    }

    private static IResult UnknownAccount(string root) => Layout.Message(StatusCodes.Status404NotFound,
        "Unknown account", root, "There is no account with this name.", $"<p>Select one from the list of accounts.</p>");

    private IResult TokenForm(HttpContext context, Account account) => Form(
        context, account, "../", $"Paste a {account.Paste.Noun}", $"Paste a {account.Paste.Noun} for {account.Name}",
        $"<p>The exporter first checks the pasted token at the provider. If the provider accepts it, it replaces the current token.</p>",
        "settoken", "refresh_token", account.Paste.Title, "Save");

    /// <summary>For a redirect URI of another program: the browser ends at another address, with the code in its address bar.</summary>
    private IResult CodeForm(HttpContext context, Account account) => Form(context, account, "", "Log in", $"Log in to {account.Name}", $"""
        <p>This account uses another program's redirect URI, so your browser does not return here.</p>
        <p>1. <a class="button" href="auth/authorize?account={Uri.EscapeDataString(account.Name)}" target="_blank"
        rel="noopener noreferrer">Open the provider's login</a></p>
        <p>2. Log in there. Your browser then opens an address that may show an error. Copy the whole address from the address bar.</p>
        """, "auth/code", "answer", "3. Paste the address here, or only the code", "Log in");

    private IResult DeviceForm(HttpContext context, Account account, string root) => Form(
        context, account, root, "Log in", $"Log in to {account.Name}",
        $"<p>Get a code, and enter it at the provider on this device or another one.</p>", $"{root}auth/device", null, "", "Get a code");

    /// <param name="field">The name of the text field; null for a form without one.</param>
    private IResult Form(
        HttpContext context, Account account, string root, string title, string heading, Html introduction, string action, string? field,
        string label, string button)
    {
        Html? input = field is null ? null : (Html)$"""
            <label for="{field}">{label}</label>
            <input type="text" id="{field}" name="{field}" required maxlength="{MaxPaste}" spellcheck="false" autocapitalize="none">
            """;
        return Layout.Page(StatusCodes.Status200OK, $"{title} · {account.Name}", root, $"""
            <section class="card narrow">
            <h1>{heading}</h1>
            {introduction}
            <form method="post" action="{action}" autocomplete="off">
            {forms.Field(context)}<input type="hidden" name="account" value="{account.Name}">
            {input}
            <div class="actions"><button>{button}</button><a class="button plain" href="{(root.Length > 0 ? root : "./")}">Cancel</a></div>
            </form>
            </section>
            """);
    }
}
