using System.Collections.Immutable;

namespace Exporter.Tokens;

/// <summary>What can be said of an account's token. A closed set, so that an illegal combination cannot be written down.</summary>
public abstract record TokenState
{
    private TokenState() { }

    /// <summary>The token that may still be in use; null when there is none.</summary>
    public virtual Token? Token => null;

    /// <summary>Nobody has logged in, or somebody logged out.</summary>
    public sealed record Missing : TokenState;

    /// <summary>Alive, and renewed at <paramref name="RenewAt"/>; <see cref="DateTimeOffset.MaxValue"/> means that it cannot be.</summary>
    public sealed record Active(Token Held, DateTimeOffset RenewAt, int FailedRenewals) : TokenState
    {
        public override Token Token => Held;
    }

    /// <summary>The token is kept, but the client, its secret or its scope is not accepted: a person must mend the configuration. Tried again slowly.</summary>
    public sealed record InvalidClient(Token? Held, string Reason, DateTimeOffset RetryAt) : TokenState
    {
        public override Token? Token => Held;
    }

    /// <summary>The provider does not renew it any more: a person must log in. What is left of the access token is used until it ends.</summary>
    public sealed record Lost(Token? Remains, string Reason, DateTimeOffset Since) : TokenState
    {
        public override Token? Token => Remains;
    }
}

/// <summary>A person is logging in: where to, with which code (RFC 8628, section 3.2; null for a redirect), and until when.</summary>
public sealed record Login(Uri Address, string? UserCode, DateTimeOffset Deadline);

/// <summary>The token in memory is newer than the stored one: it would be lost with the process.</summary>
public sealed record Unpersisted(string Reason, DateTimeOffset Since, int FailedWrites, DateTimeOffset RetryAt);

/// <summary>What happened to the renewals of an account so far. Counts since the start of the process.</summary>
public sealed record RenewalHistory
{
    public DateTimeOffset? LastAttempt { get; init; }

    public DateTimeOffset? LastSuccess { get; init; }

    /// <summary>The last failure in a sentence; null once a renewal succeeded.</summary>
    public string? LastError { get; init; }

    public TimeSpan? LastDuration { get; init; }

    public long Renewals { get; init; }

    public ImmutableSortedDictionary<FailureKind, long> Failures { get; init; } = ImmutableSortedDictionary<FailureKind, long>.Empty;

    /// <summary>Tokens taken over from the store because another process or a person had put them there.</summary>
    public long Adoptions { get; init; }

    public long Writes { get; init; }

    public long FailedWrites { get; init; }

    /// <summary>The provider's clock minus ours, by the <c>Date</c> header of its last answer.</summary>
    public TimeSpan? ClockOffset { get; init; }
}

/// <summary>All that a token manager says of its token at one moment. Immutable; read from any thread.</summary>
public sealed record TokenSnapshot(TokenState State, Login? Login, Unpersisted? Unpersisted, RenewalHistory History)
{
    public static TokenSnapshot Initial { get; } = new(new TokenState.Missing(), null, null, new RenewalHistory());
}
