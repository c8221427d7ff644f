using System.Collections.Immutable;

namespace Exporter.Tokens;

/// <summary>The state of an account's token. A closed set, so that code cannot express an illegal combination.</summary>
public abstract record TokenState
{
    private TokenState() { }

    /// <summary>The token, which may still be usable; null when there is none.</summary>
    public virtual Token? Token => null;

    /// <summary>When the token is renewed next; null when nothing is scheduled, or when the state does not contain it.</summary>
    public virtual DateTimeOffset? NextRenewal => null;

    /// <summary>No user has logged in, or a user has logged out.</summary>
    public sealed record Missing : TokenState;

    /// <summary>
    /// Renewed at <paramref name="RenewAt"/>. For a token that cannot be renewed, that is its expiry, or <see cref="DateTimeOffset.MaxValue"/>
    /// when the expiry is unknown.
    /// </summary>
    public sealed record Active(Token Held, DateTimeOffset RenewAt, int FailedRenewals) : TokenState
    {
        public override Token Token => Held;

        public override DateTimeOffset? NextRenewal => RenewAt < DateTimeOffset.MaxValue ? RenewAt : null;
    }

    /// <summary>The provider rejected the client, its secret or its scope. The token is kept and the renewal is tried again slowly.</summary>
    public sealed record InvalidClient(Token? Held, string Reason, DateTimeOffset RetryAt) : TokenState
    {
        public override Token? Token => Held;

        public override DateTimeOffset? NextRenewal => RetryAt < DateTimeOffset.MaxValue ? RetryAt : null;
    }

    /// <summary>
    /// The token cannot be renewed: the provider rejected it, or it cannot be sent. A user must log in. The access token is used until it expires
    /// or the provider's API rejects it.
    /// </summary>
    public sealed record Lost(Token? Held, string Reason, DateTimeOffset Since) : TokenState
    {
        /// <summary>When the token is tried again, for a provider that is known to reject valid ones for a while; otherwise null.</summary>
        public DateTimeOffset? RetryAt { get; init; }

        public override Token? Token => Held;

        public override DateTimeOffset? NextRenewal => RetryAt;
    }
}

/// <summary>A login in progress: the address, the code (RFC 8628, section 3.2; null for a redirect) and when it expires.</summary>
public sealed record Login(Uri Address, string? UserCode, DateTimeOffset Deadline);

/// <summary>The token in memory is newer than the stored one, and would be lost with the process.</summary>
public sealed record Unpersisted(string Reason, DateTimeOffset Since, int FailedWrites, DateTimeOffset RetryAt);

/// <summary>The renewals of an account. Counts since the start of the process.</summary>
public sealed record RenewalHistory
{
    public DateTimeOffset? LastAttempt { get; init; }

    public DateTimeOffset? LastSuccess { get; init; }

    /// <summary>The last failure as a sentence; null after a renewal succeeds.</summary>
    public string? LastError { get; init; }

    public TimeSpan? LastDuration { get; init; }

    public long Renewals { get; init; }

    public ImmutableSortedDictionary<FailureKind, long> Failures { get; init; } = ImmutableSortedDictionary<FailureKind, long>.Empty;

    /// <summary>The number of tokens from the store that another process or a user had written.</summary>
    public long Adoptions { get; init; }

    public long Writes { get; init; }

    public long FailedWrites { get; init; }

    /// <summary>The provider's clock minus the local clock, from the <c>Date</c> header of its last response.</summary>
    public TimeSpan? ClockOffset { get; init; }
}

/// <summary>The state of a token manager at one moment. Immutable.</summary>
public sealed record TokenSnapshot(TokenState State, Login? Login, Unpersisted? Unpersisted, RenewalHistory History)
{
    public static TokenSnapshot Initial { get; } = new(new TokenState.Missing(), null, null, new RenewalHistory());

    /// <summary>Why the last read of the store failed; null when it did not.</summary>
    public string? Unreadable { get; init; }

    /// <summary>Whether the store may contain a token that could not be read yet, so that a login is not necessary.</summary>
    public bool IsUnknown => State is TokenState.Missing && Unreadable is not null;
}

/// <summary>One of several ways to obtain a token, in the order in which they are tried.</summary>
/// <param name="IsAvailable">Whether this way works without a user.</param>
/// <param name="ExpiresAt">When the credential for this way expires; null when unknown.</param>
/// <param name="Next">The next step as a sentence: when this way is used, or why it cannot be.</param>
public sealed record TokenLevel(string Name, bool IsAvailable, DateTimeOffset? ExpiresAt, string Next);
