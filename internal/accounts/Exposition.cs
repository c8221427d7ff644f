using Exporter.Metrics;

namespace Exporter.Accounts;

/// <summary>
/// What all accounts have to show, encoded once per change and not once per scrape. What it keeps is recognised as current by
/// the very readings and states it was made from, so nobody has to remember to clear it. Safe for concurrent use.
/// </summary>
public sealed class Exposition
{
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    private readonly IReadOnlyList<Account> accounts;
    private readonly TimeProvider time;
    private readonly Lock rendering = new();
    private volatile ExpositionSnapshot latest = ExpositionSnapshot.None;

    public Exposition(IReadOnlyList<Account> accounts, TimeProvider time)
    {
        // By name: what they have to show is then in the order of a page, for the account is a series' first label.
        (this.accounts, this.time) = ([.. accounts.OrderBy(a => a.Name, StringComparer.Ordinal)], time);
    }

    /// <summary>
    /// The readings and the state of the accounts now, encoded. Who asks while another encodes them is given the moment before,
    /// whole: nobody waits for a page of thousands of series that another makes, but for the first of all.
    /// </summary>
    public ExpositionSnapshot Current()
    {
        var current = latest;
        return IsCurrent(current) ? current : Renew(wait: ReferenceEquals(current, ExpositionSnapshot.None));
    }

    /// <summary>Encodes every new reading as soon as it is there, so that no scrape has to.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            var changes = accounts.Select(a => a.Feed?.Changed).OfType<Task>().ToList();
            var left = Renew(wait: true).ChangesAt - time.GetUtcNow();
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            await Task.WhenAny([.. changes, Task.Delay(left < TimeSpan.Zero ? TimeSpan.Zero : left < Step ? left : Step, time, enough.Token)]);
            await enough.CancelAsync();
        }
    }

    /// <param name="wait">Whether to wait for another that encodes; else what there was before is given back.</param>
    private ExpositionSnapshot Renew(bool wait)
    {
        if (wait)
        {
            rendering.Enter();
        }
        else if (!rendering.TryEnter())
        {
            return latest;
        }
        try
        {
            return latest = IsCurrent(latest) ? latest : Render(latest);
        }
        finally
        {
            rendering.Exit();
        }
    }

    private bool IsCurrent(ExpositionSnapshot moment)
    {
        if (moment.ChangesAt <= time.GetUtcNow())
        {
            return false;
        }
        for (var i = 0; i < accounts.Count; i++)
        {
            if (!ReferenceEquals(moment.Accounts[i].Token, accounts[i].Keeper.Snapshot) || !ReferenceEquals(moment.Accounts[i].Feed, accounts[i].Feed?.Status))
            {
                return false;
            }
        }
        return true;
    }

    private ExpositionSnapshot Render(ExpositionSnapshot before)
    {
        var now = time.GetUtcNow();
        AccountSnapshot[] snapshots = [.. accounts.Select((account, i) => new AccountSnapshot(account, account.Keeper.Snapshot, Expose(account, before.Accounts.ElementAtOrDefault(i)?.Shown, now)))];
        var state = new Rendered(AccountMetrics.State(snapshots));
        state.PrepareAs(before.State);
        LiveFamily[] live = [.. AccountMetrics.Live(snapshots, time)];
        if (snapshots.Select(m => m.Shown).SequenceEqual(before.Accounts.Select(m => m.Shown), ReferenceEqualityComparer.Instance))
        {
            return before with { Accounts = snapshots, State = state, Live = live };
        }
        var readings = new Rendered(MetricFamily.Merge(snapshots.Select(m => m.Shown?.Families ?? [])));
        readings.PrepareAs(before.Readings);
        return new ExpositionSnapshot(snapshots, snapshots.Min(m => m.Shown?.ChangesAt) ?? DateTimeOffset.MaxValue, readings, state, live);
    }

    // One account's new reading is no work for the others.
    private static Exposed? Expose(Account account, Exposed? before, DateTimeOffset now)
    {
        if (account.Feed is not { } feed || (before is not null && ReferenceEquals(before.Status, feed.Status) && !(before.ChangesAt <= now)))
        {
            return before;
        }
        var exposed = feed.Expose(now);
        return account.Labelled ? exposed with { Families = [.. exposed.Families.Select(f => f.With("account", account.Name))] } : exposed;
    }
}

/// <summary>
/// All accounts at one moment, as the parts of a page. Immutable: a page that was begun with it says one thing, whatever happens meanwhile.
/// </summary>
/// <param name="ChangesAt">When time alone makes it another.</param>
/// <param name="Live">Of the same moment, but for the clock and counters that are read when they are written.</param>
public sealed record ExpositionSnapshot(IReadOnlyList<AccountSnapshot> Accounts, DateTimeOffset ChangesAt, Rendered Readings, Rendered State, IReadOnlyList<LiveFamily> Live)
{
    internal static ExpositionSnapshot None { get; } = new([], DateTimeOffset.MinValue, Rendered.Empty, Rendered.Empty, []);
}
