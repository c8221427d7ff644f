using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter;

/// <summary><c>exporter login</c>: logs a person in from a terminal, by device code, by a browser that comes back to this machine, or by pasting what it came back with.</summary>
/// <param name="callback">The exporter's own callback, which is registered at the provider where an account names no other.</param>
internal sealed class LoginCommand(OneAccount accounts, Terminal terminal, Uri callback, TimeProvider time)
{
    /// <summary>Longer than a person needs, and than a code lives (RFC 6749, section 4.1.2).</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    public static Uri CallbackOf(Startup startup) => new($"{startup.Web.ExternalUrl.AbsoluteUri.TrimEnd('/')}/auth/callback");

    /// <param name="name">The account; null when there is one.</param>
    /// <param name="token">No login: the person has a token, and pastes it.</param>
    /// <param name="paste">Do not wait for the browser: its last address is pasted.</param>
    /// <param name="openBrowser">Open a browser if there is one.</param>
    /// <returns>The exit code.</returns>
    public Task<int> RunAsync(string? name, bool token, bool paste, bool openBrowser, CancellationToken cancellationToken) =>
        accounts.WithAsync(name, account => token ? PasteAsync(account, cancellationToken) : LogInAsync(account, paste, openBrowser, cancellationToken), cancellationToken);

    /// <summary>The same for an account that is open.</summary>
    public async Task<int> LogInAsync(Account account, bool paste, bool openBrowser, CancellationToken cancellationToken) => account.Login switch
    {
        LoginMethod.Device(var grant) => await FinishAsync(account, await DeviceAsync(grant, openBrowser, cancellationToken)),
        LoginMethod.Redirect(var grant) => await FinishAsync(account, await RedirectAsync(grant, paste, openBrowser, cancellationToken)),
        LoginMethod.Paste => await PasteAsync(account, cancellationToken),
        LoginMethod.Unattended => await UnattendedAsync(account, cancellationToken),
        _ => throw new InvalidOperationException("a login has no other way"),
    };

    private async Task<Renewal> DeviceAsync(DeviceCodeGrant grant, bool openBrowser, CancellationToken cancellationToken)
    {
        var (begun, failure) = await grant.BeginAsync(cancellationToken);
        if (begun is null)
        {
            return failure!;
        }
        terminal.Error.WriteLine($"""
            Open this page on any device, and type the code there:

              page   {begun.Verification.OriginalString}
              code   {Sanitize.Line(begun.UserCode)}

            The code is good until {OneAccount.When(begun.Deadline, time.GetUtcNow())}.
            """);
        if (openBrowser && terminal.Open(begun.Link))
        {
            terminal.Error.WriteLine("The page was opened in your browser.");
        }
        return await grant.WaitAsync(begun, cancellationToken);
    }

    private async Task<Renewal> RedirectAsync(AuthorizationCodeGrant grant, bool paste, bool openBrowser, CancellationToken cancellationToken)
    {
        var redirect = grant.RedirectUri ?? callback;
        LoopbackListener? listener = null;
        if (!paste && LoopbackListener.CanServe(redirect))
        {
            (listener, var reason) = await LoopbackListener.StartAsync(redirect, cancellationToken);
            if (listener is null)
            {
                terminal.Error.WriteLine($"The browser cannot come back here, since {reason}. Paste the address that it ends at, or free the port and begin again.");
            }
        }
        await using var listening = listener;
        // With port 0 no port was taken, so none is named.
        var begun = grant.Begin(listener?.Redirect ?? (redirect.Port == 0 ? new UriBuilder(redirect) { Port = -1 }.Uri : redirect));
        listener?.Expect(begun.State);
        terminal.Error.WriteLine($"Open this page and log in:\n\n  {begun.Address.AbsoluteUri}\n");
        if (openBrowser && terminal.Open(begun.Address))
        {
            terminal.Error.WriteLine("The page was opened in your browser.");
        }
        var response = await AnswerAsync(listener, begun, cancellationToken);
        return response is null ? new Renewal.InvalidGrant("nothing was pasted; begin again")
            : grant.Validate(response, begun) is { } problem ? new Renewal.InvalidGrant(problem)
            // Not given up halfway: the code is good once (RFC 6749, section 4.1.2).
            : await grant.ExchangeAsync(response.Code!, begun, CancellationToken.None);
    }

    /// <summary>A token instead of a login. It is tried at the provider before it takes the place of what there was.</summary>
    private async Task<int> PasteAsync(Account account, CancellationToken cancellationToken)
    {
        terminal.Error.Write($"Paste the {account.Paste.Noun}: ");
        var line = await terminal.ReadLineAsync(cancellationToken);
        return Conclude(account, Secret.From(line?.Trim()) is { } pasted
            ? await account.Paste.TryAsync(pasted, cancellationToken)
            : new Renewal.InvalidGrant("nothing was pasted; begin again"));
    }

    /// <summary>What the browser comes back with, here or through the person; null when the input ends.</summary>
    private async Task<AuthorizationResponse?> AnswerAsync(LoopbackListener? listener, AuthorizationRequest begun, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            if (listener is not null)
            {
                terminal.Error.WriteLine($"Waiting for the browser to come back to {begun.RedirectUri.GetLeftPart(UriPartial.Path)}; on another machine, begin with --paste.");
                return await listener.WaitAsync(either.Token);
            }
            terminal.Error.Write("Paste the address that the browser ends at, or the code in it: ");
            return await terminal.ReadLineAsync(either.Token) is { Length: > 0 } line ? Pasted(line.Trim()) : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new AuthorizationResponse(null, null, null, "timeout", $"nobody logged in within {Patience.TotalMinutes:0} minutes");
        }
    }

    private static AuthorizationResponse Pasted(string line) =>
        line.IndexOf('?', StringComparison.Ordinal) is >= 0 and var query ? AuthorizationResponse.Parse(line[query..].Split('#')[0])
        : line.Contains("code=", StringComparison.Ordinal) || line.Contains("error=", StringComparison.Ordinal) ? AuthorizationResponse.Parse(line)
        : new AuthorizationResponse(line, null, null, null, null);

    private async Task<int> FinishAsync(Account account, Renewal outcome)
    {
        if (outcome is Renewal.Renewed(var token))
        {
            // On disk first: whatever happens to this process, the login is kept.
            await account.AdoptAsync(token, CancellationToken.None);
        }
        return Conclude(account, outcome);
    }

    private int Conclude(Account account, Renewal outcome)
    {
        switch (outcome)
        {
            case Renewal.Renewed:
                return account.TokenManagers.Any(k => k.Snapshot.Unpersisted is not null) ? ExitCode.Done : Tell(account);
            case Renewal.Transient(_, var reason, _):
                terminal.Error.WriteLine($"{account.Name}: not logged in: {reason}; try again later");
                return ExitCode.TryLater;
            case Renewal.InvalidClient(var reason):
                terminal.Error.WriteLine($"{account.Name}: not logged in: {reason}; mend the configuration");
                return ExitCode.Failed;
            case Renewal.InvalidGrant(var reason):
                terminal.Error.WriteLine($"{account.Name}: not logged in: {reason}");
                return ExitCode.Failed;
            default:
                throw new InvalidOperationException("a login has no other outcome");
        }
    }

    /// <summary>Where the token is. The login may have been for one upstream it, and the account's own not be had yet.</summary>
    private int Tell(Account account)
    {
        var has = account.TokenManager.Snapshot.State is TokenState.Active { FailedRenewals: 0 };
        var tokens = account.TokenManagers.Reverse().Where(k => k != account.TokenManager || has).Select((k, i) =>
            $"{(i == 0 ? "the token" : "the one it is had with")} is in {k.StoreLocation} and {accounts.Good(k.Snapshot.State.Token)}");
        terminal.Output.WriteLine($"{account.Name}: logged in; {string.Join("; ", tokens)}.");
        return has ? ExitCode.Done : accounts.Explain(account);
    }

    private async Task<int> UnattendedAsync(Account account, CancellationToken cancellationToken)
    {
        if (!account.TokenManager.LogsInByItself && account.TokenManager.Snapshot.State.Token is null)
        {
            terminal.Error.WriteLine($"{account.Name}: nobody can log in to it, since no way of logging in is configured; put a token file with a refresh token at {account.TokenManager.StoreLocation}");
            return ExitCode.Failed;
        }
        terminal.Error.WriteLine($"{account.Name}: nobody needs to log in to it; its token is renewed from the configuration.");
        return await account.TokenManager.RenewAsync(null, cancellationToken) is { State: TokenState.Active { FailedRenewals: 0 } active }
            ? Say($"{account.Name}: renewed; the token is {accounts.Good(active.Held)}.")
            : accounts.Explain(account);

        int Say(string line)
        {
            terminal.Output.WriteLine(line);
            return ExitCode.Done;
        }
    }
}
