namespace Exporter.Sandbox;

/// <summary>How long things live that are issued from now on; what was issued before keeps its expiry.</summary>
public sealed record TokenLifetimes(TimeSpan Access, TimeSpan Refresh, TimeSpan Code);

/// <summary>A program that may ask for tokens. Redirect URIs are compared as strings (RFC 9700 section 2.1); the first is where errors go.</summary>
public sealed record RegisteredClient(string Id, string? Secret, IReadOnlyList<string> RedirectUris);

/// <summary>One pair as it was issued.</summary>
public sealed record IssuedTokens(string AccessToken, string RefreshToken, IReadOnlyList<string> Scope, TimeSpan ExpiresIn, TimeSpan RefreshExpiresIn);

/// <summary>What happened since the start. <c>MaximumInFlight</c> is the most token requests any one family had under way at once.</summary>
public sealed record AuthorizationCounters(int Families, int RevokedFamilies, int Rotations, int ReusedRefreshTokens, int ReusedCodes, int MaximumInFlight);

/// <summary>What a person consented to, waiting behind a code.</summary>
internal sealed record CodeGrant(string ClientId, string User, IReadOnlyList<string> Scope, string RedirectUri, string? Challenge);

/// <summary>What became of a token request; <c>Error</c> is RFC 6749 section 5.2's, <c>Because</c> is for the sandbox's own log.</summary>
internal abstract record GrantOutcome
{
    private GrantOutcome() { }

    internal sealed record Granted(IssuedTokens Tokens) : GrantOutcome;

    internal sealed record Refused(string Error, string Because) : GrantOutcome;
}

/// <summary>What an access token opens.</summary>
internal abstract record AccessOutcome
{
    private AccessOutcome() { }

    internal sealed record Allowed(string User, DateTimeOffset Expiry) : AccessOutcome;

    internal sealed record Unknown : AccessOutcome;

    internal sealed record Expired : AccessOutcome;

    internal sealed record ScopeMissing : AccessOutcome;
}
