using Exporter.Tokens;
using Microsoft.AspNetCore.Http;

namespace Exporter.Web;

/// <summary>What became of a login or of a pasted token. A closed set; each has its own sentence and remedy, and repeats nothing that a stranger sent.</summary>
internal abstract record LoginOutcome
{
    private LoginOutcome() { }

    public sealed record Done : LoginOutcome;

    /// <summary>It works, and for less than was asked for.</summary>
    public sealed record ShortScope(string Missing) : LoginOutcome;

    public sealed record Declined : LoginOutcome;

    public sealed record NoState : LoginOutcome;

    public sealed record UnknownState : LoginOutcome;

    public sealed record TooLate : LoginOutcome;

    public sealed record Replayed : LoginOutcome;

    public sealed record WrongSender : LoginOutcome;

    public sealed record NoCode : LoginOutcome;

    public sealed record CodeNotAccepted : LoginOutcome;

    public sealed record TokenNotAccepted(string Reason) : LoginOutcome;

    public sealed record ClientNotAccepted : LoginOutcome;

    public sealed record RedirectNotRegistered(Uri Callback) : LoginOutcome;

    public sealed record ScopeNotAccepted : LoginOutcome;

    public sealed record ProviderRefuses(string Reason) : LoginOutcome;

    public sealed record ProviderTroubled(string Reason) : LoginOutcome;

    /// <summary>By the word that the provider sent the browser back with (RFC 6749, section 4.1.2.1), or called its refusal of a code or a token.</summary>
    public static LoginOutcome? OfError(string? error, Uri callback) => error switch
    {
        "access_denied" => new Declined(),
        "invalid_client" or "unauthorized_client" => new ClientNotAccepted(),
        "redirect_uri_mismatch" or "invalid_redirect_uri" => new RedirectNotRegistered(callback),
        "invalid_scope" => new ScopeNotAccepted(),
        "server_error" or "temporarily_unavailable" => new ProviderTroubled("it says that it is not working at the moment"),
        _ => null,
    };

    /// <summary>By what came of exchanging a code.</summary>
    public static LoginOutcome OfExchange(Renewal outcome, Uri callback, IReadOnlyList<string> asked) => outcome switch
    {
        Renewal.Renewed(var token) => NotGranted(token, asked) is { Length: > 0 } missing ? new ShortScope(missing) : new Done(),
        { Error: "invalid_grant" } or Renewal.InvalidGrant => new CodeNotAccepted(),
        Renewal.Transient(_, var reason, _) => new ProviderTroubled(reason),
        Renewal.InvalidClient(var reason) => OfError(outcome.Error, callback) ?? new ProviderRefuses(reason),
        _ => throw new InvalidOperationException("an exchange has no other outcome"),
    };

    /// <summary>By what came of trying a pasted refresh token.</summary>
    public static LoginOutcome OfPaste(Renewal outcome, Uri callback) => outcome switch
    {
        Renewal.Renewed => new Done(),
        Renewal.InvalidGrant(var reason) => new TokenNotAccepted(reason),
        Renewal.Transient(_, var reason, _) => new ProviderTroubled(reason),
        Renewal.InvalidClient(var reason) => OfError(outcome.Error, callback) ?? new ProviderRefuses(reason),
        _ => throw new InvalidOperationException("a trial has no other outcome"),
    };

    /// <summary>The status, what happened, and what to do. A provider that is to blame is a bad gateway.</summary>
    public (int Status, string Title, string Sentence, string Remedy) Explain() => this switch
    {
        Done => (StatusCodes.Status200OK, "Logged in", "The exporter has a token, and it is saved.", "There is nothing more to do."),
        ShortScope(var missing) => (StatusCodes.Status200OK, "Logged in, for less than was asked", $"The exporter has a token, and it is saved; but the provider did not grant {missing}.",
            "What needs it will fail to read. Grant it at the provider, and log in again."),
        Declined => (StatusCodes.Status400BadRequest, "The login was refused", "Somebody refused on the provider's page, and nothing was changed.",
            "If that was a slip, begin again and accept."),
        NoState => (StatusCodes.Status400BadRequest, "This is no answer to a login", "This address is where the provider sends the browser after a login, and it was opened without the provider's answer.",
            "Begin the login on the page of accounts."),
        UnknownState => (StatusCodes.Status400BadRequest, "This login was not begun here", "The answer belongs to no login that was begun in this browser, so nothing was changed.",
            "Begin again, finish in the same browser under the same address, and let it keep cookies. A start of the exporter in between ends a login too."),
        TooLate => (StatusCodes.Status400BadRequest, "The login took too long", "It was begun more than ten minutes ago, and nothing was changed.", "Begin again."),
        Replayed => (StatusCodes.Status400BadRequest, "This login is over", "The provider's answer was used before; it counts once.", "If the account is not alive, begin again."),
        WrongSender => (StatusCodes.Status400BadRequest, "The answer comes from somebody else", "The answer names another sender (iss) than the account expects, so nothing was changed.",
            "Begin again. If that repeats itself, compare the account's issuer with what the provider says of itself."),
        NoCode => (StatusCodes.Status400BadRequest, "There is no code", "The answer holds no code, and nothing was changed.", "Begin again; where you pasted it, paste the whole address that the browser ended at."),
        CodeNotAccepted => (StatusCodes.Status400BadRequest, "The code is not accepted", "The provider does not take the code: it was used before, or is too old, for codes live a minute or a few.", "Begin again, and do not wait on the way."),
        TokenNotAccepted(var reason) => (StatusCodes.Status400BadRequest, "The refresh token is not accepted", $"The provider does not take it, and what the account had is kept: {reason}.",
            "Get a fresh one at the provider, for this very client id; a refresh token that was used once may be worth nothing."),
        ClientNotAccepted => (StatusCodes.Status400BadRequest, "The client is not accepted", "The provider does not know the client id, or the client secret is wrong; nothing was changed.",
            "Compare client_id and client_secret with the app's page at the provider, correct them in the configuration, and start the exporter again."),
        RedirectNotRegistered(var callback) => (StatusCodes.Status400BadRequest, "The redirect URI is not registered", $"The provider does not know {callback.OriginalString} as an address that it may send browsers back to.",
            "Register exactly that on the app's page at the provider, or set --external-url to the address that is registered, without /auth/callback."),
        ScopeNotAccepted => (StatusCodes.Status400BadRequest, "The scope is not accepted", "The provider does not grant this client what the account asks for.", "Allow it on the app's page at the provider, or ask for less in the configuration."),
        ProviderRefuses(var reason) => (StatusCodes.Status400BadRequest, "The provider refuses", $"Nothing was changed: {reason}.", "Correct what the provider complains of, and begin again."),
        ProviderTroubled(var reason) => (StatusCodes.Status502BadGateway, "The provider is in trouble", $"There was no usable answer, and nothing was changed: {reason}.", "Wait a little and begin again."),
        _ => throw new InvalidOperationException("a login has no other outcome"),
    };

    /// <summary>The scopes that were asked for and not granted. A provider that does not say has granted them all (RFC 6749, section 5.1).</summary>
    private static string NotGranted(Token token, IReadOnlyList<string> asked)
    {
        IReadOnlyList<string>? granted = token.Members.Text("scope") is { } text ? text.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries) : token.Members.Texts("scope");
        return granted is null ? "" : string.Join(", ", asked.Except(granted));
    }
}
