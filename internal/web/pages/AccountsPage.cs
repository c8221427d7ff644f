namespace Exporter.Web;

/// <summary>The start page: the state of every account, its readings, and what to do next. Waits for nothing.</summary>
internal sealed class AccountsPage(
    AccountList accounts, History history, DeviceLogins devices, NewLogins logins, LoginAccess access, Forms forms, WebOptions options,
    TimeProvider time)
{
    private const int RefreshSeconds = 60;
    private const int RefreshSecondsDuringLogin = 5;

    /// <summary>On one page.</summary>
    private const int MaxAccounts = 20;

    public void Map(IEndpointRouteBuilder routes) => routes.MapMethods(
        "/", [HttpMethods.Get, HttpMethods.Head], (HttpContext context, string? account, int? from) => Render(
            context, accounts.Current.Any(a => a.Login is LoginMethod.Device) ? forms.Field(context) : null, account, Math.Max(0, (from ?? 1) - 1)));

    /// <param name="name">The only account to show; null for all.</param>
    /// <param name="from">The first account or, for a single one, its first tile.</param>
    private IResult Render(HttpContext context, Html? formField, string? name, int from)
    {
        var shown = name is null ? accounts.Current.Index().Skip(from).Take(MaxAccounts) : accounts.Current.Index().Where(a => a.Item.Name == name);
        var left = name is null ? accounts.Current.Count - from - MaxAccounts : 0;
        var clock = new Clock(time.GetUtcNow(), time.LocalTimeZone);
        var loggingIn = accounts.Current.Any(a => a.TokenManager.Snapshot.Login is not null);
        return Layout.Page(StatusCodes.Status200OK, "Exporter", "", $"""
            <h1>{(accounts.Current.Count == 1 ? "Account" : "Accounts")}</h1>
            {(accounts.Current.Count < 2 ? null : Overview(name is null))}
            {shown.Select(a => Section(context, a.Item, a.Index, clock, formField, name is null ? 0 : from))}
            {(left <= 0 ? null : (Html)$"<p>And {left} more accounts. <a href=\"?from={from + MaxAccounts + 1}\">Next accounts</a></p>")}
            <footer><a href="{options.TelemetryPath[1..]}">Metrics</a> · <a href="version">Version {BuildInfo.Current.Version}</a>
            · times in {clock.ZoneName}, updated {clock.At(clock.Now)}</footer>
            """, loggingIn ? RefreshSecondsDuringLogin : RefreshSeconds);
    }

    private Html Overview(bool hasAll)
    {
        var links = accounts.Current.Select((a, i) => (Html)$"<span class=\"pair\"><a href=\"{Link(i)}\">{a.Name}</a> {Badge(a)}</span>");
        return $"<nav class=\"card\" aria-label=\"Accounts\"><div class=\"actions\">{links}</div></nav>";

        string Link(int index) =>
            hasAll && accounts.Current.Count <= MaxAccounts ? $"#account-{index}" : $"?from={index / MaxAccounts * MaxAccounts + 1}#account-{index}";
    }

    private Html Section(HttpContext context, Account account, int index, Clock clock, Html? formField, int firstTile)
    {
        var families = account.ReadingSource?.Collect(clock.Now).Families ?? [];
        var recorded = history.Of(account);
        Html? source = account.Name == account.Source ? null : (Html)$"<span class=\"source\">{account.Source}</span>";
        Html? readings = families.Count == 0 ? null : (Html)$"""
            <h3>Readings</h3>{Readings.Tiles(families, account.Units, clock, account.Name, firstTile)}
            """;
        Html? plots = recorded.Count == 0 ? null : (Html)$"""
            <h3>The last 24 hours</h3><div class="plots">{Readings.Plots($"{index}", recorded, account.Units, clock)}</div>
            """;
        return $"""
            <section class="card" id="account-{index}" aria-labelledby="name-{index}">
            <div class="title"><h2 id="name-{index}">{account.Name}</h2>{source}{Badge(account)}</div>
            {Notices(account, clock, access.Of(context, account) is not null)}
            {Facts(account, clock)}
            {Levels(account.Levels(clock.Now), clock)}
            {Actions(account, formField)}
            {readings}
            {plots}
            </section>
            """;
    }

    private static Html Badge(Account account)
    {
        var (kind, text) = (account.TokenManager.Snapshot, account.ReadingSource?.Status) switch
        {
            ({ Login: not null }, _) => ("warn", "Waiting for login"),
            ({ IsUnknown: true }, _) => ("bad", "Token unreadable"),
            ({ State: TokenState.Missing }, _) when !AccountMetrics.NeedsLogin(account) => ("warn", "Waiting for login"),
            ({ State: TokenState.Missing or TokenState.Lost }, _) => ("bad", "Login needed"),
            ({ State: TokenState.InvalidClient }, _) => ("bad", "Credentials rejected"),
            ({ State: TokenState.Active { FailedRenewals: > 0 } }, _) => ("warn", "Renewal failed"),
            ({ State: TokenState.Active }, { Failure: not null }) => ("warn", "Reading failed"),
            _ => ("good", "OK"),
        };
        return $"<span class=\"badge {kind}\">{text}</span>";
    }

    /// <summary>What the user should read first, each with what to do next.</summary>
    /// <param name="mayLogIn">Whether this visitor may log in. A stranger who enters the code logs in as another person.</param>
    private Html Notices(Account account, Clock clock, bool mayLogIn)
    {
        var (snapshot, store) = (account.TokenManager.Snapshot, account.TokenManager.StoreLocation);
        Html? login = snapshot.Login is { } pending
            ? mayLogIn ? PendingLogin(pending, clock) : Notice("warn", $"A login is in progress.", $"Its code is shown to those who may log in.")
            : devices.FailureOf(account) is { } failure
                ? (Html)$"<div class=\"notice bad\" role=\"status\"><p>The last login failed: {failure}.</p></div>"
            : null;
        Html? otherPerson = !logins.IsWaiting(account) ? null
            : Notice("warn", $"The new login belongs to another person than the current one.",
                $"<a href=\"auth/confirm?account={Uri.EscapeDataString(account.Name)}\">Confirm or drop it</a> within ten minutes.");
        var lastError = snapshot.History.LastError is { } error ? $"The last attempt failed: {error}." : "";
        Html? token = snapshot.State switch
        {
            TokenState.Missing when snapshot.Login is not null => null,
            TokenState.Missing when snapshot is { IsUnknown: true, Unreadable: var reason } =>
                Notice("bad", $"The token in {store} cannot be read: {reason}.", $"The exporter tries again every minute."),
            TokenState.Missing when !AccountMetrics.NeedsLogin(account) =>
                Notice("warn", $"The exporter logs in with the configured credentials. {lastError}"),
            TokenState.Missing => Notice("bad", $"There is no token.", $"{NextStep(account)}"),
            TokenState.Lost(_, var reason, var since) lost => Notice("bad", $"The login was lost at {clock.At(since)}: {reason}.",
                $"{NextStep(account)}{(lost.RetryAt is { } retry ? (Html)$" The exporter also tries the token again {clock.Until(retry)}." : null)}"),
            TokenState.InvalidClient(_, var reason, var retry) => Notice("bad", $"The provider rejected the credentials: {reason}.",
                $"The exporter keeps the token. Fix the credentials in the configuration and restart. Next attempt {clock.Until(retry)}."),
            TokenState.Active { FailedRenewals: > 0 } active => Notice("warn", $"The token could not be renewed: {snapshot.History.LastError}.",
                $"The exporter keeps the token. Next attempt {clock.Until(active.RenewAt)}."),
            TokenState.Active { Held.RefreshToken: null } when account.Upstream.Count == 0 => Notice("warn",
                $"There is no refresh token, so the login expires with the access token."),
            _ => null,
        };
        Html? unpersisted = snapshot.Unpersisted is not { } unsaved ? null
            : Notice("bad", $"The token is in memory only, and a restart would lose it: {unsaved.Reason}.",
                $"Make {store} writable. Next attempt to save it {clock.Until(unsaved.RetryAt)}.");
        return $"{login}{otherPerson}{token}{unpersisted}{ReadingNotice(account.ReadingSource?.Status, snapshot.State, clock)}";
    }

    private static Html? ReadingNotice(ReadingStatus? status, TokenState token, Clock clock)
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
        LoginMethod.Redirect => "Log in: accept on the provider's page, which then returns you here.",
        LoginMethod.Device => "Log in: get a code and enter it at the provider, on any device.",
        LoginMethod.Paste => $"Paste a {account.Paste.Noun} from the provider.",
        _ => "You cannot log in to this account in the browser. "
            + $"Paste a refresh token, or create a token file at {account.TokenManager.StoreLocation}.",
    };

    private static Html PendingLogin(Login login, Clock clock)
    {
        Html? prompt = login.UserCode is null ? null : (Html)$" Enter this code at the provider, on any device:";
        Html? code = login.UserCode is null ? null : (Html)$"<p class=\"code\">{login.UserCode}</p>";
        Html? link = login.Address.Scheme is not ("http" or "https") ? null : (Html)$"""
            <p><a class="button" href="{login.Address.AbsoluteUri}" target="_blank" rel="noopener noreferrer">Open {login.Address.Host}</a></p>
            """;
        return $"""
            <div class="notice warn" role="status"><p>A login is in progress.{prompt}</p>
            {code}
            {link}
            <p>The login expires {clock.Until(login.Deadline)}. After the login, this page updates by itself.</p></div>
            """;
    }

    private static Html Facts(Account account, Clock clock)
    {
        var (snapshot, feed) = (account.TokenManager.Snapshot, account.ReadingSource?.Status);
        return $"""
            <dl class="facts">
            {Fact("Access token expires", snapshot.State.Token?.ExpiresAt, clock.Until)}
            {Fact("Next renewal", account.TokenManager.NextRenewal, clock.Until)}
            {Fact("Last renewal", snapshot.History.LastSuccess, clock.Ago)}
            {Fact("Refresh token expires", snapshot.State.Token?.RefreshExpiresAt, clock.Until)}
            {Fact("Last reading", feed?.ReadAt, clock.Ago)}
            {Fact("Next reading", feed?.NextTry, clock.Until)}
            <div><dt>Token stored in</dt><dd>{account.TokenManager.StoreLocation}</dd></div>
            </dl>
            """;

        Html? Fact(string name, DateTimeOffset? at, Func<DateTimeOffset, Html> relative) =>
            at is { } known ? (Html)$"<div><dt>{name}</dt><dd>{relative(known)} <small>{clock.At(known)}</small></dd></div>" : null;
    }

    /// <summary>For an account with several ways to get a token: which of them are available, and what happens next.</summary>
    private static Html? Levels(IReadOnlyList<TokenLevel> levels, Clock clock)
    {
        return levels.Count == 0 ? null : (Html)$"<h3>Ways to renew the token</h3><dl class=\"facts\">{levels.Select(Level)}</dl>";

        Html Level(TokenLevel level)
        {
            Html? expiry = level.ExpiresAt is { } end ? (Html)$", expires {clock.Until(end)}" : null;
            var availability = level.IsAvailable ? "available" : "not available";
            return $"<div><dt>{level.Name}</dt><dd>{availability}{expiry} <small>{level.Next}</small></dd></div>";
        }
    }

    private static Html Actions(Account account, Html? formField)
    {
        var (kind, text) = AccountMetrics.NeedsLogin(account) ? ("", "Log in") : ("plain", "Log in again");
        var name = Uri.EscapeDataString(account.Name);
        Html? login = account.Login switch
        {
            LoginMethod.Redirect => (Html)$"<a class=\"button {kind}\" href=\"auth?account={name}\">{text}</a>",
            LoginMethod.Device when account.TokenManager.Snapshot.Login is null => (Html)$"""
                <form method="post" action="auth/device">{formField}<input type="hidden" name="account" value="{account.Name}"><button
                class="{kind}">{text}</button></form>
                """,
            _ => null,
        };
        return $"""
            <div class="actions">{login}<a class="button plain" href="auth/settoken?account={name}">Paste a {account.Paste.Noun}</a></div>
            """;
    }
}
