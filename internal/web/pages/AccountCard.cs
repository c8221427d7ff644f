namespace Exporter.Web;

/// <summary>An account on the start page: what needs attention, its readings, its plots, and its token. Waits for nothing.</summary>
internal sealed class AccountCard(History history, AccountNotices notices)
{
    /// <param name="mayLogIn">Whether this visitor may log in.</param>
    /// <param name="isOpen">Whether the card is unfolded at first.</param>
    /// <param name="firstReading">The index of the first card of its readings.</param>
    public Html Render(
        Account account, AccountCondition condition, Clock clock, bool mayLogIn, Html formField, bool isOpen, int firstReading)
    {
        var (id, name) = (AccountKey.CardOf(account), Uri.EscapeDataString(account.Name));
        var presentation = account.ReadingSource?.Present(clock.Now) ?? Presentation.Empty;
        var isLoginNeeded = AccountMetrics.NeedsLogin(account);
        var actions = Actions(account, id, formField, isLoginNeeded);
        Html? headline = Readings.Headline(presentation) is { Length: > 0 } values ? (Html)$"<span class=\"headline\">{values}</span>" : null;
        Html? source = account.Name.Equals(account.Provider, StringComparison.OrdinalIgnoreCase) ? null
            : (Html)$"<span class=\"source\">{account.Provider}</span>";
        Html? plots = !history.Has(account) ? null : (Html)$"""
            <details class="more" id="{id}-plots" data-src="plots?account={name}"><summary>The last 24 hours</summary>
            <p><a href="plots?account={name}">Show the plots</a></p></details>
            """;
        Html? open = isOpen ? (Html)$" open" : null;
        return $"""
            <section class="card" id="{id}" data-live aria-labelledby="{id}-name"><details id="{id}-fold"{open}>
            <summary class="title"><h2 id="{id}-name">{account.Name}</h2>{source}{Badge(condition)}{headline}</summary>
            {notices.Of(account, clock, mayLogIn, formField)}
            {(isLoginNeeded ? actions : null)}
            {Readings.Render(presentation, clock, account.Name, id, firstReading)}
            {plots}
            <details class="more" id="{id}-token"><summary>{TokenSummary(account, clock)}</summary>
            {Facts(account, clock)}
            {Levels(account.Levels(clock.Now), clock)}
            {(isLoginNeeded ? null : actions)}
            </details>
            </details></section>
            """;
    }

    private static Html Badge(AccountCondition condition)
    {
        var kind = condition.Severity switch { Severity.Problem => "bad", Severity.Warning => "warn", _ => "good" };
        return $"<span class=\"badge {kind}\">{condition.Text}</span>";
    }

    private static Html TokenSummary(Account account, Clock clock) => account.TokenManager switch
    {
        { Snapshot.State.Token: null } => $"Token",
        { NextRenewal: { } next } => $"Token: next renewal {clock.Relative(next, "in {}", "now")}",
        { Snapshot.State.Token.ExpiresAt: { } expiry } => $"Token: {clock.Relative(expiry, "expires in {}", "expired {} ago")}",
        _ => $"Token",
    };

    private static Html Facts(Account account, Clock clock)
    {
        var (snapshot, status) = (account.TokenManager.Snapshot, account.ReadingSource?.Status);
        return $"""
            <dl class="facts">
            {How(account)}
            {Fact("Access token", snapshot.State.Token?.ExpiresAt, "expires in {}", "expired {} ago")}
            {Fact("Next renewal", account.TokenManager.NextRenewal, "in {}", "now")}
            {Fact("Last renewal", snapshot.History.LastSuccess, "in {}", "{} ago")}
            {Fact("Refresh token", snapshot.State.Token?.RefreshExpiresAt, "expires in {}", "expired {} ago")}
            {Fact("Last reading", status?.ReadAt, "in {}", "{} ago")}
            {Fact("Next reading", status?.NextTry, "in {}", "now")}
            <div><dt>Token stored in</dt><dd>{account.TokenManager.StoreLocation}</dd></div>
            </dl>
            """;

        static Html? How(Account account) => account.Login is LoginMethod.Unattended { Explanation: { } explanation }
            ? (Html)$"<div><dt>Login</dt><dd>{explanation}</dd></div>"
            : null;

        Html? Fact(string name, DateTimeOffset? at, string future, string past) => at is { } known
            ? (Html)$"<div><dt>{name}</dt><dd>{clock.Relative(known, future, past)} <small>{clock.At(known)}</small></dd></div>"
            : null;
    }

    /// <summary>For an account with several ways to get a token: which of them are available, and what happens next.</summary>
    private static Html? Levels(IReadOnlyList<TokenLevel> levels, Clock clock)
    {
        return levels.Count == 0 ? null : (Html)$"<h3>Ways to renew the token</h3><dl class=\"facts\">{levels.Select(Level)}</dl>";

        Html Level(TokenLevel level)
        {
            Html? expiry = level.ExpiresAt is { } end ? (Html)$", {clock.Relative(end, "expires in {}", "expired {} ago")}" : null;
            var availability = level.IsAvailable ? "available" : "not available";
            return $"<div><dt>{level.Name}</dt><dd>{availability}{expiry} <small>{level.Next}</small></dd></div>";
        }
    }

    private static Html Actions(Account account, string id, Html formField, bool isLoginNeeded)
    {
        var (kind, text) = isLoginNeeded ? ("", $"Log in at {account.Provider}") : ("plain", $"Log in again at {account.Provider}");
        var name = Uri.EscapeDataString(account.Name);
        Html? login = account.Login switch
        {
            LoginMethod.Redirect => (Html)$"<a class=\"button {kind}\" id=\"{id}-login\" href=\"auth?account={name}\">{text}</a>",
            LoginMethod.Device when account.TokenManager.Snapshot.Login is null => (Html)$"""
                <form method="post" action="auth/device">{formField}<input type="hidden" name="account" value="{account.Name}"><button
                class="{kind}" id="{id}-login">{text}</button></form>
                """,
            _ => null,
        };
        // A credential of the configuration can neither be renewed nor removed here.
        Html? manage = account.TokenManager.Snapshot.State is TokenState.Missing or TokenState.Active { Held.IsConfigured: true } ? null : (Html)$"""
            <a class="button plain" href="auth/renew?account={name}">Renew now</a><a class="button plain"
            href="auth/logout?account={name}">Log out</a>
            """;
        Html? paste = account.Login is LoginMethod.Unattended { Explanation: not null } ? null : (Html)$"""
            <a class="button plain" href="auth/settoken?account={name}">Paste a {account.Paste.Noun}</a>
            """;
        return $"""
            <div class="actions">{login}{paste}{manage}</div>
            """;
    }
}
