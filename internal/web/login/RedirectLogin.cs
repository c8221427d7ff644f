using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Exporter.Web;

/// <summary>What the provider sent the browser back with (RFC 6749, section 4.1.2; RFC 9207). Nothing is taken of a parameter that comes twice.</summary>
internal sealed record ProviderAnswer
{
    public string? Code { get; init; }

    public Secret? State { get; init; }

    public string? Issuer { get; init; }

    public string? Error { get; init; }

    public static ProviderAnswer Of(IQueryCollection query) => new() { Code = One(query, "code"), State = Secret.From(One(query, "state")), Issuer = One(query, "iss"), Error = One(query, "error") };

    private static string? One(IQueryCollection query, string name) => query[name] is [{ Length: > 0 } only] ? only : null;
}

/// <summary>The login by redirect: sends a browser to the provider, and takes it back.</summary>
internal sealed class RedirectLogin(
    IReadOnlyList<Account> accounts, LoginCookies cookies, ExternalUrl external, TimeProvider time, ILogger<RedirectLogin> logger, IHostApplicationLifetime lifetime)
{
    /// <summary>On the way to the external URL, so that a proxy that does not hand on the host name does not send a browser in circles.</summary>
    private const string Moved = "moved";

    /// <summary>Whether the provider brings the browser back to us.</summary>
    public bool IsOurs(AuthorizationCodeGrant grant) => grant.RedirectUri is null or { Port: 0 } || grant.RedirectUri == external.Callback;

    public IResult Begin(HttpContext context, Account account, AuthorizationCodeGrant grant)
    {
        if (IsOurs(grant) && !external.IsHere(context.Request) && !context.Request.Query.ContainsKey(Moved))
        {
            return Move(context, account);
        }
        var request = grant.Begin(external.Callback);
        cookies.Set(context, Slot(account), account.Name, request);
        return new Redirect(request.Address.AbsoluteUri);
    }

    /// <summary>The callback.</summary>
    public async Task<LoginOutcome> FinishAsync(HttpContext context, ProviderAnswer answer)
    {
        if (answer.State is null)
        {
            return OfError(answer) ?? new LoginOutcome.NoState();
        }
        foreach (var account in accounts)
        {
            if (cookies.Find(context, Slot(account)) is { } begun && begun.Request.State.Equals(answer.State))
            {
                return await FinishAsync(context, account, begun, answer);
            }
        }
        // An error changes nothing, so it may be told to anybody: a redirect URI that is registered under another host name ends here.
        return OfError(answer) ?? new LoginOutcome.UnknownState();
    }

    /// <summary>A code that a person brought. What is pasted whole is compared like a callback; a code alone is bound to the login by its verifier.</summary>
    public async Task<LoginOutcome> FinishPastedAsync(HttpContext context, Account account, ProviderAnswer answer, bool isWhole)
    {
        if (cookies.Find(context, Slot(account)) is not { } begun || (isWhole && answer.State?.Equals(begun.Request.State) != true))
        {
            return new LoginOutcome.UnknownState();
        }
        return await FinishAsync(context, account, begun, answer, isBare: !isWhole);
    }

    private async Task<LoginOutcome> FinishAsync(HttpContext context, Account account, BegunLogin begun, ProviderAnswer answer, bool isBare = false)
    {
        if (account.Login is not LoginMethod.Redirect(var grant) || begun.Account != account.Name)
        {
            return new LoginOutcome.UnknownState();
        }
        cookies.Clear(context, Slot(account));
        if (!cookies.Spend(begun))
        {
            return new LoginOutcome.Replayed();
        }
        if (begun.Deadline <= time.GetUtcNow())
        {
            return new LoginOutcome.TooLate();
        }
        // RFC 9207, section 2.4: compared as it stands; a sender that promised it has to send it, and one that did not should not.
        if (!isBare && answer.Issuer != grant.Issuer)
        {
            return new LoginOutcome.WrongSender();
        }
        var outcome = OfError(answer) ?? (answer.Code is { } code ? await ExchangeAsync(account, grant, code, begun.Request) : new LoginOutcome.NoCode());
        if (outcome is not LoginOutcome.Done)
        {
            logger.LogWarning("account {Account}: a login by browser: {Outcome}", account.Name, outcome.Explain().Sentence);
        }
        return outcome;
    }

    private async Task<LoginOutcome> ExchangeAsync(Account account, AuthorizationCodeGrant grant, string code, AuthorizationRequest request)
    {
        // Not by the browser's patience: the code is spent once it is sent.
        var exchanged = await grant.ExchangeAsync(code, request, lifetime.ApplicationStopping);
        if (exchanged is Renewal.Renewed(var token))
        {
            await account.AdoptAsync(token, CancellationToken.None);
        }
        return LoginOutcome.OfExchange(exchanged, request.RedirectUri, grant.Scopes);
    }

    private LoginOutcome? OfError(ProviderAnswer answer) =>
        answer.Error is null ? null : LoginOutcome.OfError(answer.Error, external.Callback) ?? new LoginOutcome.ProviderRefuses("it sent the browser back with an error that is not one of OAuth's common ones");

    /// <summary>The cookie belongs to the host name that the browser comes back to, so the login begins there.</summary>
    private IResult Move(HttpContext context, Account account)
    {
        var there = $"{external.Text}/auth/authorize?account={Uri.EscapeDataString(account.Name)}&{Moved}=1";
        if (external.IsReachableFrom(context.Request))
        {
            return new Redirect(there);
        }
        var here = $"{context.Request.Scheme}://{context.Request.Host.Value}";
        return Layout.Result(StatusCodes.Status200OK, Layout.Sentence("The login comes back to another address", context.Request.Path.Value!.LastIndexOf('/') > 0 ? "../" : "",
            $"You are at {here}, and after the login the provider sends your browser to {external.Callback.OriginalString}, which only a browser on the exporter's own machine can reach.",
            $"""
            <p>Either start the exporter with <code>--external-url {here}</code> and register <code>{here}/auth/callback</code> at the provider as a redirect URI,
            or open the exporter on its own machine:</p>
            <p><a class="button" href="{there}">Continue at {external.Value.Authority}</a></p>
            """));
    }

    private int Slot(Account account)
    {
        for (var i = 0; i < accounts.Count; i++)
        {
            if (ReferenceEquals(accounts[i], account))
            {
                return i;
            }
        }
        throw new InvalidOperationException("the account is none of ours");
    }
}
