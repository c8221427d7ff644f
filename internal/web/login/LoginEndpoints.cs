using System.Globalization;

namespace Exporter.Web;

/// <summary>
/// Logging in with a browser. A GET starts a login and changes no token, except a callback with the state of a login that the same browser
/// started. All other changes need a POST with an antiforgery token.
/// </summary>
internal sealed class LoginEndpoints(
    AccountList accounts, RedirectLogin redirect, DeviceLogins devices, Forms forms, ExternalUrl external, LoginAccess access,
    LoginLinks links, LoginAttempts attempts, NewLogins logins)
{
    private const int MaxPaste = 8192;

    private static readonly string[] Read = [HttpMethods.Get, HttpMethods.Head];

    private static readonly string[] PurposeHeaders = ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"];

    /// <summary>A browser does not keep a preview that failed, and opens the page when the user does.</summary>
    private static readonly IResult NotOpened = Layout.Message(StatusCodes.Status503ServiceUnavailable, "The page was not opened", "../",
        "The browser requested this page without showing it. Nothing was changed, and the login can still finish.",
        $"<p>Open the page again.</p>");

    public void Map(IEndpointRouteBuilder routes)
    {
        var steps = routes.MapGroup("/auth").AddEndpointFilter(async (invocation, next) =>
            IsPreview(invocation.HttpContext.Request) ? NotOpened : await next(invocation));
        steps.MapMethods("", Read, (HttpContext context, string? account) =>
            Select(context, account, "", OnlyWaiting, selected => Start(context, selected, "")));
        steps.MapMethods("authorize", Read, (HttpContext context, string? account) =>
            Select(context, account, "../", OnlyAccount ?? OnlyWaiting, selected => Start(context, selected, "../")));
        steps.MapMethods("callback", Read, (HttpRequest request) =>
            CallbackAsync(request.HttpContext, AuthorizationResponse.Parse(request.QueryString.Value ?? "")));
        var pages = routes.MapGroup("/auth");
        pages.MapMethods("settoken", Read, (HttpContext context, string? account) =>
            Select(context, account, "../", OnlyAccount, selected => TokenForm(context, selected)));
        pages.MapMethods("confirm", Read, (HttpContext context, string? account) =>
            Select(context, account, "../", OnlyAccount, selected => ConfirmForm(context, selected)));
        // Only GET, so that a program that looks at the link with HEAD does not use it.
        steps.MapGet("link", UseLink);

        var posts = routes.MapGroup("/auth").AddEndpointFilter(forms.CheckAsync);
        posts.MapPost("settoken", (HttpRequest request) => PostAsync(request.HttpContext, SetTokenAsync));
        posts.MapPost("code", (HttpRequest request) => PostAsync(request.HttpContext, CodeAsync));
        posts.MapPost("device", (HttpRequest request) => PostAsync(request.HttpContext, DeviceAsync));
        posts.MapPost("confirm", (HttpRequest request) => PostAsync(request.HttpContext, ConfirmAsync));
    }

    /// <summary>Whether the request does not come from a user who opens the page. Such a request starts and finishes no login.</summary>
    private static bool IsPreview(HttpRequest request) => HttpMethods.IsHead(request.Method) || PurposeHeaders.Any(name =>
        request.Headers[name].ToString() is var purpose && (purpose.Contains("prefetch", StringComparison.OrdinalIgnoreCase)
            || purpose.Contains("prerender", StringComparison.OrdinalIgnoreCase) || purpose.Contains("preview", StringComparison.OrdinalIgnoreCase)));

    private Account? OnlyAccount => accounts.Current is [var only] ? only : null;

    /// <summary>The account that needs a login, if it is the only one.</summary>
    private Account? OnlyWaiting => accounts.Current.Where(AccountMetrics.NeedsLogin).ToList() is [var only] ? only : null;

    private IResult Select(HttpContext context, string? name, string root, Account? fallback, Func<Account, IResult> respond) =>
        Find(name, fallback) is { } account ? access.Of(context, account) is null ? access.Denied(context, account, root) : respond(account)
        : string.IsNullOrEmpty(name) ? new Redirect(root.Length > 0 ? root : "./")
        : UnknownAccount(root);

    private Account? Find(string? name, Account? fallback) =>
        string.IsNullOrEmpty(name) ? fallback : accounts.Current.FirstOrDefault(a => a.Name == name);

    /// <param name="root">The relative path to the root. At <c>/auth</c>, a login that does not return here gets a form for its code.</param>
    private IResult Start(HttpContext context, Account account, string root) => account.Login switch
    {
        LoginMethod.Redirect(var grant) when root.Length == 0 && !redirect.ReturnsHere(grant) => CodeForm(context, account),
        LoginMethod.Redirect(var grant) => redirect.Start(context, account, grant),
        LoginMethod.Device => DeviceForm(context, account, root),
        _ => new Redirect($"{(root.Length == 0 ? "auth/" : "")}settoken?account={Uri.EscapeDataString(account.Name)}"),
    };

    private async Task<IResult> CallbackAsync(HttpContext context, AuthorizationResponse response)
    {
        if (redirect.AccountOf(context, response) is not { } account)
        {
            return Respond(account: null, redirect.WithoutLogin(response));
        }
        // Before the permission is checked: a first login ends the permission for first logins.
        return await redirect.OnceAsync(context, account, response, async () => access.Of(context, account) is { } permission
            ? await AttemptAsync(context, account, permission, attempt =>
                redirect.FinishAsync(context, account, response, isWhole: true, permission, attempt))
            : access.Denied(context, account, "../"));
    }

    private IResult UseLink(HttpContext context) =>
        links.Redeem(context) is { } account
            ? Redirect.After($"../auth?account={Uri.EscapeDataString(account.Name)}")
            : Layout.Message(StatusCodes.Status403Forbidden, "This link does not work", "../",
                "A link works once and for 30 minutes, and only at the exporter that it was made for. Nothing was changed.",
                $"<p>Print another one with <code>oauth-exporter login-link</code>, with the settings of this exporter.</p>");

    /// <summary>Runs an attempt to log in, unless another one is in progress or has just failed.</summary>
    private async Task<IResult> AttemptAsync(
        HttpContext context, Account account, LoginPermission permission, Func<LoginAttempt, Task<LoginOutcome>> run)
    {
        using var attempt = attempts.TryBegin(account, out var wait);
        if (attempt is null)
        {
            var seconds = (int)Math.Ceiling(wait.TotalSeconds);
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            return Layout.Message(StatusCodes.Status429TooManyRequests, "Another login is in progress", "../",
                "The exporter tries one login of an account at a time, and waits after a login that failed. Nothing was sent or changed.",
                $"<p>Reload this page in {seconds} s.</p>");
        }
        LoginOutcome outcome;
        try
        {
            outcome = await run(attempt);
        }
        catch (ObjectDisposedException) when (account.Leaving.IsCancellationRequested)
        {
            outcome = LoginOutcome.AccountChanged;
        }
        if (attempt.Succeeded == true && outcome != LoginOutcome.Unconfirmed)
        {
            links.Spend(permission);
        }
        return Respond(account, outcome);
    }

    private async Task<IResult> SetTokenAsync(HttpContext context, Account account, LoginPermission permission, IFormCollection form)
    {
        var pasted = form["refresh_token"].ToString().Trim();
        if (pasted.Length is 0 or > MaxPaste || pasted.Any(char.IsControl))
        {
            return Layout.Message(StatusCodes.Status400BadRequest, $"The {account.Paste.Noun} is missing", "../",
                "The field was empty or contained more than one line. Nothing was changed.",
                $"<p>Go back and paste only the {account.Paste.Noun}.</p>");
        }
        return await AttemptAsync(context, account, permission, async attempt =>
        {
            if (await NewLogins.CheckFirstAsync(account, permission) is { } notFirst)
            {
                return notFirst;
            }
            LoginOutcome? withheld = null;
            // Continues if the browser disconnects: a refresh token that was sent may be used up.
            var tried = await account.Paste.TryAsync(new Secret(pasted), async token =>
            {
                withheld = await logins.WithholdAsync(account, token, permission);
                return withheld is null;
            }, CancellationToken.None);
            attempt.Succeeded = tried is Renewal.Renewed;
            return withheld ?? LoginOutcome.OfPaste(tried, external.Callback);
        });
    }

    private Task<IResult> CodeAsync(HttpContext context, Account account, LoginPermission permission, IFormCollection form)
    {
        var pasted = form["answer"].ToString().Trim();
        var query = pasted.IndexOf('?', StringComparison.Ordinal);
        var response = query >= 0
            ? AuthorizationResponse.Parse(pasted[query..])
            : new AuthorizationResponse(pasted.Length is > 0 and < MaxPaste ? pasted : null, null, null, null, null);
        return redirect.OnceAsync(context, account, response, () => AttemptAsync(context, account, permission, attempt =>
            redirect.FinishAsync(context, account, response, isWhole: query >= 0, permission, attempt)));
    }

    private async Task<IResult> DeviceAsync(HttpContext context, Account account, LoginPermission permission, IFormCollection form)
    {
        // This login ends in the background, so the ticket of a link remains.
        return account.Login is not LoginMethod.Device(var grant) || account.TokenManager.Snapshot.Login is not null
            ? Redirect.After("../")
            : await AttemptAsync(context, account, permission with { Ticket = null }, async attempt =>
            {
                await devices.StartAsync(account, grant, permission, attempt);
                return LoginOutcome.Success;
            });
    }

    private async Task<IResult> ConfirmAsync(HttpContext context, Account account, LoginPermission permission, IFormCollection form)
    {
        if (form["decision"].ToString() is not ("adopt" or "drop") || permission.IsFirstOnly
            || !await logins.DecideAsync(account, form["decision"] == "adopt"))
        {
            return Layout.Message(StatusCodes.Status404NotFound, "There is nothing to confirm", "../",
                "The login was confirmed or dropped already, or it waited for more than ten minutes. Nothing was changed.",
                $"<p>If the account is not OK, log in again.</p>");
        }
        links.Spend(permission);
        return Redirect.After("../");
    }

    private static IResult Respond(Account? account, LoginOutcome outcome) =>
        outcome == LoginOutcome.Success ? Redirect.After("../")
        : outcome == LoginOutcome.Unconfirmed ? Redirect.After($"confirm?account={Uri.EscapeDataString(account!.Name)}")
        : Layout.Message(outcome.Status, outcome.Title, "../", outcome.Explanation, $"<p>{outcome.Remedy}</p>");

    /// <summary>Finds the account of a form that <see cref="Forms.CheckAsync"/> has read.</summary>
    private async Task<IResult> PostAsync(
        HttpContext context, Func<HttpContext, Account, LoginPermission, IFormCollection, Task<IResult>> respond)
    {
        var form = context.Request.Form;
        var account = Find(form["account"] is [var name] ? name : null, OnlyAccount);
        return account is null ? UnknownAccount("../")
            : access.Of(context, account) is { } permission ? await respond(context, account, permission, form)
            : access.Denied(context, account, "../");
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

    private IResult ConfirmForm(HttpContext context, Account account)
    {
        if (logins.PersonsOf(account) is not { } persons)
        {
            return new Redirect("../");
        }
        return Layout.Page(StatusCodes.Status200OK, "Confirm the login · Exporter", "../", $"""
            <section class="card narrow">
            <h1>Is this the right person?</h1>
            <p>The new login of {account.Name} belongs to another person than the current one. Nothing was changed yet.</p>
            <dl class="facts"><div><dt>Current person</dt><dd>{persons.Before}</dd></div><div><dt>New person</dt><dd>{persons.After}</dd></div></dl>
            <form method="post" action="confirm">
            {forms.Field(context)}<input type="hidden" name="account" value="{account.Name}">
            <div class="actions"><button name="decision" value="adopt">Use the new login</button><button class="plain" name="decision"
            value="drop">Keep the current login</button></div>
            </form>
            </section>
            """);
    }

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
