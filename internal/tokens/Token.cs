namespace Exporter.Tokens;

/// <summary>One login at a provider, as the token endpoint last gave it or as a file holds it. Immutable.</summary>
public sealed record Token
{
    public Secret? AccessToken { get; init; }

    public Secret? RefreshToken { get; init; }

    public Secret? IdToken { get; init; }

    /// <summary>When the access token ends; null when nobody said.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When the refresh token ends; null when nobody said, as most providers do not.</summary>
    public DateTimeOffset? RefreshExpiresAt { get; init; }

    /// <summary>How long the access token was good for when it was given (RFC 6749, section 5.1, <c>expires_in</c>); null when unknown.</summary>
    public TimeSpan? Lifetime { get; init; }

    /// <summary>Every member of the file or of the answer that is none of the above.</summary>
    public JsonMembers Members { get; init; } = JsonMembers.Empty;

    /// <summary>Whether the access token may be put on a request now.</summary>
    public bool IsUsable(DateTimeOffset now) => AccessToken is not null && (ExpiresAt is null || ExpiresAt > now);

    /// <summary>
    /// This token after an answer: what the answer does not give is kept, first of all the refresh token
    /// (RFC 6749, section 6: "The authorization server MAY issue a new refresh token").
    /// </summary>
    public Token After(Token answer) => answer with
    {
        RefreshToken = answer.RefreshToken ?? RefreshToken,
        IdToken = answer.IdToken ?? IdToken,
        RefreshExpiresAt = answer.RefreshExpiresAt ?? (answer.RefreshToken is null || answer.RefreshToken.Equals(RefreshToken) ? RefreshExpiresAt : null),
        Members = Members.Merge(answer.Members),
    };

    /// <summary>What is missing, each with its consequence, in the words of a warning.</summary>
    public IEnumerable<string> Shortcomings()
    {
        if (AccessToken is null)
        {
            yield return "it has no access_token: it is renewed at once";
        }
        if (RefreshToken is null)
        {
            yield return "it has no refresh_token: it cannot be renewed, and a login is needed when the provider refuses it";
        }
        if (AccessToken is not null && ExpiresAt is null)
        {
            yield return RefreshToken is null
                ? "it has no expiry: the token is used until the provider refuses it"
                : "it has no expiry: the token is renewed at once to learn its lifetime";
        }
    }
}
