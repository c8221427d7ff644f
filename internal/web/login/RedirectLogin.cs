namespace Exporter.Web;

/// <summary>The login by redirect: sends the browser to the provider, and handles the response that it returns with.</summary>
internal sealed class RedirectLogin(
    IAccountDirectory accounts, LoginCookies cookies, ExternalUrl external, TimeProvider time, ILogger<RedirectLogin> logger,
    IHostApplicationLifetime lifetime, NewLogins logins, LoginRepeats repeats)
{
    /// <summary>Marks a redirect to the external URL, so that a proxy that replaces the host name causes no redirect loop.</summary>
    private const string Moved = "moved";

    /// <summary>Whether the provider redirects the browser back to the exporter.</summary>
    public bool ReturnsHere(AuthorizationCodeGrant grant) => grant.RedirectUri is null or { Port: 0 } || grant.RedirectUri == external.Callback;

    public async Task<IResult> StartAsync(HttpContext context, Account account, AuthorizationCodeGrant grant)
    {
        if (ReturnsHere(grant) && !external.IsHostOf(context.Request) && !context.Request.Query.ContainsKey(Moved))
        {
            return MoveToExternalUrl(context, account);
        }
        var (request, failure) = await grant.BeginAsync(external.Callback, context.RequestAborted);
        if (request is null)
        {
            return LoginOutcome.OfStart(failure!, external.Callback).ToPage(context.Request.Path.Value!.LastIndexOf('/') > 0 ? "../" : "");
        }
        cookies.Set(context, account, request);
        return new Redirect(request.Address.AbsoluteUri);
    }

    /// <summary>The account of the login that this browser started with the response's state; null if there is none.</summary>
    public async ValueTask<Account?> AccountOfAsync(HttpContext context, AuthorizationResponse response) =>
        cookies.FindAccount(context, response.State) is { } name
        && await accounts.FindAsync(name, context.RequestAborted) is { } account
        && cookies.Find(context, account)?.Request.State.Equals(response.State) == true ? account : null;

    /// <summary>The outcome of a callback that belongs to no login of this browser.</summary>
    public LoginOutcome WithoutLogin(AuthorizationResponse response) =>
        // An error changes nothing, so any browser may see it: a redirect URI that is registered under another host name leads here.
        response.Error is { } error ? OfError(error) : response.State is null ? LoginOutcome.NoState : LoginOutcome.UnknownState;

    /// <summary>Handles a response to the login of this browser. A repeat gets the first outcome, and sends nothing.</summary>
    public async Task<IResult> OnceAsync(HttpContext context, Account account, AuthorizationResponse response, Func<Task<IResult>> handle) =>
        cookies.Find(context, account) is { } login
            ? await repeats.OnceAsync(login, response, async () => (await handle(), cookies.IsUsed(login)), context.RequestAborted)
            : await handle();

    /// <summary>
    /// Handles a response. A whole address must contain the state; a pasted code alone is bound to the login by the verifier.
    /// </summary>
    public async Task<LoginOutcome> FinishAsync(
        HttpContext context, Account account, AuthorizationResponse response, bool isWhole, LoginPermission permission, LoginAttempt attempt)
    {
        if (cookies.Find(context, account) is not { } login || (isWhole && !login.Request.State.Equals(response.State)))
        {
            return LoginOutcome.UnknownState;
        }
        if (account.Login is not LoginMethod.Redirect(var grant) || login.Account != account.Name)
        {
            return LoginOutcome.UnknownState;
        }
        if (!await cookies.TryUseAsync(login, context.RequestAborted))
        {
            return LoginOutcome.AlreadyUsed;
        }
        if (login.Deadline <= time.GetUtcNow())
        {
            return LoginOutcome.Expired;
        }
        var outcome = isWhole && AuthorizationCodeGrant.HasWrongIssuer(response, login.Request) ? LoginOutcome.WrongIssuer(response.Issuer)
            : response.Error is { } error ? OfError(error).WithError(error, response.Description)
            : response.Code is { } code ? await ExchangeAsync(account, grant, code, login.Request, permission, attempt)
            : LoginOutcome.NoCode;
        if (outcome != LoginOutcome.Success && outcome != LoginOutcome.Unconfirmed)
        {
            logger.LogWarning("account {Account}: login by browser: {Outcome}", account.Name, outcome.Explanation);
        }
        return outcome;
    }

    private async Task<LoginOutcome> ExchangeAsync(
        Account account, AuthorizationCodeGrant grant, string code, AuthorizationRequest request, LoginPermission permission, LoginAttempt attempt)
    {
        // Continues if the browser disconnects: a code that was sent is used up.
        var exchanged = await grant.ExchangeAsync(code, request, lifetime.ApplicationStopping);
        attempt.Succeeded = exchanged is Renewal.Renewed;
        if (exchanged is not Renewal.Renewed(var token))
        {
            return LoginOutcome.OfExchange(exchanged, request.RedirectUri);
        }
        var outcome = await logins.AdoptAsync(account, token, permission);
        return outcome == LoginOutcome.Success ? LoginOutcome.OfToken(token, grant.Scopes) : outcome;
    }

    private LoginOutcome OfError(string error) => LoginOutcome.OfError(error, external.Callback, "it sent the browser back with an error");

    /// <summary>The login's cookie belongs to the host that the browser returns to, so the login must start there.</summary>
    private IResult MoveToExternalUrl(HttpContext context, Account account)
    {
        var target = $"{external.Text}/auth/authorize?account={Uri.EscapeDataString(account.Name)}&{Moved}=1";
        if (external.IsReachableFrom(context.Request))
        {
            return new Redirect(target);
        }
        var here = $"{context.Request.Scheme}://{context.Request.Host.Value}";
        return Layout.Message(StatusCodes.Status200OK, "The login returns to another address",
            context.Request.Path.Value!.LastIndexOf('/') > 0 ? "../" : "",
            $"You are at {here}. After the login, the provider sends your browser to {external.Callback.OriginalString}. "
            + "Only a browser on the exporter's machine can open that address.",
            $"""
            <p>Start the exporter with <code>{WebOptions.ExternalUrlSetting.Flag} {here}</code>, or in a container with
            <code>-e {WebOptions.ExternalUrlSetting.Variable}={here}</code>.
            Register <code>{here}/auth/callback</code> at the provider as a redirect URI.
            Or open the exporter in a browser on its own machine:</p>
            <p><a class="button" href="{target}">Continue at {external.Value.Authority}</a></p>
            """);
    }
}
