using Prometheus;

namespace Exporter.Accounts;

/// <summary>
/// The metrics page, encoded once for each change instead of once for each scrape. A part is current while the readings and states that it is
/// made from are, so nothing must be invalidated. Safe for concurrent use.
/// </summary>
/// <param name="api">Counts the calls to providers.</param>
public sealed class MetricsCache(AccountList accounts, ApiMetrics api, TimeProvider time) : BackgroundService
{
    /// <summary>Scrapes within this time share the live values, because encoding these is the largest cost of a small page.</summary>
    private static readonly TimeSpan LiveFor = TimeSpan.FromMilliseconds(10);

    private readonly Lock rendering = new();
    private readonly LiveMetrics live = new();
    private volatile MetricsSnapshot latest = MetricsSnapshot.None;

    /// <summary>False for accounts whose tokens other processes renew: they have no counts of renewals.</summary>
    public bool CountsRenewals { get; init; } = true;

    /// <summary>The metrics of the process itself. They are collected at most once in <see cref="LiveFor"/>.</summary>
    public CollectorRegistry Process { get; } = Prometheus.Metrics.NewCustomRegistry();

    /// <summary>
    /// The accounts' current readings and states, encoded. During another call's encoding it returns the previous snapshot, so no scrape waits
    /// for a page of thousands of series. Only the first scrape waits.
    /// </summary>
    /// <param name="format">The format to encode in advance.</param>
    public MetricsSnapshot Current(ExpositionFormat format, bool gzip)
    {
        var current = latest;
        return IsCurrent(current) && time.GetElapsedTime(current.UpdatedAt) < LiveFor
            ? current
            : Update(wait: ReferenceEquals(current, MetricsSnapshot.None), (format, gzip));
    }

    /// <summary>Encodes every new reading when it arrives, so that no scrape has to.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            List<Task> changes = [accounts.Changed, .. accounts.Current.Select(a => a.ReadingSource?.Changed).OfType<Task>()];
            var changesAt = Update(wait: true, form: null).ChangesAt;
            await Deadline.Of(changesAt, time).WaitAsync(time, changes, stoppingToken);
        }
    }

    /// <param name="wait">Whether to wait for another call that encodes; otherwise the previous snapshot is returned.</param>
    private MetricsSnapshot Update(bool wait, (ExpositionFormat Format, bool Gzip)? form)
    {
        if (!rendering.TryEnter(wait ? Timeout.InfiniteTimeSpan : TimeSpan.Zero))
        {
            return latest;
        }
        try
        {
            var next = IsCurrent(latest) ? latest : Render(latest);
            next = next with
            {
                Live = live.Set(AccountMetrics.Live(next.Accounts, CountsRenewals, time.GetUtcNow())),
                Process = EncodedMetrics.Of(Process),
                UpdatedAt = time.GetTimestamp(),
            };
            if (form is var (format, gzip))
            {
                next.Prepare(format, gzip);
            }
            else
            {
                next.Live.PrepareAs(latest.Live);
                next.Process.PrepareAs(latest.Process);
            }
            return latest = next;
        }
        finally
        {
            rendering.Exit();
        }
    }

    /// <summary>Runs at every scrape, so it allocates nothing.</summary>
    private bool IsCurrent(MetricsSnapshot snapshot)
    {
        if (snapshot.ChangesAt <= time.GetUtcNow())
        {
            return false;
        }
        var current = accounts.Current;
        if (!ReferenceEquals(snapshot.List, current))
        {
            return false;
        }
        for (var i = 0; i < current.Count; i++)
        {
            if (!ReferenceEquals(snapshot.Accounts[i].Token, current[i].TokenManager.Snapshot)
                || !ReferenceEquals(snapshot.Accounts[i].ReadingStatus, current[i].ReadingSource?.Status))
            {
                return false;
            }
        }
        return true;
    }

    private MetricsSnapshot Render(MetricsSnapshot before)
    {
        var (now, list) = (time.GetUtcNow(), accounts.Current);
        var isSameList = ReferenceEquals(list, before.List);
        var byAccount = isSameList ? null : before.Accounts.ToDictionary(a => a.Account);
        var known = byAccount is null ? before.Accounts.Cast<AccountSnapshot?>() : list.Select(account => byAccount.GetValueOrDefault(account));
        AccountSnapshot[] snapshots = [.. list.Zip(known, (account, earlier) =>
            new AccountSnapshot(account, account.TokenManager.Snapshot, Collect(account, earlier?.Metrics, now)))];
        if (!isSameList)
        {
            // Calls of another source under the same name are no longer calls of this account.
            api.RemoveExcept(list.Where(account => before.Accounts.All(
                a => a.Account.Name != account.Name || a.Account.Source == account.Source)).Select(account => account.Name));
        }
        var state = EncodedMetrics.Of(new FamilyGroup(LabelSet.Empty, AccountMetrics.State(snapshots, CountsRenewals)));
        var calls = EncodedMetrics.Of(api.Registry);
        state.PrepareAs(before.State);
        calls.PrepareAs(before.Calls);
        var next = before with { List = list, Accounts = snapshots, State = state, Calls = calls };
        if (isSameList && snapshots.Select(s => s.Metrics).SequenceEqual(before.Accounts.Select(s => s.Metrics), ReferenceEqualityComparer.Instance))
        {
            return next;
        }
        var groups = snapshots.Where(s => s.Metrics is not null).Select(s => new FamilyGroup(s.Account.SharedLabels, s.Metrics!.Families));
        var readings = EncodedMetrics.Of([.. groups]);
        readings.PrepareAs(before.Readings);
        return next with { ChangesAt = snapshots.Min(s => s.Metrics?.ChangesAt) ?? DateTimeOffset.MaxValue, Readings = readings };
    }

    // An account whose reading is unchanged is not collected again.
    private static ReadingMetrics? Collect(Account account, ReadingMetrics? before, DateTimeOffset now) =>
        account.ReadingSource is not { } source || (before is not null && ReferenceEquals(before.Status, source.Status) && !(before.ChangesAt <= now))
            ? before
            : source.Collect(now);
}

/// <summary>All accounts at one time, as the parts of a page. Immutable, so later changes do not affect a page that is made of it.</summary>
/// <param name="ChangesAt">When <paramref name="Readings"/> become outdated without a new reading.</param>
/// <param name="State">The state of tokens and polling.</param>
/// <param name="Calls">Counts of calls to providers, up to the latest change of a state.</param>
/// <param name="Live">Values that change with time alone, as of <paramref name="UpdatedAt"/>.</param>
/// <param name="Process">Metrics of the process, as of the same time.</param>
/// <param name="UpdatedAt">A timestamp of the time provider.</param>
public sealed record MetricsSnapshot(
    IReadOnlyList<AccountSnapshot> Accounts, DateTimeOffset ChangesAt,
    EncodedMetrics Readings, EncodedMetrics State, EncodedMetrics Calls, EncodedMetrics Live, EncodedMetrics Process, long UpdatedAt)
{
    /// <summary>The list of the accounts, to recognize another one.</summary>
    internal IReadOnlyList<Account>? List { get; init; }

    internal static MetricsSnapshot None { get; } = new([], DateTimeOffset.MinValue, EncodedMetrics.Empty, EncodedMetrics.Empty,
        EncodedMetrics.Empty, EncodedMetrics.Empty, EncodedMetrics.Empty, UpdatedAt: 0);

    internal void Prepare(ExpositionFormat format, bool gzip) =>
        Array.ForEach([State, Calls, Readings, Live, Process], part => part.Prepare(format, gzip));

    public MetricsPage Page(ExpositionFormat format, bool gzip) => new(format, gzip, State, Calls, Readings, Live, Process);
}
