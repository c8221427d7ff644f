using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Web;

/// <summary>The page for people: how every account does, what it reads, and what to do next. Waits for nothing.</summary>
internal sealed class AccountsPage(
    IReadOnlyList<Account> accounts, History history, DeviceLogins devices, Forms forms, WebOptions options, TimeProvider time)
{
    private const int Refresh = 60;
    private const int RefreshDuringLogin = 5;

    public void Map(IEndpointRouteBuilder routes) => routes.MapMethods("/", [HttpMethods.Get, HttpMethods.Head], (HttpContext context) =>
        Layout.Result(StatusCodes.Status200OK, Render(accounts.Any(a => a.Login is LoginMethod.Device) ? forms.Field(context) : Html.Nothing)));

    private Html Render(Html formField)
    {
        var clock = new Clock(time.GetUtcNow(), time.LocalTimeZone);
        var loggingIn = accounts.Any(a => a.TokenManager.Snapshot.Login is not null);
        return Layout.Page("Exporter", "", $"""
            <h1>{(accounts.Count == 1 ? "Account" : "Accounts")}</h1>
            {(accounts.Count < 2 ? Html.Nothing : Overview())}
            {accounts.Select((account, i) => Section(account, i, clock, formField))}
            <footer><a href="{options.TelemetryPath[1..]}">Metrics</a> · <a href="version">Version {BuildInfo.Current.Version}</a> · times are {clock.ZoneName}, this page is of {clock.At(clock.Now)}</footer>
            """, loggingIn ? RefreshDuringLogin : Refresh);
    }

    private Html Overview() => $"""
        <nav class="card" aria-label="Accounts"><div class="actions">{accounts.Select((a, i) => (Html)$"<span class=\"pair\"><a href=\"#account-{i}\">{a.Name}</a> {Badge(a)}</span>")}</div></nav>
        """;

    private Html Section(Account account, int index, Clock clock, Html formField)
    {
        var families = account.Feed?.Expose(clock.Now).Families ?? [];
        var recorded = history.Of(account);
        return $"""
            <section class="card" id="account-{index}" aria-labelledby="name-{index}">
            <div class="title"><h2 id="name-{index}">{account.Name}</h2>{(account.Name == account.Source ? Html.Nothing : (Html)$"<span class=\"source\">{account.Source}</span>")}{Badge(account)}</div>
            {Notices(account, clock)}
            {Facts(account, clock)}
            {Levels(account.Levels(clock.Now), clock)}
            {Actions(account, formField)}
            {(families.Count == 0 ? Html.Nothing : (Html)$"<h3>Readings</h3>{Readings.Tiles(families, account.Units, clock)}")}
            {(recorded.Count == 0 ? Html.Nothing : (Html)$"<h3>The last 24 hours</h3><div class=\"plots\">{Readings.Plots($"{index}", recorded, account.Units, clock)}</div>")}
            </section>
            """;
    }

    private static Html Badge(Account account) => (account.TokenManager.Snapshot, account.Feed?.Status) switch
    {
        ({ Login: not null }, _) => $"<span class=\"badge warn\">Login under way</span>",
        ({ State: TokenState.Missing }, _) when !AccountMetrics.NeedsLogin(account) => $"<span class=\"badge warn\">Logging in</span>",
        ({ State: TokenState.Missing }, _) => $"<span class=\"badge bad\">Login needed</span>",
        ({ State: TokenState.Lost }, _) => $"<span class=\"badge bad\">Login lost</span>",
        ({ State: TokenState.InvalidClient }, _) => $"<span class=\"badge bad\">Client refused</span>",
        ({ State: TokenState.Active { FailedRenewals: > 0 } }, _) => $"<span class=\"badge warn\">Renewal fails</span>",
        ({ State: TokenState.Active }, { Failure: not null }) => $"<span class=\"badge warn\">Reading fails</span>",
        _ => $"<span class=\"badge good\">Alive</span>",
    };

    /// <summary>What a person should know first, each with what to do about it.</summary>
    private IEnumerable<Html> Notices(Account account, Clock clock)
    {
        var snapshot = account.TokenManager.Snapshot;
        if (snapshot.Login is { } login)
        {
            yield return Pending(login, clock);
        }
        else if (devices.FailureOf(account) is { } failure)
        {
            yield return $"<div class=\"notice bad\" role=\"status\"><p>The last login came to nothing: {failure}.</p></div>";
        }
        switch (snapshot.State)
        {
            case TokenState.Missing when snapshot.Login is not null:
                break;
            case TokenState.Missing when !AccountMetrics.NeedsLogin(account):
                yield return $"<div class=\"notice warn\"><p>The exporter logs in by itself with what the configuration says. {(snapshot.History.LastError is { } why ? $"The last try failed: {why}." : "")}</p></div>";
                break;
            case TokenState.Missing:
                yield return $"<div class=\"notice bad\"><p>Nobody has logged in yet, so nothing is read.</p><p>{Next(account)}</p></div>";
                break;
            case TokenState.Lost(_, var reason, var since):
                yield return $"<div class=\"notice bad\"><p>The login is lost since {clock.At(since)}: {reason}.</p><p>{Next(account)}</p></div>";
                break;
            case TokenState.InvalidClient(_, var reason, var retry):
                yield return $"<div class=\"notice bad\"><p>The provider refuses the client: {reason}.</p><p>The token is kept. Correct the account's client id, secret or scope in the configuration and start the exporter again; it tries again {clock.Until(retry)}.</p></div>";
                break;
            case TokenState.Active { FailedRenewals: > 0 } active:
                yield return $"<div class=\"notice warn\"><p>The token could not be renewed: {snapshot.History.LastError}.</p><p>There is nothing to do: it is tried again {clock.Until(active.RenewAt)}.</p></div>";
                break;
            case TokenState.Active { Held.RefreshToken: null } when account.Upstream.Count == 0:
                yield return $"<div class=\"notice warn\"><p>There is no refresh token: this login ends with the access token. Log in, or paste a refresh token.</p></div>";
                break;
        }
        if (snapshot.Unpersisted is { } unpersisted)
        {
            yield return $"<div class=\"notice bad\"><p>The token is in memory only and would be lost with the process: {unpersisted.Reason}.</p><p>Make {account.TokenManager.StoreLocation} writable; saving is tried again {clock.Until(unpersisted.RetryAt)}.</p></div>";
        }
        if (account.Feed?.Status is { Failure: { } failed } feed && failed is not ApiFailure.NoToken)
        {
            yield return $"<div class=\"notice warn\"><p>The last reading failed: {failed.Reason}.</p><p>{(failed is ApiFailure.MissingScope ? "Log in again and grant it" : "It is tried again by itself")}{(feed.NextTry is { } next ? (Html)$"; next try {clock.Until(next)}" : Html.Nothing)}.</p></div>";
        }
    }

    private static string Next(Account account) => account.Login switch
    {
        LoginMethod.Redirect => "Log in: the provider asks whether the exporter may read, and sends you back here.",
        LoginMethod.Device => "Log in: you get a code to type at the provider, on any device.",
        LoginMethod.Paste => $"Paste a {account.Paste.Noun}; the provider shows it.",
        LoginMethod.Unattended => $"This kind of account has no login by browser: paste a refresh token, or put a token file at {account.TokenManager.StoreLocation}.",
        _ => throw new InvalidOperationException("there is no other way to log in"),
    };

    private static Html Pending(Login login, Clock clock) => $"""
        <div class="notice warn" role="status"><p>A login is under way. {(login.UserCode is null ? Html.Nothing : (Html)$"Type this code at the provider, on any device:")}</p>
        {(login.UserCode is { } code ? (Html)$"<p class=\"code\">{code}</p>" : Html.Nothing)}
        {(login.Address.Scheme is "http" or "https" ? (Html)$"<p><a class=\"button\" href=\"{login.Address.AbsoluteUri}\" target=\"_blank\" rel=\"noopener noreferrer\">Open {login.Address.Host}</a></p>" : Html.Nothing)}
        <p>The code ends {clock.Until(login.Deadline)}. This page notices by itself when you are done.</p></div>
        """;

    private static Html Facts(Account account, Clock clock)
    {
        var (snapshot, feed) = (account.TokenManager.Snapshot, account.Feed?.Status);
        return $"""
            <dl class="facts">
            {Fact("Access token ends", snapshot.State.Token?.ExpiresAt, at => $"{clock.Until(at)} <small>{clock.At(at)}</small>")}
            {Fact("Next renewal", account.TokenManager.NextRenewal, at => $"{clock.Until(at)} <small>{clock.At(at)}</small>")}
            {Fact("Last renewal", snapshot.History.LastSuccess, at => $"{clock.Ago(at)} <small>{clock.At(at)}</small>")}
            {Fact("Refresh token ends", snapshot.State.Token?.RefreshExpiresAt, at => $"{clock.Until(at)} <small>{clock.At(at)}</small>")}
            {Fact("Last reading", feed?.ReadAt, at => $"{clock.Ago(at)} <small>{clock.At(at)}</small>")}
            {Fact("Next reading", feed?.NextTry, at => $"{clock.Until(at)} <small>{clock.At(at)}</small>")}
            <div><dt>Token is kept in</dt><dd>{account.TokenManager.StoreLocation}</dd></div>
            </dl>
            """;

        static Html Fact(string name, DateTimeOffset? at, Func<DateTimeOffset, Html> show) => at is { } known ? $"<div><dt>{name}</dt><dd>{show(known)}</dd></div>" : Html.Nothing;
    }

    /// <summary>Where there are several ways to the token: which are left, and what happens next.</summary>
    private static Html Levels(IReadOnlyList<TokenLevel> levels, Clock clock)
    {
        if (levels.Count == 0)
        {
            return Html.Nothing;
        }
        var rows = levels.Select(level => (Html)$"<div><dt>{level.Name}</dt><dd>{(level.IsAvailable ? "left" : "not left")}{(level.ExpiresAt is { } end ? (Html)$", ends {clock.Until(end)}" : Html.Nothing)} <small>{level.Next}</small></dd></div>");
        return $"<h3>Ways to the token</h3><dl class=\"facts\">{rows}</dl>";
    }

    private static Html Actions(Account account, Html formField)
    {
        var needed = AccountMetrics.NeedsLogin(account);
        var (kind, word) = needed ? ("", "Log in") : ("plain", "Log in again");
        var name = Uri.EscapeDataString(account.Name);
        Html login = account.Login switch
        {
            LoginMethod.Redirect => $"<a class=\"button {kind}\" href=\"auth?account={name}\">{word}</a>",
            LoginMethod.Device when account.TokenManager.Snapshot.Login is not null => Html.Nothing,
            LoginMethod.Device => $"<form method=\"post\" action=\"auth/device\">{formField}<input type=\"hidden\" name=\"account\" value=\"{account.Name}\"><button class=\"{kind}\">{word}</button></form>",
            LoginMethod.Paste or LoginMethod.Unattended => Html.Nothing,
            _ => throw new InvalidOperationException("there is no other way to log in"),
        };
        return $"<div class=\"actions\">{login}<a class=\"button plain\" href=\"auth/settoken?account={name}\">Paste a {account.Paste.Noun}</a></div>";
    }
}
