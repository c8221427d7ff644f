using Microsoft.Extensions.Logging;

namespace Exporter.Tokens;

/// <summary>The events of the store: the result of a read, and the result of a write.</summary>
internal sealed partial record TokenLifecycle
{
    public TokenLifecycle Read(ReadResult found, Instant now)
    {
        var unreadable = (found as ReadResult.Unreadable)?.Reason;
        var read = this with
        {
            Snapshot = Snapshot.Unreadable == unreadable ? Snapshot : Snapshot with { Unreadable = unreadable },
            // Accounts that start together spread out.
            NextRead = now.In(Options.ReadEvery * (1 - (Options.Random.NextDouble() / 2))),
            IsStoreEmpty = found is ReadResult.Empty or ReadResult.Damaged,
            IsLoggedOut = found is ReadResult.LoggedOut && !IgnoresLogout,
            WasChangedByOthers = false,
        };
        switch (found)
        {
            case ReadResult.Held held when held.Stamp == Stamp:
                return read.ReportRead(LogLevel.Warning, held.Warning);
            case ReadResult.Held held when State.Token is { } newer && IsPredecessor(held.Token, newer):
                // The next visit writes it under the lock, because another process may be writing now.
                read = read with { Stamp = held.Stamp, IsStoreEmpty = true, NextWrite = now.In(TimeSpan.Zero) };
                return read.Note((logger, account) => logger.LogWarning(
                    "account {Account}: {Location} contains a spent refresh token; the newer token is written again", account, Rules.Location));
            case ReadResult.Held held:
                return read.Adopt(held, now);
            case ReadResult.LoggedOut when read.IsLoggedOut && (State is TokenState.Missing ? NextRenewal is not null : Stamp is not null):
                read = read.Forgotten() with { WasChangedByOthers = true };
                return read.Note((logger, account) => logger.LogInformation("account {Account}: logged out by another process", account));
            case ReadResult.Damaged(var reason, null):
                return read.ReportRead(LogLevel.Error, $"{Rules.Location} is not a token file: {reason}");
            case ReadResult.Damaged(var reason, { } aside):
                var moved = $"it was moved to {aside}; log in again, or put a good file there";
                return read.ReportRead(LogLevel.Error, $"{Rules.Location} is not a token file: {reason}; {moved}");
            case ReadResult.Unreadable(var reason):
                return read.ReportRead(LogLevel.Error, $"{Rules.Location} cannot be read: {reason}");
            default:
                return read.ReportRead(LogLevel.Error, null);
        }
    }

    /// <summary>The store cannot be locked. Logged once, until it changes; null when it can.</summary>
    public TokenLifecycle Locked(string? unavailable)
    {
        var problem = unavailable is null
            ? null
            : $"{Rules.Location} cannot be locked, so a renewal by another process would go unnoticed: {unavailable}";
        return Report(this with { LockProblem = problem }, LogLevel.Warning, LockProblem, problem);
    }

    /// <summary>Schedules another write of the current token.</summary>
    public TokenLifecycle WritesAgain() => this with { Unsaved = State.Token, IsRewrite = true };

    /// <summary>A write has finished. The token is now in use, even if it could not be saved.</summary>
    public TokenLifecycle Written(Token token, WriteResult result, Instant now)
    {
        var written = (this with { Unsaved = null }).WithHistory(h => h with { Writes = h.Writes + 1 });
        switch (result)
        {
            case WriteResult.Written(var stamp, var warning):
                written = written with { Stamp = stamp, IgnoresLogout = false, WriteProblem = warning };
                written = Report(written, LogLevel.Warning, WriteProblem, warning);
                written = Snapshot.Unpersisted is null ? written : written.Note((logger, account) =>
                    logger.LogInformation("account {Account}: the token is saved in {Location} again", account, Rules.Location));
                return written.Persisted().Use(token, now);
            case WriteResult.Conflict(var edited) when IsPredecessor(edited.Token, token):
                // Another process edited the file around the refresh token that is now spent: nothing in it is worth keeping.
                return written with { Stamp = edited.Stamp, Unsaved = token };
            case WriteResult.Conflict(var theirs):
                return written.Note((logger, account) => logger.LogWarning(
                    "account {Account}: another process changed {Location} during a renewal; its token is used", account, Rules.Location))
                    .Adopt(theirs, now);
            case WriteResult.LoggedOut:
                return written.Forgotten().Note((logger, account) => logger.LogInformation(
                    "account {Account}: another process logged out during a renewal; the new token is dropped", account));
            case WriteResult.Failed(var reason):
                return written.NotPersisted(reason, now).Use(token, now);
            default:
                throw new InvalidOperationException("a write has no other outcome");
        }
    }

    /// <summary>Takes over what another process, or an earlier run of this one, wrote.</summary>
    private TokenLifecycle Adopt(ReadResult.Held held, Instant now)
    {
        var isFirst = Stamp is null && State is TokenState.Missing;
        var adopted = (this with { Stamp = held.Stamp, WasChangedByOthers = true }).ReportRead(LogLevel.Warning, held.Warning);
        foreach (var warning in held.Token.Warnings(Rules.CanRenew(held.Token)))
        {
            adopted = adopted.Note((logger, account) =>
                logger.LogWarning("account {Account}: {Location}: {Warning}", account, Rules.Location, warning));
        }
        adopted = isFirst
            ? adopted.Note((logger, account) => logger.LogInformation("account {Account}: loaded token from {Location}", account, Rules.Location))
            : adopted.WithHistory(h => h with { Adoptions = h.Adoptions + 1 }).Note((logger, account) => logger.LogInformation(
                "account {Account}: another process changed {Location}; its token is used", account, Rules.Location));
        return adopted.Persisted().Activate(held.Token, renewed: false, now);
    }

    private TokenLifecycle Persisted() => this with { NextWrite = null, Snapshot = Snapshot with { Unpersisted = null } };

    private TokenLifecycle NotPersisted(string reason, Instant now)
    {
        var (before, writes) = (Snapshot.Unpersisted, (Snapshot.Unpersisted?.FailedWrites ?? 0) + 1);
        var again = now.In(Options.WriteRetry.After(writes, Options.Random));
        var unpersisted = new Unpersisted(reason, before?.Since ?? now.Utc, writes, again.At);
        var failed = (this with { NextWrite = again, Snapshot = Snapshot with { Unpersisted = unpersisted } })
            .WithHistory(h => h with { FailedWrites = h.FailedWrites + 1 });
        return before?.Reason == reason ? failed : failed.Note((logger, account) => logger.LogError(
            "account {Account}: the new token cannot be saved in {Location} and is in memory only: {Reason}", account, Rules.Location, reason));
    }

    private bool IsPredecessor(Token held, Token newer) =>
        Spent is not null && Spent.Equals(held.RefreshToken) && !Spent.Equals(newer.RefreshToken);

    private TokenLifecycle ReportRead(LogLevel level, string? problem) => Report(this with { ReadProblem = problem }, level, ReadProblem, problem);

    /// <summary>Logs a problem once, until it changes.</summary>
    private static TokenLifecycle Report(TokenLifecycle state, LogLevel level, string? before, string? problem)
    {
        if (problem is null || problem == before)
        {
            return state;
        }
        var noted = state.Note((logger, account) => logger.Log(level, "account {Account}: {Problem}", account, problem));
        return level == LogLevel.Error ? noted.WithHistory(h => h with { LastError = problem }) : noted;
    }
}
