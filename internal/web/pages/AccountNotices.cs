namespace Exporter.Web;

/// <summary>What a user should read first about an account, each with what to do next.</summary>
internal sealed class AccountNotices(DeviceLogins devices, NewLogins logins)
{
    /// <param name="mayLogIn">Whether this visitor may log in. A stranger who enters the code logs in as another person.</param>
    public Html Of(Account account, Clock clock, bool mayLogIn, Html formField)
    {
        var (snapshot, store) = (account.TokenManager.Snapshot, account.TokenManager.StoreLocation);
        Html? login = snapshot.Login is { } pending
            ? mayLogIn
                ? PendingLogin(account, pending, clock, formField)
                : Notice("warn", $"A login is in progress.", $"Its code is shown to those who may log in.")
            : devices.FailureOf(account) is { } failure ? Notice("bad", $"The last login failed: {failure}.")
            : null;
        Html? otherPerson = !logins.IsWaiting(account) ? null
            : Notice("warn", $"The new login belongs to another person than the current one.",
                $"<a href=\"auth/confirm?account={Uri.EscapeDataString(account.Name)}\">Confirm or drop it</a> within ten minutes.");
        Html? unpersisted = snapshot.Unpersisted is not { } unsaved ? null
            : Notice("bad", $"The token is in memory only, and a restart would lose it: {unsaved.Reason}.",
                $"Make {store} writable. Next attempt to save it {clock.Until(unsaved.RetryAt)}.");
        return $"{login}{otherPerson}{OfToken(account, clock)}{unpersisted}{OfReading(account.ReadingSource?.Status, snapshot.State, clock)}";
    }

    private static Html? OfToken(Account account, Clock clock)
    {
        var (snapshot, store) = (account.TokenManager.Snapshot, account.TokenManager.StoreLocation);
        var lastError = snapshot.History.LastError is { } error ? $"The last attempt failed: {error}." : "";
        return snapshot.State switch
        {
            TokenState.Missing when snapshot.Login is not null => null,
            TokenState.Missing when snapshot is { IsUnknown: true, Unreadable: var reason } =>
                Notice("bad", $"The token in {store} cannot be read: {reason}.", $"The exporter tries again every minute."),
            TokenState.Missing when !AccountMetrics.NeedsLogin(account) =>
                Notice("warn", $"The exporter logs in with the configured credentials. {lastError}"),
            TokenState.Missing => Notice("bad", $"There is no token.", $"{NextStep(account)}"),
            TokenState.Lost(_, var reason, var since) lost => Notice("bad", $"The login was lost at {clock.At(since)}: {reason}.",
                $"{NextStep(account)}{(lost.RetryAt is { } retry ? (Html)$" The exporter also tries the token again {clock.Until(retry)}." : null)}"),
            TokenState.InvalidClient(_, var reason, var retry) => Notice("bad", $"{account.Provider} rejected the credentials: {reason}.",
                $"The exporter keeps the token. Fix the credentials in the configuration, and reload or restart. Next attempt {clock.Until(retry)}."),
            TokenState.Active { FailedRenewals: > 0 } active => Notice("warn", $"The token could not be renewed: {snapshot.History.LastError}.",
                $"The exporter keeps the token. Next attempt {clock.Until(active.RenewAt)}."),
            TokenState.Active { Held.RefreshToken: null } when !account.TokenManager.CanRenew && account.Upstream.Count == 0 => Notice("warn",
                $"There is no refresh token, so the login expires with the access token."),
            _ => null,
        };
    }

    private static Html? OfReading(ReadingStatus? status, TokenState token, Clock clock)
    {
        if (status is not { Failure: { } failure }
            // There is a notice of the token already.
            || (failure is ApiFailure.NoToken && token is not TokenState.Active { FailedRenewals: 0 }))
        {
            return status?.Notice is { } notice ? Notice("warn", $"{notice}") : null;
        }
        Html? nextTry = status.NextTry is { } next ? (Html)$" Next attempt {clock.Until(next)}." : null;
        var action = failure is ApiFailure.MissingScope ? "Log in again and grant access." : "The exporter tries again automatically.";
        return Notice("warn", $"The last reading failed: {failure.Reason}.", $"{action}{nextTry}");
    }

    private static Html Notice(string kind, Html text, Html? next = null) =>
        $"<div class=\"notice {kind}\"><p>{text}</p>{(next is null ? null : (Html)$"<p>{next}</p>")}</div>";

    private static string NextStep(Account account) => account.Login switch
    {
        LoginMethod.Redirect => $"Log in: accept on {account.Provider}'s page, which then returns you here.",
        LoginMethod.Device => $"Log in: get a code and enter it at {account.Provider}, on any device.",
        LoginMethod.Unattended { Explanation: { } explanation } =>
            $"{explanation} To log in again, run oauth-exporter login {account.Name}, or restart the exporter.",
        LoginMethod.Paste => $"Paste a {account.Paste.Noun} from {account.Provider}.",
        _ => "You cannot log in to this account in the browser. "
            + $"Paste a {account.Paste.Noun}, or create a token file at {account.TokenManager.StoreLocation}.",
    };

    /// <summary>The code, the link, and the link as a QR code. The ID is where the browser goes after a click on the login button.</summary>
    private static Html PendingLogin(Account account, Login login, Clock clock, Html formField)
    {
        var isLink = login.Address.Scheme is "http" or "https";
        Html? code = login.UserCode is null ? null
            : (Html)$"<p>Enter this code at {account.Provider}, on any device:</p><p class=\"code\">{login.UserCode}</p>";
        Html? link = !isLink ? null : (Html)$"""
            <a class="button" href="{login.Address.AbsoluteUri}" target="_blank" rel="noopener noreferrer">Open {login.Address.Host}</a>
            """;
        Html? phone = !isLink ? null : (Html)$"""
            <figure class="phone">{QrCode.Of(login.Address, $"QR code of the link to {login.Address.Host}")}
            <figcaption>For your phone</figcaption></figure>
            """;
        return $"""
            <div class="notice warn login" id="{AccountKey.CodeOf(account)}" tabindex="-1"><div>
            <p><strong>A login is in progress.</strong> It {clock.Relative(login.Deadline, "expires in {}", "expired {} ago")}.</p>
            {code}
            <div class="actions">{link}<form method="post" action="auth/cancel">{formField}<input type="hidden" name="account"
            value="{account.Name}"><button class="plain">Cancel the login</button></form></div>
            <p>After the login, this page updates by itself.</p></div>{phone}</div>
            """;
    }
}
