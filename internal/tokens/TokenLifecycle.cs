using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>A log line of the lifecycle, which the shell writes.</summary>
internal delegate void Notice(ILogger logger, string account);

/// <summary>Why a renewal starts. A closed set.</summary>
internal abstract record RenewalCause
{
    private RenewalCause() { }

    /// <summary>Its time has come.</summary>
    public sealed record Due : RenewalCause;

    /// <summary>A caller wants a new token now. Another renewal since <paramref name="Seen"/> serves as well.</summary>
    public sealed record Requested(TokenState Seen) : RenewalCause;

    /// <summary>The provider's API rejected this access token.</summary>
    public sealed record Rejected(Secret AccessToken) : RenewalCause;
}

/// <summary>What the lifecycle of a token depends on beside its state. Immutable.</summary>
/// <param name="CanRenew">Whether the grant can obtain a token, starting from this one or from none.</param>
/// <param name="Location">Where the store keeps the token, for messages.</param>
internal sealed record LifecycleRules(TokenManagerOptions Options, Func<Token?, bool> CanRenew, string Location);

/// <summary>
/// The life of one token as pure functions. Each event method returns the state after the event; the other members are decisions. There is
/// no I/O and no clock here: <see cref="TokenManager"/> reads, sends and writes in the order that the design requires. Immutable.
/// </summary>
internal sealed partial record TokenLifecycle(LifecycleRules Rules)
{
    public TokenSnapshot Snapshot { get; init; } = TokenSnapshot.Initial;

    /// <summary>When to renew; null when nothing is scheduled.</summary>
    public Deadline? NextRenewal { get; private init; }

    /// <summary>A new token that is not written to the store yet, so no caller gets it.</summary>
    public Token? Unsaved { get; private init; }

    /// <summary>Stands for the store's content that <see cref="TokenSnapshot.State"/> matches.</summary>
    public string? Stamp { get; private init; }

    /// <summary>Whether the store held no usable token at the last read. A spent refresh token is not usable.</summary>
    public bool IsStoreEmpty { get; private init; }

    /// <summary>Whether the last read found a logout that still holds.</summary>
    public bool IsLoggedOut { get; private init; }

    /// <summary>Whether the last read replaced or removed the token, because another process had changed the store.</summary>
    public bool WasChangedByOthers { get; private init; }

    public bool IsLoaded { get; private init; }

    /// <summary>The log lines since <see cref="WithoutNotices"/>.</summary>
    public IReadOnlyList<Notice> Notices { get; private init; } = [];

    /// <summary>The refresh token that was spent on the current token. Sending it again would make the provider revoke both.</summary>
    private Secret? Spent { get; init; }

    private Deadline? NextRead { get; init; }

    private Deadline? NextWrite { get; init; }

    private int Failures { get; init; }

    /// <summary>The renewals since the provider first rejected the refresh token.</summary>
    private int Rejections { get; init; }

    private long? RenewedAt { get; init; }

    /// <summary>Whether <see cref="Unsaved"/> is the current token, to be written again.</summary>
    private bool IsRewrite { get; init; }

    private bool IgnoresLogout { get; init; }

    private string? ReadProblem { get; init; }

    private string? WriteProblem { get; init; }

    private string? LockProblem { get; init; }

    private TokenState State => Snapshot.State;

    private TokenManagerOptions Options => Rules.Options;

    public bool IsRenewalDue(Instant now) => NextRenewal?.HasPassed(now) == true;

    public bool IsWriteDue(Instant now) => NextWrite?.HasPassed(now) == true;

    public bool IsDue(Instant now) => IsRenewalDue(now) || IsWriteDue(now) || NextRead?.HasPassed(now) != false;

    /// <summary>The token that may go on a request now; null when there is none.</summary>
    public Token? Usable(Instant now) => State.Token is { } token && token.IsUsable(now.Utc) ? token : null;

    /// <summary>
    /// Whether to send a renewal, after the store was read under its lock: another process or an earlier renewal may have made it
    /// unnecessary, and a user may have logged out.
    /// </summary>
    public bool Renews(RenewalCause cause, Instant now)
    {
        var isWanted = cause switch
        {
            RenewalCause.Requested(var seen) => ReferenceEquals(seen, State),
            RenewalCause.Rejected(var access) => IsWorthForcing(access, now),
            // The deadline decides.
            _ => false,
        };
        return (isWanted || IsRenewalDue(now)) && (State is not TokenState.Missing || Rules.CanRenew(null));
    }

    /// <summary>Whether a renewal may wait until the store can save its result: the access token still works.</summary>
    public bool CanWait(RenewalCause cause, Instant now) => cause is not RenewalCause.Rejected && Usable(now) is not null;

    /// <summary>
    /// The token with an expiry. RFC 6749 section 5.1 only recommends <c>expires_in</c>, and a token without any would be renewed at once,
    /// for ever.
    /// </summary>
    private Token Complete(Token token, Instant now) => token.ExpiresAt is not null ? token
        : Jwt.Expiry(token.AccessToken) is { } stated ? token with { ExpiresAt = stated }
        : token with { ExpiresAt = Rules.CanRenew(token) ? now.Utc + Options.AssumedLifetime : null, IsExpiryAssumed = true };

    public TokenLifecycle WithoutNotices() => Notices.Count == 0 ? this : this with { Notices = [] };

    /// <summary>The first read is done. A grant that needs no token logs in now, unless a user has logged out.</summary>
    /// <param name="ignoresLogout">Whether an earlier logout does not keep the grant from logging in: a user started the program for that.</param>
    public TokenLifecycle Loaded(bool ignoresLogout, Instant now)
    {
        if (IsLoaded || State is not TokenState.Missing)
        {
            return this with { IsLoaded = true };
        }
        var logsIn = Rules.CanRenew(null);
        if (IsLoggedOut && !(ignoresLogout && logsIn))
        {
            return (this with { IsLoaded = true }).Note((logger, account) =>
                logger.LogWarning("account {Account}: logged out; log in again to use it", account));
        }
        var loaded = this with { IsLoaded = true, IgnoresLogout = IsLoggedOut, IsLoggedOut = false };
        return logsIn ? loaded with { NextRenewal = now.In(TimeSpan.Zero) }
            : ReadProblem is not null ? loaded
            : loaded.Note((logger, account) =>
                logger.LogWarning("account {Account}: there is no token in {Location}; log in", account, Rules.Location));
    }

    /// <summary>A token request has finished, with any outcome.</summary>
    public TokenLifecycle Attempted(Renewal outcome, TimeSpan duration, Instant now) =>
        WithHistory(h => h with { LastAttempt = now.Utc, LastDuration = duration, ClockOffset = outcome.ClockOffset ?? h.ClockOffset });

    /// <summary>The provider returned a new token. It is not in use before <see cref="Written"/>.</summary>
    public TokenLifecycle Renewed(Token token, Instant now)
    {
        var renewed = (this with
        {
            RenewedAt = now.Timestamp,
            Spent = State.Token?.RefreshToken ?? Spent,
            Unsaved = Complete(token, now),
            IsRewrite = false,
        }).WithHistory(h => h with { LastSuccess = now.Utc, LastError = null, Renewals = h.Renewals + 1 });
        return State is not TokenState.Lost ? renewed : renewed.Note((logger, account) => logger.LogWarning(
            "account {Account}: the provider accepts the refresh token again; no login is necessary", account));
    }

    /// <summary>A user has logged in. The new token replaces the current one and the content of the store.</summary>
    /// <param name="stamp">Of the store's content at the read just before; null when it held no token.</param>
    public TokenLifecycle LoggedIn(Token token, string? stamp, Instant now)
    {
        var merged = token with { Members = (State.Token?.Members ?? JsonMembers.Empty).Merge(token.Members) };
        return (this with { Stamp = stamp, Unsaved = Complete(merged, now), IsRewrite = false })
            .WithHistory(h => h with { LastError = null })
            .Note((logger, account) => logger.LogInformation("account {Account}: logged in", account));
    }

    /// <summary>A renewal returned no token, or was not sent.</summary>
    /// <param name="interrupted">When an earlier process sent a renewal whose result it did not save; null when there is none.</param>
    public TokenLifecycle RenewalFailed(Renewal outcome, RenewalCause cause, Instant now, DateTimeOffset? interrupted = null)
    {
        if (State is TokenState.Lost before)
        {
            return StillLost(before, outcome, now);
        }
        var (token, failures) = (State.Token, Failures + 1);
        switch (outcome)
        {
            case Renewal.Transient(var kind, var reason, var retryAfter):
                var backoff = kind == FailureKind.UnknownAnswer ? Options.UnknownAnswerRetry : Options.Retry;
                var wait = backoff.After(failures, Options.Random, retryAfter);
                // A renewal that waits for the store is sent at the latest when the access token expires.
                var isLate = kind == FailureKind.Store && token?.ExpiresAt < now.Utc + wait;
                var next = isLate ? Deadline.Of(token!.ExpiresAt!.Value, now) : now.In(wait);
                var state = token is null ? State : new TokenState.Active(token, next.At, failures);
                return Failed(kind, reason, state, next).Note((logger, account) => logger.LogWarning(
                    TokenEvents.RenewalFailed, "account {Account}: renewal failed, trying again at {Next:u}: {Reason}", account, next.At, reason));
            case Renewal.InvalidClient(var reason):
                var retry = now.In(Options.InvalidClientRetry);
                state = new TokenState.InvalidClient(token, reason, retry.At);
                return Failed(FailureKind.ClientRefused, reason, state, retry).Note((logger, account) => logger.LogError(
                    TokenEvents.RenewalFailed,
                    "account {Account}: {Reason}; the token is kept, trying again at {Next:u}", account, reason, retry.At));
            case Renewal.InvalidGrant(var rejection):
                var lost = interrupted is { } sent
                    ? $"{rejection}; a renewal sent at {sent:u} was interrupted before its response was saved"
                    : rejection;
                // An access token that the API rejected is worth nothing without a renewal.
                var isWorthless = cause is RenewalCause.Rejected(var access) && access.Equals(token?.AccessToken);
                token = isWorthless ? token! with { AccessToken = null } : token;
                // Without an error code, the token was not sent, and never will be.
                var again = outcome.Error is not null && Options.RejectionRetries is [var first, ..] ? now.In(first) : (Deadline?)null;
                state = new TokenState.Lost(token, lost, now.Utc) { RetryAt = again?.At };
                return (Failed(FailureKind.GrantRejected, lost, state, again) with { Rejections = 1 }).Note((logger, account) => logger.LogError(
                    TokenEvents.RenewalFailed, "account {Account}: the login is lost, log in again: {Reason}", account, lost));
            default:
                throw new InvalidOperationException($"{outcome.GetType().Name} is no failure");
        }
    }

    /// <summary>The token was tried again. One lost login is one alert and one error in the log, however often that fails.</summary>
    private TokenLifecycle StillLost(TokenState.Lost lost, Renewal outcome, Instant now)
    {
        var (kind, reason, retryAfter) = outcome switch
        {
            Renewal.Transient(var failure, var why, var wait) => (failure, why, wait),
            Renewal.InvalidClient(var why) => (FailureKind.ClientRefused, why, null),
            Renewal.InvalidGrant(var why) => (FailureKind.GrantRejected, why, null),
            _ => throw new InvalidOperationException($"{outcome.GetType().Name} is no failure"),
        };
        var waits = Options.RejectionRetries;
        var next = waits.Count == 0 || now.Utc - lost.Since >= Options.LongestRejection ? (Deadline?)null
            : now.In(Backoff.AtLeast(waits[Math.Min(Rejections, waits.Count - 1)], retryAfter));
        var state = lost with { Reason = kind == FailureKind.GrantRejected ? reason : lost.Reason, RetryAt = next?.At };
        return (Failed(kind, reason, state, next) with { Rejections = Rejections + 1 }).Note((logger, account) =>
            logger.LogInformation("account {Account}: the login is still lost: {Reason}", account, reason));
    }

    private TokenLifecycle Failed(FailureKind kind, string reason, TokenState state, Deadline? renewal) =>
        (this with { Failures = Failures + 1, NextRenewal = renewal, Snapshot = Snapshot with { State = state } })
            .WithHistory(h => h with { LastError = reason, Failures = h.Failures.SetItem(kind, h.Failures.GetValueOrDefault(kind) + 1) });

    /// <summary>A user or another process has logged out.</summary>
    public TokenLifecycle Forgotten() => this with
    {
        Stamp = null,
        Spent = null,
        Rejections = 0,
        NextWrite = null,
        NextRenewal = null,
        IgnoresLogout = false,
        Snapshot = Snapshot with { State = new TokenState.Missing(), Login = null, Unpersisted = null },
    };

    /// <summary>A write of the current token again changes neither its state nor its schedule.</summary>
    private TokenLifecycle Use(Token token, Instant now) => IsRewrite ? this : Activate(token, renewed: true, now);

    private TokenLifecycle Activate(Token token, bool renewed, Instant now)
    {
        var next = RenewalSchedule.Next(Options, token, Rules.CanRenew(token), renewed, State.Token, now.Utc);
        var active = this with
        {
            Failures = 0,
            Rejections = 0,
            NextRenewal = next is { } at ? Deadline.Of(at, now) : null,
            Snapshot = Snapshot with { State = new TokenState.Active(token, next ?? DateTimeOffset.MaxValue, 0) },
        };
        if (!renewed || token.AccessProblem is not { } problem)
        {
            return active;
        }
        // Its refresh token is saved, because it may be the only valid one. The next renewal may return an access token that can be used.
        var unusable = new Renewal.Transient(FailureKind.UnknownAnswer, $"the provider issued a token that cannot be used: {problem}");
        return (active with { Failures = Failures }).RenewalFailed(unusable, new RenewalCause.Due(), now);
    }

    /// <summary>
    /// A rejected access token that looks valid here causes one renewal. It causes none if the token was replaced since, was issued just now,
    /// or cannot be renewed at the moment.
    /// </summary>
    private bool IsWorthForcing(Secret rejected, Instant now) =>
        State is TokenState.Active { Held.AccessToken: { } access, FailedRenewals: 0 } && access.Equals(rejected)
        && !(RenewedAt is { } at && now.Since(at) < Options.LeastBetweenForced);

    private TokenLifecycle WithHistory(Func<RenewalHistory, RenewalHistory> change) =>
        this with { Snapshot = Snapshot with { History = change(Snapshot.History) } };

    private TokenLifecycle Note(Notice notice) => this with { Notices = [.. Notices, notice] };
}
