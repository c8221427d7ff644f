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
    private volatile Page page = new([], [], DateTimeOffset.MinValue, Rendered.Empty, Rendered.Empty);

    public Exposition(IReadOnlyList<Account> accounts, TimeProvider time)
    {
        (this.accounts, this.time) = (accounts, time);
        Live = [.. AccountMetrics.Live(accounts, time)];
    }

    /// <summary>Families whose values are read at the moment of the scrape.</summary>
    public LiveFamily[] Live { get; }

    /// <summary>The readings and the state of the accounts now, encoded.</summary>
    public (Rendered Readings, Rendered State) Current()
    {
        var current = page;
        if (!IsCurrent(current))
        {
            lock (rendering)
            {
                current = page = IsCurrent(page) ? page : Render(page);
            }
        }
        return (current.Readings, current.State);
    }

    /// <summary>Encodes every new reading as soon as it is there, so that no scrape has to.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var last = Rendered.Empty;
        while (!cancellation.IsCancellationRequested)
        {
            var changes = accounts.Select(a => a.Feed?.Changed).OfType<Task>().ToList();
            var (readings, _) = Current();
            if (!ReferenceEquals(readings, last))
            {
                readings.PrepareAs(last);
                last = readings;
            }
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
        var exposed = accounts.Select(a => new { Account = a, Page = a.Feed?.Expose(now) ?? Exposed.Nothing }).ToList();
        var readings = new Rendered(MetricFamily.Merge(exposed.Select(e => e.Account.Labelled ? e.Page.Families.Select(f => f.With("account", e.Account.Name)) : e.Page.Families)));
        return new Page(tokens, feeds, exposed.Min(e => e.Page.ChangesAt) ?? DateTimeOffset.MaxValue, readings, state);
    }

    private sealed record Page(object?[] Tokens, object?[] Feeds, DateTimeOffset ChangesAt, Rendered Readings, Rendered State);
}
