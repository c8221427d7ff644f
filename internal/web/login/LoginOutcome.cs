namespace Exporter.Web;

/// <summary>The outcome of a login or of a pasted token, as a page shows it: what happened, and what to do next.</summary>
/// <remarks>
/// A text repeats a parameter only of a response whose state matches, cleaned and cut. A response with a provider's failure is 502 Bad Gateway.
/// </remarks>
internal sealed record LoginOutcome(string Title, string Explanation, string Remedy, int Status = StatusCodes.Status400BadRequest)
{
    public static LoginOutcome Success { get; } =
        new("Logged in", "The exporter has saved the token.", "You can close this page.", StatusCodes.Status200OK);

    /// <summary>A login that the user finishes at the provider, or that could not start. The page shows which.</summary>
    public static LoginOutcome Started { get; } =
        new("Login started", "The page shows its code.", "Enter the code at the provider.", StatusCodes.Status200OK);

    /// <summary>The new login belongs to another person than the current one, and waits for a confirmation.</summary>
    public static LoginOutcome Unconfirmed { get; } = new("Is this the right person?",
        "The new login belongs to another person than the current one.", "Confirm it or drop it.", StatusCodes.Status200OK);

    public static LoginOutcome NotFirst { get; } = new("Another login was faster",
        "The account got a token while you logged in. Nothing was changed.", "See the list of accounts.", StatusCodes.Status403Forbidden);

    public static LoginOutcome AccountChanged { get; } = new("The account was changed",
        "A reload changed the configuration of the account meanwhile. A new login was dropped.", "Try again.",
        StatusCodes.Status409Conflict);

    public static LoginOutcome NoState { get; } = new("No login response",
        "The provider opens this address after a login. It was opened without the provider's response.", "Log in from the list of accounts.");

    public static LoginOutcome UnknownState { get; } = new("This login was not started here",
        "This browser did not start the login that the response belongs to. Nothing was changed.",
        "Log in again. Finish in the same browser at the same address, accept cookies, and do not restart the exporter in between.");

    public static LoginOutcome Expired { get; } = new("The login took too long",
        "It started more than ten minutes ago. Nothing was changed.", "Log in again.");

    public static LoginOutcome AlreadyUsed { get; } = new("This login is already finished",
        "A login response can be used only once.", "If the account is not OK, log in again.");

    public static LoginOutcome NoCode { get; } = new("The code is missing", "The response contains no code. Nothing was changed.",
        "Log in again. If you paste the response, paste the whole address from the address bar.");

    private static LoginOutcome CodeRejected { get; } = new("The code was rejected",
        "The code was already used or has expired. A code is valid for a few minutes.",
        "Log in again and finish without delay.");

    private static LoginOutcome Denied { get; } = new("The login was denied",
        "Access was denied on the provider's page. Nothing was changed.", "If that was a mistake, log in again and accept.");

    private static LoginOutcome ClientRejected { get; } = new("The client was rejected",
        "The client ID is unknown to the provider, or the client secret is wrong. Nothing was changed.",
        "Compare client_id and client_secret with the app's page at the provider. Fix the configuration and restart the exporter.");

    private static LoginOutcome ScopeRejected { get; } = new("The scope was rejected",
        "The provider does not grant this client the scopes of the account. Nothing was changed.",
        "Allow them on the app's page at the provider, or configure fewer scopes.");

    /// <param name="sent">The issuer in the response.</param>
    public static LoginOutcome WrongIssuer(string? sent) => new("The response came from another server",
        (sent is null ? "It contains no issuer (iss), but the account configures one."
            : $"Its issuer (iss) is {Sanitize.Line(sent)}, which differs from the configured issuer.") + " Nothing was changed.",
        "Log in again. If that fails, compare the account's issuer with the provider's documentation.");

    /// <summary>Adds what the provider said about the error.</summary>
    public LoginOutcome WithError(string error, string? description) => this with
    {
        Explanation = $"{Explanation} The provider sent {Sanitize.Line(error, 100)}"
            + $"{(description is null ? "" : $" ({Sanitize.Line(description)})")}.",
    };

    /// <summary>The outcome for an error code of an authorization response (RFC 6749, section 4.1.2.1) or a token response.</summary>
    /// <param name="reason">Why the login failed, for an error code that has no text of its own.</param>
    public static LoginOutcome OfError(string? error, Uri callback, string reason) => error switch
    {
        "access_denied" => Denied,
        "invalid_client" or "unauthorized_client" => ClientRejected,
        "redirect_uri_mismatch" or "invalid_redirect_uri" => new("The redirect URI is not registered",
            $"The provider does not accept {callback.OriginalString} as the address to return to.",
            "Register exactly this address on the app's page at the provider. "
            + "Or set --external-url to the registered address, without /auth/callback."),
        "invalid_scope" => ScopeRejected,
        "server_error" or "temporarily_unavailable" => Unavailable("it is temporarily unavailable"),
        _ => new("The provider rejected the request", $"Nothing was changed: {reason}.", "Fix the reported problem and try again."),
    };

    /// <summary>The outcome of an exchange whose token is saved.</summary>
    public static LoginOutcome OfToken(Token token, IReadOnlyList<string> requestedScopes) =>
        MissingScopes(token, requestedScopes) is { Length: > 0 } missing
            ? new("Logged in with fewer scopes", $"The exporter has saved the token, but the provider did not grant {missing}.",
                "Readings that need it will fail. Grant it at the provider and log in again.", StatusCodes.Status200OK)
            : Success;

    /// <summary>The page that explains it, below <c>/auth</c>.</summary>
    /// <param name="root">The relative path from the page to the root.</param>
    public IResult ToPage(string root = "../") => Layout.Message(Status, Title, root, Explanation, $"<p>{Remedy}</p>");

    /// <summary>The outcome of a login by redirect that could not start.</summary>
    public static LoginOutcome OfStart(Renewal failure, Uri callback) => OfFailure(failure, callback);

    /// <summary>The outcome of a code exchange that failed.</summary>
    public static LoginOutcome OfExchange(Renewal outcome, Uri callback) => outcome switch
    {
        { Error: "invalid_grant" } or Renewal.InvalidGrant => CodeRejected,
        _ => OfFailure(outcome, callback),
    };

    /// <summary>The outcome of trying a pasted refresh token.</summary>
    public static LoginOutcome OfPaste(Renewal outcome, Uri callback) => outcome switch
    {
        Renewal.Renewed => Success,
        Renewal.InvalidGrant(var reason) => new("The refresh token was rejected", $"The account keeps its current token: {reason}.",
            "Get a new refresh token from the provider, for this account's client ID. A refresh token may work only once."),
        _ => OfFailure(outcome, callback),
    };

    private static LoginOutcome OfFailure(Renewal outcome, Uri callback) => outcome switch
    {
        Renewal.Transient(_, var reason, _) => Unavailable(reason),
        Renewal.InvalidClient(var reason) => OfError(outcome.Error, callback, reason),
        _ => throw new InvalidOperationException("not a failure"),
    };

    private static LoginOutcome Unavailable(string reason) => new("The provider is unavailable",
        $"The provider sent no usable response, and nothing was changed: {reason}.", "Wait a few minutes and try again.",
        StatusCodes.Status502BadGateway);

    /// <summary>The requested scopes that are not granted. A response without scopes grants them all (RFC 6749, section 5.1).</summary>
    private static string MissingScopes(Token token, IReadOnlyList<string> requested)
    {
        IReadOnlyList<string>? granted = token.Members.Text("scope") is { } text
            ? text.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries)
            : token.Members.Texts("scope");
        return granted is null ? "" : string.Join(", ", requested.Except(granted));
    }
}
