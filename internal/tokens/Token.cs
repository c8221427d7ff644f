namespace Exporter.Tokens;

/// <summary>The tokens of one login, as the token endpoint returned them or as a file contains them. Immutable.</summary>
public sealed record Token
{
    private const string TypeMember = "token_type";

    public Secret? AccessToken { get; init; }

    public Secret? RefreshToken { get; init; }

    public Secret? IdToken { get; init; }

    /// <summary>When the access token expires; null when unknown.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether <see cref="ExpiresAt"/> is not from the provider. It then decides when to renew, and never stops a request.</summary>
    public bool IsExpiryAssumed { get; init; }

    /// <summary>Whether a user wrote it in the configuration, so that nothing is missing and nothing can be renewed.</summary>
    public bool IsConfigured { get; init; }

    /// <summary>When the refresh token expires; null when unknown, because most providers do not return it.</summary>
    public DateTimeOffset? RefreshExpiresAt { get; init; }

    /// <summary>The lifetime of the access token when it was issued (RFC 6749, section 5.1, <c>expires_in</c>); null when unknown.</summary>
    public TimeSpan? Lifetime { get; init; }

    /// <summary>The other members of the file or of the response.</summary>
    public JsonMembers Members { get; init; } = JsonMembers.Empty;

    /// <summary>Why no request may use the access token, whatever its expiry; null when one may.</summary>
    internal string? AccessProblem => AccessToken is null ? "it has no access token that is text" : UnknownType;

    /// <summary>
    /// RFC 6749, section 7.1: a client must not use a token of a type that it does not understand. Without a type, it is a bearer token.
    /// </summary>
    private string? UnknownType => Members.Text(TypeMember)?.Trim() is { Length: > 0 } type
        && !type.Equals("Bearer", StringComparison.OrdinalIgnoreCase)
        ? $"its token_type is {Sanitize.Line(type)}, and only Bearer is supported"
        : null;

    /// <summary>Why the file's expiry of the access token cannot be used, as a sentence; null when it can, or when there is none.</summary>
    public string? ExpiryProblem { get; init; }

    /// <summary>Whether a request may use the access token now.</summary>
    public bool IsUsable(DateTimeOffset now) => AccessProblem is null && (ExpiresAt is null || IsExpiryAssumed || ExpiresAt > now);

    /// <summary>
    /// The token after a renewal: values that <paramref name="issued"/> does not contain stay, above all the refresh token
    /// (RFC 6749, section 6: "The authorization server MAY issue a new refresh token").
    /// </summary>
    public Token After(Token issued) => issued with
    {
        RefreshToken = issued.RefreshToken ?? RefreshToken,
        IdToken = issued.IdToken ?? IdToken,
        RefreshExpiresAt = issued.RefreshExpiresAt ?? (issued.RefreshToken?.Equals(RefreshToken) == false ? null : RefreshExpiresAt),
        // A response without a type has a bearer token, whatever the previous one had.
        Members = (UnknownType is null ? Members : Members.Without(TypeMember)).Merge(issued.Members),
    };

    /// <summary>The token after a new login: no part of the previous login stays, only other members of the file.</summary>
    internal Token ReplacedBy(Token issued) => After(issued) with
    {
        RefreshToken = issued.RefreshToken,
        RefreshExpiresAt = issued.RefreshExpiresAt,
        IdToken = issued.IdToken,
    };

    /// <summary>A warning for each missing attribute, with the consequence.</summary>
    public IEnumerable<string> Warnings() => Warnings(canRenew: RefreshToken is not null);

    /// <param name="canRenew">Whether the grant can renew the token, which may need no refresh token for that.</param>
    internal IEnumerable<string> Warnings(bool canRenew)
    {
        if (IsConfigured)
        {
            yield break;
        }
        if (AccessToken is null)
        {
            yield return "it has no access_token: it is renewed at once";
        }
        else if (UnknownType is { } problem)
        {
            yield return $"its access token is not used: {problem}";
        }
        if (!canRenew)
        {
            yield return "it has no refresh_token: it cannot be renewed, and you must log in when it expires";
        }
        if (AccessToken is not null && ExpiresAt is null)
        {
            var consequence = !canRenew ? "is used until the provider rejects it" : "is renewed at once to learn its lifetime";
            yield return $"{ExpiryProblem ?? "it has no expiry"}: the token {consequence}";
        }
    }

    /// <summary>The token of a file without white space at the ends: it comes from an editor or a shell, because no provider issues it.</summary>
    internal Token Trimmed() => this with
    {
        AccessToken = Secret.From(AccessToken?.Reveal().Trim()),
        RefreshToken = Secret.From(RefreshToken?.Reveal().Trim()),
        IdToken = Secret.From(IdToken?.Reveal().Trim()),
    };
}
