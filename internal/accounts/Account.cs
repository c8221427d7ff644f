namespace Exporter.Accounts;

/// <summary>One configured login at a source, opened. <see cref="RunAsync"/> takes its readings.</summary>
public sealed class Account(string name, string source, bool hasAccountLabel, TokenManager manager, IReadingSource? readingSource) : IDisposable
{
    /// <summary>Never disposed, so that a late caller finds a closed account.</summary>
    private readonly CancellationTokenSource leaving = new();

    public string Name => name;

    /// <summary>Differs from the ID of every other account, also of one that replaces this account under the same name.</summary>
    public Guid Id { get; } = Guid.NewGuid();

    /// <summary>Requested when a reload removes or replaces the account. A login that is in progress then ends without a token.</summary>
    public CancellationToken Leaving => leaving.Token;

    public string Source => source;

    /// <summary>The provider's name in sentences and on buttons.</summary>
    public string Provider { get => field ?? source; init; }

    /// <summary>Whether the account's series have the label <c>account</c>: they do if the configuration names accounts.</summary>
    public bool HasAccountLabel => hasAccountLabel;

    public LabelSet SharedLabels { get; } = hasAccountLabel ? LabelSet.Of(("account", name)) : LabelSet.Empty;

    public TokenManager TokenManager => manager;

    /// <summary>The managers of tokens that the account's own token is obtained with. The account owns them.</summary>
    public IReadOnlyList<TokenManager> Upstream { get; init; } = [];

    /// <summary>All token managers, each after those that it depends on.</summary>
    public IEnumerable<TokenManager> TokenManagers => [.. Upstream, manager];

    /// <summary>The grants that are tried in order, at a time; empty for an account with one grant.</summary>
    public Func<DateTimeOffset, IReadOnlyList<TokenLevel>> Levels { get; init; } = _ => [];

    /// <summary>Null for an account that only keeps a token.</summary>
    public IReadingSource? ReadingSource => readingSource;

    /// <summary>
    /// Whose token the account has, as a text that reveals no secret. An account that replaces this one takes over a token that is only in
    /// memory if both texts are equal. Null if it must not.
    /// </summary>
    public string? TokenOwner { get; init; }

    /// <summary>Why a shared store cannot keep the account, as a clause; null if it can.</summary>
    public string? SharingProblem { get; init; }

    public LoginMethod Login { get; init; } = new LoginMethod.Unattended();

    /// <summary>Adopts the token of a finished login; by default it becomes the account's own token.</summary>
    public Func<Token, CancellationToken, Task> AdoptAsync { get; init; } = manager.AdoptAsync;

    /// <summary>Whose login the account has, and whose login a new token is.</summary>
    public Func<Token, CancellationToken, Task<Persons>> FindPersonsAsync { get; init; } =
        (token, _) => Task.FromResult(Persons.Of(manager.Snapshot.State.Token, token));

    /// <summary>The token that a user can paste instead of logging in.</summary>
    public PastedToken Paste { get; init; } = new("refresh token", manager.TryAsync);

    /// <summary>Logs out at the provider only, and returns the error or null. Null for providers without logout.</summary>
    public Func<Token, CancellationToken, Task<string?>>? Revoke { get; init; }

    /// <summary>The source's series that change with time alone.</summary>
    public IReadOnlyList<LiveValue> Live { get; init; } = [];

    /// <summary>The latest reading as JSON, for <c>/debug/data</c>; null before the first reading.</summary>
    public Func<byte[]?> DebugData { get; init; } = () => null;

    /// <summary>The implementations of the source's commands. Each returns an exit code.</summary>
    public IReadOnlyDictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>> Commands { get; init; } =
        new Dictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>>();

    /// <summary>Loads all tokens for the first time.</summary>
    /// <param name="isProgramStart">Whether a user started the program: an earlier logout then no longer prevents an unattended login.</param>
    public async Task LoadAsync(bool isProgramStart, CancellationToken cancellationToken)
    {
        foreach (var one in TokenManagers)
        {
            await one.LoadAsync(isProgramStart, cancellationToken);
        }
    }

    /// <summary>Takes readings, and renews the account's token when a token upstream replaces a lost one.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(
        [readingSource?.RunAsync(cancellationToken) ?? Task.CompletedTask, .. Upstream.Select(one => FollowAsync(one, cancellationToken))]);

    /// <summary>Closes every token manager, even if another one fails. Returns why tokens are lost with the process, or null.</summary>
    public Task<string?> CloseAsync(CancellationToken cancellationToken) => CloseAsync(isReplaced: false, cancellationToken);

    /// <summary>Closes the account because a reload removes or replaces it: ends its logins, and rejects later changes of its token.</summary>
    /// <returns>Why tokens are lost unless another account takes them over (<see cref="TakeOverAsync"/>); null if all are saved.</returns>
    public async Task<string?> LeaveAsync(CancellationToken cancellationToken)
    {
        await leaving.CancelAsync();
        return await CloseAsync(isReplaced: true, cancellationToken);
    }

    /// <summary>Takes over the tokens that a closed account has only in memory, if they belong to this account too.</summary>
    /// <returns>Whether nothing is left that only the other account has.</returns>
    public async Task<bool> TakeOverAsync(Account before, CancellationToken cancellationToken)
    {
        var isSameOwner = TokenOwner is not null && TokenOwner == before.TokenOwner;
        foreach (var (own, other) in TokenManagers.Zip(before.TokenManagers))
        {
            var isUnsaved = other.Snapshot.Unpersisted is not null && own.StoreLocation == other.StoreLocation;
            var isInMemory = isSameOwner && (own.StoreLocation, other.StoreLocation) == (MemoryStore.Name, MemoryStore.Name);
            if ((isUnsaved || isInMemory) && other.Snapshot.State is TokenState.Active or TokenState.InvalidClient)
            {
                await own.AdoptAsync(other.Snapshot.State.Token!, cancellationToken);
            }
        }
        return before.TokenManagers.All(
            other => other.Snapshot.Unpersisted is null || TokenManagers.Any(own => own.StoreLocation == other.StoreLocation));
    }

    private async Task<string?> CloseAsync(bool isReplaced, CancellationToken cancellationToken)
    {
        var reasons = (await Task.WhenAll(TokenManagers.Select(one => one.CloseAsync(isReplaced, cancellationToken)))).OfType<string>().ToList();
        return reasons.Count > 0 ? string.Join("; ", reasons) : null;
    }

    /// <summary>Closes the account when the program shuts down. A lost token is an error in the log.</summary>
    /// <returns>Whether every token is saved.</returns>
    public async Task<bool> ShutDownAsync(ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            // On another thread, so that a file system that hangs blocks this account only.
            if (await Task.Run(() => CloseAsync(cancellationToken), CancellationToken.None).WaitAsync(cancellationToken) is { } reason)
            {
                logger.LogError("account {Account}: the token could not be saved and is lost with this process: {Reason}", Name, reason);
                return false;
            }
            return true;
        }
        catch (OperationCanceledException)
        {
            logger.LogError("account {Account}: a renewal did not finish in time; if the provider has renewed the token, log in again", Name);
            return false;
        }
    }

    public void Dispose()
    {
        foreach (var one in TokenManagers)
        {
            one.Dispose();
        }
    }

    /// <summary>Renews the account's token when a new token arrives upstream: it may be the one that a renewal needs.</summary>
    private async Task FollowAsync(TokenManager upstream, CancellationToken cancellationToken)
    {
        var seen = upstream.Snapshot.State.Token?.AccessToken;
        var tried = seen;
        try
        {
            while (true)
            {
                // Watch the account's own manager too: a token that arrives upstream during a renewal is too late for it.
                Task[] changed = [upstream.Changed, manager.Changed];
                var access = upstream.Snapshot.State.Token?.AccessToken;
                // After a logout, only a token that arrives later counts.
                var known = manager.Snapshot.State is TokenState.Missing ? seen : tried;
                seen = access;
                if (access is not null && !access.Equals(known) && manager.Snapshot.State is not TokenState.Active)
                {
                    tried = access;
                    var before = manager.Snapshot.History;
                    if (ReferenceEquals((await manager.RenewAsync(null, cancellationToken)).History, before))
                    {
                        // It joined a renewal that had failed already and sent no request.
                        await manager.RenewAsync(null, cancellationToken);
                    }
                }
                await Task.WhenAny(changed).WaitAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }
}

/// <param name="Noun">Its name in sentences: "refresh token".</param>
/// <param name="TryAsync">Tries it at the provider, and replaces the account's token only if it works and the function accepts the new token.</param>
public sealed record PastedToken(string Noun, Func<Secret, Func<Token, Task<bool>>, CancellationToken, Task<Renewal>> TryAsync)
{
    /// <summary>The noun as a heading.</summary>
    public string Title => char.ToUpperInvariant(Noun[0]) + Noun[1..];
}

/// <summary>An account at one time, so that all values of a page belong together. Tokens upstream are not part of it.</summary>
/// <param name="Metrics">Null if the account has no reading source.</param>
public sealed record AccountSnapshot(Account Account, TokenSnapshot Token, ReadingMetrics? Metrics)
{
    public ReadingStatus? ReadingStatus => Metrics?.Status;
}

/// <summary>A series that changes with time alone. It is omitted while its value is null.</summary>
/// <param name="Read">Returns the current value without waiting.</param>
public sealed record LiveValue(string Name, string Help, MetricKind Kind, Func<AccountSnapshot, double?> Read)
{
    /// <summary>Whether only the process that reads the account has the value.</summary>
    public bool IsOfProcess { get; init; }
}
