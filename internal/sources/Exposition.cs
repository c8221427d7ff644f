using Exporter.Metrics;

namespace Exporter.Sources;

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
    private volatile Page page = Page.First;

    public Exposition(IReadOnlyList<Account> accounts, TimeProvider time)
    {
        // By name: what they have to show is then in the order of a page, for the account is a series' first label.
        (this.accounts, this.time) = ([.. accounts.OrderBy(a => a.Name, StringComparer.Ordinal)], time);
        Live = [.. AccountMetrics.Live(accounts, time)];
    }

    /// <summary>Families whose values are read at the moment of the scrape.</summary>
    public LiveFamily[] Live { get; }

    /// <summary>
    /// The readings and the state of the accounts now, encoded. Who asks while another encodes them is given what there was the moment
    /// before: a scrape does not wait for a page of thousands of series.
    /// </summary>
    public (Rendered Readings, Rendered State) Current()
    {
        var current = page;
        if (IsCurrent(current) || !Enter(wait: ReferenceEquals(current, Page.First)))
        {
            return (current.Readings, current.State);
        }
        try
        {
            current = page = IsCurrent(page) ? page : Render(page);
            return (current.Readings, current.State);
        }
        finally
        {
            rendering.Exit();
        }

        bool Enter(bool wait)
        {
            if (wait)
            {
                rendering.Enter();
                return true;
            }
            return rendering.TryEnter();
        }
    }

    /// <summary>Encodes every new reading as soon as it is there, so that no scrape has to.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            var changes = accounts.Select(a => a.Feed?.Changed).OfType<Task>().ToList();
            _ = Current();
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var wait = page.ChangesAt is { } at && at - time.GetUtcNow() is var left && left < Step ? left : Step;
            await Task.WhenAny([.. changes, Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, time, enough.Token)]);
            await enough.CancelAsync();
        }
    }

    private bool IsCurrent(Page candidate)
    {
        if (candidate.ChangesAt <= time.GetUtcNow())
        {
            return false;
        }
        for (var i = 0; i < accounts.Count; i++)
        {
            if (!ReferenceEquals(candidate.Tokens[i], accounts[i].Keeper.Snapshot) || !ReferenceEquals(candidate.Feeds[i], accounts[i].Feed?.Status))
            {
                return false;
            }
        }
        return true;
    }

    private Page Render(Page before)
    {
        var now = time.GetUtcNow();
        object?[] tokens = [.. accounts.Select(a => a.Keeper.Snapshot)];
        object?[] feeds = [.. accounts.Select(a => a.Feed?.Status)];
        var state = new Rendered(AccountMetrics.State(accounts));
        if (before.ChangesAt > now && feeds.AsSpan().SequenceEqual(before.Feeds))
        {
            return before with { Tokens = tokens, State = state };
        }
        var exposed = new Exposed[accounts.Count];
        for (var i = 0; i < exposed.Length; i++)
        {
            // One account's new reading is no work for the others.
            exposed[i] = i < before.Exposed.Length && ReferenceEquals(feeds[i], before.Feeds[i]) && !(before.Exposed[i].ChangesAt <= now) ? before.Exposed[i] : Expose(accounts[i], now);
        }
        var readings = new Rendered(MetricFamily.Merge(exposed.Select(e => e.Families)));
        readings.PrepareAs(before.Readings);
        return new Page(tokens, feeds, exposed, exposed.Min(e => e.ChangesAt) ?? DateTimeOffset.MaxValue, readings, state);
    }

    private static Exposed Expose(Account account, DateTimeOffset now)
    {
        var exposed = account.Feed?.Expose(now) ?? Exposed.Nothing;
        return account.Labelled ? exposed with { Families = [.. exposed.Families.Select(f => f.With("account", account.Name))] } : exposed;
    }

    /// <param name="Exposed">What each account has to show, with its name where that is a label.</param>
    private sealed record Page(object?[] Tokens, object?[] Feeds, Exposed[] Exposed, DateTimeOffset ChangesAt, Rendered Readings, Rendered State)
    {
        public static Page First { get; } = new([], [], [], DateTimeOffset.MinValue, Rendered.Empty, Rendered.Empty);
    }
}
