using System.Collections.Frozen;
using Exporter.Metrics;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Accounts;

/// <summary>One configured login at a source, opened: its token is kept and its readings are taken while <see cref="RunAsync"/> runs.</summary>
public sealed class Account(string name, string source, bool labelled, TokenManager manager, IFeed? feed) : IDisposable
{
    public string Name => name;

    /// <summary>The source's name, as in the configuration.</summary>
    public string Source => source;

    /// <summary>Whether the account's name is a label of its series: it is when accounts are named in the configuration.</summary>
    public bool Labelled => labelled;

    /// <summary>The labels that all of its series have.</summary>
    public LabelSet SharedLabels { get; } = labelled ? LabelSet.Of(("account", name)) : LabelSet.Empty;

    public TokenManager TokenManager => manager;

    /// <summary>TokenManagers of the tokens that this account's own is had with, where it is; the account looks after them too.</summary>
    public IReadOnlyList<TokenManager> Upstream { get; init; } = [];

    /// <summary>All token managers, each after those that it draws on.</summary>
    public IEnumerable<TokenManager> TokenManagers => [.. Upstream, manager];

    /// <summary>The ways to a token that are tried one after another, at this moment; empty where there is one way.</summary>
    public Func<DateTimeOffset, IReadOnlyList<TokenLevel>> Levels { get; init; } = _ => [];

    /// <summary>Null for an account that is a token and nothing else.</summary>
    public IFeed? Feed => feed;

    /// <summary>How a person logs in to it.</summary>
    public LoginMethod Login { get; init; } = new LoginMethod.Unattended();

    /// <summary>Takes over what a person logged in for; by default it is the account's own token.</summary>
    public Func<Token, CancellationToken, Task> AdoptAsync { get; init; } = manager.AdoptAsync;

    /// <summary>What a person may bring instead of logging in.</summary>
    public PastedToken Paste { get; init; } = new("refresh token", manager.TryAsync);

    /// <summary>Ends the login at the provider, and says why it could not; null where the provider does not offer that. Leaves the token manager alone.</summary>
    public Func<Token, CancellationToken, Task<string?>>? Revoke { get; init; }

    /// <summary>The slice's own series that time alone changes.</summary>
    public IReadOnlyList<LiveValue> Live { get; init; } = [];

    /// <summary>The signs of units that are no base unit of Prometheus, by the last word of a metric's name: <c>ppm</c>.</summary>
    public IReadOnlyDictionary<string, string> Units { get; init; } = FrozenDictionary<string, string>.Empty;

    /// <summary>What <c>/debug/data</c> shows: the latest reading as JSON, from memory; null before there is one.</summary>
    public Func<byte[]?> DebugData { get; init; } = () => null;

    /// <summary>What its source's commands do with it; an exit code comes back.</summary>
    public IReadOnlyDictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>> Commands { get; init; } =
        new Dictionary<SourceCommand, Func<CommandCall, CancellationToken, Task<int>>>();

    /// <summary>Reads all stores for the first time.</summary>
    /// <param name="ignoresLogout">See <see cref="TokenManager.LoadAsync(bool, CancellationToken)"/>.</param>
    public async Task LoadAsync(bool ignoresLogout, CancellationToken cancellationToken)
    {
        foreach (var one in TokenManagers)
        {
            await one.LoadAsync(ignoresLogout, cancellationToken);
        }
    }

    /// <summary>Takes the account's readings, and notices what comes to be upstream it.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll([feed?.RunAsync(cancellationToken) ?? Task.CompletedTask, .. Upstream.Select(one => SucceedAsync(one, cancellationToken))]);

    /// <summary>The end of the process: why a token is lost with it, or null. Each token manager's end is tried, whatever becomes of another's.</summary>
    public async Task<string?> CloseAsync(CancellationToken cancellationToken)
    {
        var reasons = await Task.WhenAll(TokenManagers.Select(one => one.CloseAsync(cancellationToken)));
        return reasons.OfType<string>().ToList() is { Count: > 0 } lost ? string.Join("; ", lost) : null;
    }

    /// <summary><see cref="CloseAsync"/> for a program that ends: a token that is lost is an error in the log.</summary>
    /// <returns>Whether nothing was lost.</returns>
    public async Task<bool> EndAsync(ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            // On another thread, so that a file system that hangs costs this account alone.
            if (await Task.Run(() => CloseAsync(cancellationToken), CancellationToken.None).WaitAsync(cancellationToken) is { } reason)
            {
                logger.LogError("account {Account}: the token could not be saved and is lost with this process: {Reason}", Name, reason);
                return false;
            }
            return true;
        }
        catch (OperationCanceledException)
        {
            logger.LogError("account {Account}: a renewal did not come back in time; if the provider has renewed the token, somebody has to log in again", Name);
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

    /// <summary>A token that a person put upstream ours may be the one that ours was waiting for.</summary>
    private async Task SucceedAsync(TokenManager upstream, CancellationToken cancellationToken)
    {
        var seen = upstream.Snapshot.State.Token?.AccessToken;
        var tried = seen;
        try
        {
            while (true)
            {
                // Ours too: what came while ours was being renewed came too late for it, and only afterwards ours is lost.
                Task[] changed = [upstream.Changed, manager.Changed];
                var access = upstream.Snapshot.State.Token?.AccessToken;
                // Somebody who logged out waits for nothing but what comes next.
                var known = manager.Snapshot.State is TokenState.Missing ? seen : tried;
                seen = access;
                if (access is not null && !access.Equals(known) && manager.Snapshot.State is not TokenState.Active)
                {
                    tried = access;
                    var before = manager.Snapshot.History;
                    if (ReferenceEquals((await manager.RenewAsync(null, cancellationToken)).History, before))
                    {
                        // Joined the renewal that has just failed, as it ended: nothing was asked.
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

/// <summary>A token that a person brings.</summary>
/// <param name="Noun">What it is called: "refresh token".</param>
/// <param name="TryAsync">Tries it at the provider; only a good one takes the place of what there was.</param>
public sealed record PastedToken(string Noun, Func<Secret, CancellationToken, Task<Renewal>> TryAsync)
{
    /// <summary>The same as a heading.</summary>
    public string Title => char.ToUpperInvariant(Noun[0]) + Noun[1..];
}

/// <summary>An account at one moment: a page's readings, token states and live values of it are of the same one. What lies upstream its token is asked for itself.</summary>
/// <param name="Shown">Null where the account has no feed.</param>
public sealed record AccountSnapshot(Account Account, TokenSnapshot Token, Exposed? Shown)
{
    public FeedStatus? Feed => Shown?.Status;
}

/// <summary>A series that time alone changes; it is left out while its value is null.</summary>
/// <param name="Read">Returns the value at this moment, without waiting.</param>
public sealed record LiveValue(string Name, string Help, MetricKind Kind, Func<AccountSnapshot, double?> Read);
