namespace Exporter.Sandbox;

/// <summary>Lifetimes of what is issued from now on. What was issued before keeps its expiry.</summary>
public sealed record TokenLifetimes(TimeSpan Access, TimeSpan Refresh, TimeSpan Code);

/// <summary>An OAuth client. Redirect URIs are compared as strings (RFC 9700 section 2.1); errors go to the first.</summary>
public sealed record RegisteredClient(string Id, string? Secret, IReadOnlyList<string> RedirectUris)
{
    /// <summary>The grant types that the client may use. Null means all.</summary>
    public IReadOnlyList<string>? GrantTypes { get; init; }
}

/// <param name="User">Who logged in.</param>
public sealed record IssuedTokens(
    string User, string AccessToken, string RefreshToken, IReadOnlyList<string> Scope, TimeSpan ExpiresIn, TimeSpan RefreshExpiresIn);

/// <summary>Counters since the start. <c>MaximumInFlight</c> is the highest number of concurrent token requests of one family.</summary>
public sealed record AuthorizationCounters(
    int Families, int RevokedFamilies, int Rotations, int ReusedRefreshTokens, int ReusedCodes, int MaximumInFlight);

/// <summary>The consent that an authorization code stands for.</summary>
internal sealed record CodeGrant(string ClientId, string User, IReadOnlyList<string> Scope, string RedirectUri, string? Challenge);

/// <summary>The outcome of a token request. <c>Error</c> is a code of RFC 6749 section 5.2.</summary>
internal abstract record GrantOutcome
{
    private GrantOutcome() { }

    internal sealed record Granted(IssuedTokens Tokens) : GrantOutcome;

    /// <summary>An access token without a refresh token (RFC 6749 section 4.4.3).</summary>
    internal sealed record GrantedAccess(string AccessToken, IReadOnlyList<string> Scope, TimeSpan ExpiresIn) : GrantOutcome;

    internal sealed record Rejected(string Error, string Reason) : GrantOutcome;
}

/// <summary>The outcome of checking an access token.</summary>
internal abstract record AccessOutcome
{
    private AccessOutcome() { }

    internal sealed record Allowed(string User, DateTimeOffset Expiry) : AccessOutcome;

    internal sealed record Unknown : AccessOutcome;

    internal sealed record Expired : AccessOutcome;

    internal sealed record ScopeMissing : AccessOutcome;
}
