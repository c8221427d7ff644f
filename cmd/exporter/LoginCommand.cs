namespace Exporter;

/// <summary>
/// <c>login</c>: logs in from a terminal by device code, by a browser redirect to this machine, or by pasting the redirect address or
/// a token.
/// </summary>
internal sealed class LoginCommand(CommandContext context)
{
    /// <summary>Longer than an authorization code is valid (RFC 6749, section 4.1.2).</summary>
    private static readonly TimeSpan RedirectTimeout = TimeSpan.FromMinutes(15);

    private readonly Terminal terminal = context.Terminal;

    public static void AddTo(CommandLine program)
    {
        var (token, paste, noBrowser) = (
            CommandLine.Switch("--token", "Paste a token instead of logging in. The exporter checks it first."),
            CommandLine.Switch("--paste", "Paste the address at which the browser ends, for a browser on another machine."),
            CommandLine.Switch("--no-browser", "Do not open a browser."));
        program.Add(
            new Command("login", "Logs in to an account from this terminal and saves its token.") { token, paste, noBrowser },
            new(CommandGroup.Accounts,
                [
                    "oauth-exporter login home --config exporter.yml",
                    "oauth-exporter login home --paste --config exporter.yml   # browser elsewhere",
                    "oauth-exporter login home --token < refresh-token.txt",
                ],
                [.. program.EssentialSettings, WebOptions.ExternalUrlSetting]),
            (context, account, result, cancellationToken) => result.GetValue(token)
                ? new LoginCommand(context).PasteTokenAsync(account, cancellationToken)
                : new LoginCommand(context).LogInAsync(account, result.GetValue(paste), !result.GetValue(noBrowser), cancellationToken));
    }

    /// <summary>Logs in to an open account.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> LogInAsync(Account account, bool paste, bool openBrowser, CancellationToken cancellationToken) => account.Login switch
    {
        LoginMethod.Device(var grant) => await FinishAsync(account, await LogInByDeviceAsync(grant, openBrowser, cancellationToken)),
        LoginMethod.Redirect(var grant) => await FinishAsync(account, await LogInByRedirectAsync(grant, paste, openBrowser, cancellationToken)),
        LoginMethod.Paste => await PasteTokenAsync(account, cancellationToken),
        LoginMethod.Unattended => await RenewUnattendedAsync(account, cancellationToken),
        _ => throw new InvalidOperationException("unknown login method"),
    };

    private async Task<Renewal> LogInByDeviceAsync(DeviceCodeGrant grant, bool openBrowser, CancellationToken cancellationToken)
    {
        var (authorization, failure) = await grant.BeginAsync(cancellationToken);
        if (authorization is null)
        {
            return failure!;
        }
        terminal.Error.WriteLine($"""
            Open this page on any device and enter the code:

              page   {authorization.Verification.OriginalString}
              code   {Sanitize.Line(authorization.UserCode)}

            The code expires at {context.FormatTime(authorization.Deadline)}.
            """);
        OpenBrowser(openBrowser, authorization.Link);
        return await grant.WaitAsync(authorization, cancellationToken);
    }

    private async Task<Renewal> LogInByRedirectAsync(AuthorizationCodeGrant grant, bool paste, bool openBrowser, CancellationToken cancellationToken)
    {
        // The provider has the exporter's own callback registered unless the account configures another redirect URI.
        var redirect = grant.RedirectUri ?? new Uri($"{context.Options.Web.ExternalUrl.AbsoluteUri.TrimEnd('/')}/auth/callback");
        LoopbackListener? listener = null;
        if (!paste && LoopbackListener.CanServe(redirect))
        {
            (listener, var error) = await LoopbackListener.StartAsync(redirect, cancellationToken);
            if (listener is null)
            {
                terminal.Error.WriteLine(
                    $"Cannot receive the browser's redirect: {error}. Paste the browser's final address, or free the port and start again.");
            }
        }
        await using var disposeListener = listener;
        // Without a listener, port 0 is not a port yet, so the redirect URI contains none.
        var registered = redirect.Port == 0 ? new UriBuilder(redirect) { Port = -1 }.Uri : redirect;
        var (request, failure) = await grant.BeginAsync(listener?.Redirect ?? registered, cancellationToken);
        if (request is null)
        {
            return failure!;
        }
        listener?.Expect(request.State);
        terminal.Error.WriteLine($"Open this page and log in:\n\n  {request.Address.AbsoluteUri}\n");
        OpenBrowser(openBrowser, request.Address);
        var (response, missing) = await ReceiveAsync(listener, request, cancellationToken);
        return response is null ? new Renewal.InvalidGrant(missing!)
            : AuthorizationCodeGrant.Validate(response, request) is { } problem ? new Renewal.InvalidGrant(problem)
            // Not cancelable, because an authorization code is single-use (RFC 6749, section 4.1.2).
            : await grant.ExchangeAsync(response.Code!, request, CancellationToken.None);
    }

    private void OpenBrowser(bool allowed, Uri page)
    {
        if (allowed && terminal.Open(page))
        {
            terminal.Error.WriteLine("Opened the page in your browser.");
        }
    }

    /// <summary>The authorization response from the listener or the input, or why there is none.</summary>
    private async Task<Result<AuthorizationResponse, string>> ReceiveAsync(
        LoopbackListener? listener, AuthorizationRequest request, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(RedirectTimeout, context.Time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            if (listener is not null)
            {
                terminal.Error.WriteLine($"Waiting for the browser's redirect to {request.RedirectUri.GetLeftPart(UriPartial.Path)}. "
                    + "If the browser runs on another machine, start again with --paste.");
                return await listener.WaitAsync(linked.Token);
            }
            terminal.Error.Write("Paste the browser's final address, or the code in it: ");
            if (await terminal.ReadLineAsync(linked.Token) is { Length: > 0 } line)
            {
                return Parse(line.Trim());
            }
            terminal.Error.WriteLine();
            return terminal.IsInteractive ? "nothing was pasted; start again" : "the standard input is empty; run the command in a terminal";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"there was no response within {RedirectTimeout.TotalMinutes:0} minutes; start again";
        }
    }

    /// <summary>Parses a pasted address, query string or authorization code.</summary>
    private static AuthorizationResponse Parse(string pasted) =>
        pasted.IndexOf('?', StringComparison.Ordinal) is >= 0 and var query ? AuthorizationResponse.Parse(pasted[query..].Split('#')[0])
        : pasted.Contains("code=", StringComparison.Ordinal) || pasted.Contains("error=", StringComparison.Ordinal)
            ? AuthorizationResponse.Parse(pasted)
        : new AuthorizationResponse(pasted, null, null, null, null);

    /// <summary>Reads a token from the input and verifies it at the provider before it replaces the current one.</summary>
    private async Task<int> PasteTokenAsync(Account account, CancellationToken cancellationToken)
    {
        if (terminal.IsInteractive)
        {
            terminal.Error.Write($"Paste the {account.Paste.Noun}: ");
        }
        var line = await terminal.ReadLineAsync(cancellationToken);
        return Secret.From(line?.Trim()) is { } pasted
            ? Report(account, await account.Paste.TryAsync(pasted, _ => Task.FromResult(true), cancellationToken))
            : terminal.Fail($"{account.Name}: login failed: {(terminal.IsInteractive
                ? "nothing was pasted; start again"
                : $"the standard input is empty; write the {account.Paste.Noun} to it in one line, or run the command in a terminal")}");
    }

    private async Task<int> RenewUnattendedAsync(Account account, CancellationToken cancellationToken)
    {
        var manager = account.TokenManager;
        if (!manager.LogsInByItself && manager.Snapshot.State.Token is null)
        {
            return terminal.Fail(
                $"{account.Name}: no login method is configured; create a token file with a refresh token at {manager.StoreLocation}");
        }
        terminal.Error.WriteLine($"{account.Name}: no login is needed; the token is renewed with the configured credentials.");
        if (await manager.RenewAsync(null, cancellationToken) is not { State: TokenState.Active { FailedRenewals: 0 } active })
        {
            return context.ReportFailure(account);
        }
        terminal.Output.WriteLine($"{account.Name}: renewed; the token is {context.DescribeValidity(active.Held)}.");
        return ExitCode.Done;
    }

    private async Task<int> FinishAsync(Account account, Renewal outcome)
    {
        if (outcome is Renewal.Renewed(var token))
        {
            // Not cancelable, so that an interrupted process keeps the login.
            await account.AdoptAsync(token, CancellationToken.None);
        }
        return Report(account, outcome);
    }

    private int Report(Account account, Renewal outcome) => outcome switch
    {
        Renewal.Transient(_, var reason, _) => terminal.Fail($"{account.Name}: login failed: {reason}; try again later", ExitCode.TryLater),
        Renewal.InvalidClient(var reason) => terminal.Fail($"{account.Name}: login failed: {reason}; fix the configuration"),
        Renewal.InvalidGrant(var reason) => terminal.Fail($"{account.Name}: login failed: {reason}"),
        // CommandContext reports a token that could not be saved.
        Renewal.Renewed when account.TokenManagers.Any(manager => manager.Snapshot.Unpersisted is not null) => ExitCode.Done,
        Renewal.Renewed => ReportLocations(account),
        _ => throw new InvalidOperationException("unknown outcome of a login"),
    };

    /// <summary>Prints where the tokens are. After a login for an upstream token, the account's own token may still be missing.</summary>
    private int ReportLocations(Account account)
    {
        var hasToken = account.TokenManager.Snapshot.State is TokenState.Active { FailedRenewals: 0 };
        var tokens = account.TokenManagers.Reverse().Where(manager => manager != account.TokenManager || hasToken).Select((manager, i) =>
            $"{(i == 0 ? "the token" : "the token that renews it")} is in {manager.StoreLocation} and "
            + context.DescribeValidity(manager.Snapshot.State.Token));
        terminal.Output.WriteLine($"{account.Name}: logged in; {string.Join("; ", tokens)}.");
        return hasToken ? ExitCode.Done : context.ReportFailure(account);
    }
}
