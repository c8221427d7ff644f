namespace Exporter.Web;

/// <summary>
/// Logging in with a browser. A GET starts a login and changes no token, except a callback with the state of a login that the same browser
/// started. All other changes need a POST with an antiforgery token.
/// </summary>
internal sealed class LoginEndpoints(
    AccountRequests requests, LoginForms pages, RedirectLogin redirect, DeviceLogins devices, Forms forms, ExternalUrl external,
    LoginAccess access, LoginLinks links, LoginAttempts attempts, NewLogins logins, IAccountDirectory accounts)
{
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
            requests.SelectAsync(context, account, "", requests.OnlyWaiting, selected => StartAsync(context, selected, "")));
        steps.MapMethods("authorize", Read, (HttpContext context, string? account) =>
            requests.SelectAsync(
                context, account, "../", requests.OnlyAccount ?? requests.OnlyWaiting, selected => StartAsync(context, selected, "../")));
        steps.MapMethods("callback", Read, (HttpRequest request) =>
            CallbackAsync(request.HttpContext, AuthorizationResponse.Parse(request.QueryString.Value ?? "")));
        var gets = routes.MapGroup("/auth");
        gets.MapMethods("settoken", Read, (HttpContext context, string? account) =>
            requests.SelectAsync(context, account, "../", requests.OnlyAccount, selected => pages.PasteToken(context, selected)));
        gets.MapMethods("confirm", Read, (HttpContext context, string? account) =>
            requests.SelectAsync(context, account, "../", requests.OnlyAccount, selected => pages.Confirm(context, selected) ?? new Redirect("../")));
        // Only GET, so that a program that looks at the link with HEAD does not use it.
        steps.MapGet("link", (HttpRequest request) => UseLinkAsync(request.HttpContext));

        var posts = routes.MapGroup("/auth").AddEndpointFilter(forms.CheckAsync);
        posts.MapPost("settoken", (HttpRequest request) => requests.PostAsync(request.HttpContext, SetTokenAsync));
        posts.MapPost("code", (HttpRequest request) => requests.PostAsync(request.HttpContext, CodeAsync));
        posts.MapPost("device", (HttpRequest request) => requests.PostAsync(request.HttpContext, DeviceAsync));
        posts.MapPost("confirm", (HttpRequest request) => requests.PostAsync(request.HttpContext, ConfirmAsync));
    }

    /// <summary>Whether the request does not come from a user who opens the page. Such a request starts and finishes no login.</summary>
    private static bool IsPreview(HttpRequest request) => HttpMethods.IsHead(request.Method) || PurposeHeaders.Any(name =>
        request.Headers[name].ToString() is var purpose && (purpose.Contains("prefetch", StringComparison.OrdinalIgnoreCase)
            || purpose.Contains("prerender", StringComparison.OrdinalIgnoreCase) || purpose.Contains("preview", StringComparison.OrdinalIgnoreCase)));

    /// <param name="root">The relative path to the root. At <c>/auth</c>, a login that does not return here gets a form for its code.</param>
    private async Task<IResult> StartAsync(HttpContext context, Account account, string root) => account.Login switch
    {
        LoginMethod.Redirect(var grant) when root.Length == 0 && !redirect.ReturnsHere(grant) => pages.PasteCode(context, account),
        LoginMethod.Redirect(var grant) => await redirect.StartAsync(context, account, grant),
        LoginMethod.Unattended { Explanation: { } explanation } => Layout.Message(StatusCodes.Status200OK, "No login is needed", root,
            explanation, $"<p>If the account is not OK, see its card in the list of accounts.</p>"),
        LoginMethod.Device => pages.Device(context, account, root),
        _ => new Redirect($"{(root.Length == 0 ? "auth/" : "")}settoken?account={Uri.EscapeDataString(account.Name)}"),
    };

    private async Task<IResult> CallbackAsync(HttpContext context, AuthorizationResponse response)
    {
        if (await redirect.AccountOfAsync(context, response) is not { } account)
        {
            return Respond(account: null, redirect.WithoutLogin(response));
        }
        // Before the permission is checked: a first login ends the permission for first logins.
        return await redirect.OnceAsync(context, account, response, async () => await access.OfAsync(context, account) is { } permission
            ? await AttemptAsync(context, account, permission, attempt =>
                redirect.FinishAsync(context, account, response, isWhole: true, permission, attempt))
            : access.Denied(context, account, "../"));
    }

    private async Task<IResult> UseLinkAsync(HttpContext context) =>
        await links.RedeemAsync(context) is { } account
            ? Redirect.After($"../auth?account={Uri.EscapeDataString(account.Name)}")
            : Layout.Message(StatusCodes.Status403Forbidden, "This link does not work", "../",
                "A link works once and for 30 minutes, and only at the exporter that it was made for. Nothing was changed.",
                accounts.ListsAll
                    ? $"<p>Print another one with <code>oauth-exporter login-link</code>, with the settings of this exporter.</p>"
                    : (Html)$"<p>For another link, {accounts.LinkRemedy("")}</p>");

    /// <summary>Runs an attempt to log in, unless another one is in progress or has just failed.</summary>
    private async Task<IResult> AttemptAsync(
        HttpContext context, Account account, LoginPermission permission, Func<LoginAttempt, Task<LoginOutcome>> run)
    {
        using var attempt = attempts.TryBegin(account, out var wait);
        if (attempt is null)
        {
            return AccountRequests.TooEarly(context, wait);
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
            await links.SpendAsync(permission);
        }
        return Respond(account, outcome);
    }

    private async Task<IResult> SetTokenAsync(HttpContext context, Account account, LoginPermission permission, IFormCollection form)
    {
        var pasted = form["refresh_token"].ToString().Trim();
        if (pasted.Length is 0 or > LoginForms.MaxPaste || pasted.Any(char.IsControl))
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
            : new AuthorizationResponse(pasted.Length is > 0 and < LoginForms.MaxPaste ? pasted : null, null, null, null, null);
        return redirect.OnceAsync(context, account, response, () => AttemptAsync(context, account, permission, attempt =>
            redirect.FinishAsync(context, account, response, isWhole: query >= 0, permission, attempt)));
    }

    private async Task<IResult> DeviceAsync(HttpContext context, Account account, LoginPermission permission, IFormCollection form)
    {
        // This login ends in the background, so the ticket of a link remains.
        return account.Login is not LoginMethod.Device(var grant) || account.TokenManager.Snapshot.Login is not null
            ? requests.ToCode(account)
            : await AttemptAsync(context, account, permission with { Ticket = null }, async attempt =>
            {
                await devices.StartAsync(account, grant, permission, attempt);
                return LoginOutcome.Started;
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
        await links.SpendAsync(permission);
        return Redirect.After("../");
    }

    private IResult Respond(Account? account, LoginOutcome outcome) =>
        outcome == LoginOutcome.Started ? requests.ToCode(account!)
        : outcome == LoginOutcome.Success ? requests.ToCard(account!)
        : outcome == LoginOutcome.Unconfirmed ? Redirect.After($"confirm?account={Uri.EscapeDataString(account!.Name)}")
        : outcome.ToPage();
}
