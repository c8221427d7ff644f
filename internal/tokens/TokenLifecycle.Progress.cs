namespace Exporter.Tokens;

/// <summary>
/// The part of a lifecycle that outlives the process if a database row is the state: any process can continue from it. Immutable.
/// </summary>
/// <param name="State">With the token.</param>
/// <param name="Stamp">Identifies the content of the store; null if it holds no token.</param>
/// <param name="NextRenewal">Null when nothing is scheduled.</param>
internal sealed record TokenProgress(TokenState State, string? Stamp, DateTimeOffset? NextRenewal)
{
    /// <summary>The failed renewals since the last success. They determine the back-off.</summary>
    public int Failures { get; init; }

    /// <summary>The renewals since the provider first rejected the refresh token.</summary>
    public int Rejections { get; init; }

    public bool IsLoggedOut { get; init; }

    /// <summary>The last failure as a sentence; null after a renewal succeeds.</summary>
    public string? LastError { get; init; }

    public DateTimeOffset? LastSuccess { get; init; }

    public DateTimeOffset? LastAttempt { get; init; }
}

/// <summary>Stopping in one process and continuing in another.</summary>
internal sealed partial record TokenLifecycle
{
    public TokenProgress Progress => new(State, Stamp, NextRenewal?.At)
    {
        Failures = Failures,
        Rejections = Rejections,
        IsLoggedOut = IsLoggedOut,
        LastError = Snapshot.History.LastError,
        LastSuccess = Snapshot.History.LastSuccess,
        LastAttempt = Snapshot.History.LastAttempt,
    };

    /// <summary>The lifecycle as the process that stopped left it.</summary>
    public TokenLifecycle Resumed(TokenProgress progress, Instant now) => this with
    {
        Snapshot = Snapshot with
        {
            State = progress.State,
            Unreadable = null,
            History = Snapshot.History with
            {
                LastError = progress.LastError,
                LastSuccess = progress.LastSuccess,
                LastAttempt = progress.LastAttempt,
            },
        },
        Stamp = progress.Stamp,
        NextRenewal = progress.NextRenewal is { } at ? Deadline.Of(at, now) : null,
        Failures = progress.Failures,
        Rejections = progress.Rejections,
        IsLoggedOut = progress.IsLoggedOut,
        IsStoreEmpty = progress.Stamp is null,
        IsLoaded = true,
    };

    /// <summary>What a row keeps of a token that a user or another program brings: its state and when to renew it.</summary>
    public TokenProgress Adopted(Token token, Instant now) =>
        Read(new ReadResult.Held(token, ""), now).Loaded(ignoresLogout: true, now).Progress;
}
