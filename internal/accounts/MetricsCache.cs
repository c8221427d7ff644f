using Exporter.Metrics;
using Prometheus;

namespace Exporter.Accounts;

/// <summary>
/// The metrics page's parts, encoded once per change and not once per scrape. A part is current while the readings and states that it
/// was made from are, so nothing has to be cleared. Safe for concurrent use.
/// </summary>
/// <param name="api">Where calls to providers are counted.</param>
public sealed class MetricsCache(IReadOnlyList<Account> accounts, ApiMetrics api, TimeProvider time)
{
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(1);

    /// <summary>Scrapes within this time share the values that time alone changes: encoding them costs more than all else of a small page.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    private readonly Lock rendering = new();
    private readonly LiveMetrics live = new();
    private volatile MetricsSnapshot latest = MetricsSnapshot.None;

    /// <summary>What the process counts of itself. It is collected at most once a <see cref="Look"/>.</summary>
    public CollectorRegistry Process { get; } = Prometheus.Metrics.NewCustomRegistry();

    /// <summary>
    /// The accounts' readings and states now, encoded. A call during another's encoding returns the snapshot before it, so a scrape never
    /// waits for a page of thousands of series that another makes. Only the very first one waits.
    /// </summary>
    /// <param name="format">The form that is encoded beforehand.</param>
    public MetricsSnapshot Current(ExpositionFormat format, bool gzip)
    {
        var current = latest;
        return IsCurrent(current) && time.GetElapsedTime(current.LookedAt) < Look ? current : Renew(ReferenceEquals(current, MetricsSnapshot.None), (format, gzip));
    }

    /// <summary>Encodes every new reading as soon as it is there, so that no scrape has to.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var changes = accounts.Select(a => a.Feed?.Changed).OfType<Task>().ToList();
            var left = Renew(wait: true, form: null).ChangesAt - time.GetUtcNow();
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny([.. changes, Task.Delay(left < TimeSpan.Zero ? TimeSpan.Zero : left < Step ? left : Step, time, enough.Token)]);
            await enough.CancelAsync();
        }
    }

    /// <param name="wait">Whether to wait for another call that encodes; else the earlier snapshot is returned.</param>
    private MetricsSnapshot Renew(bool wait, (ExpositionFormat Format, bool Gzip)? form)
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
            var next = IsCurrent(latest) ? latest : Render(latest);
            next = next with
            {
                Live = live.Set(AccountMetrics.Live(next.Accounts, time.GetUtcNow())),
                Process = EncodedMetrics.Of(Process),
                LookedAt = time.GetTimestamp(),
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

    private bool IsCurrent(MetricsSnapshot moment)
    {
        if (moment.ChangesAt <= time.GetUtcNow())
        {
            return false;
        }
        for (var i = 0; i < accounts.Count; i++)
        {
            if (!ReferenceEquals(moment.Accounts[i].Token, accounts[i].TokenManager.Snapshot) || !ReferenceEquals(moment.Accounts[i].Feed, accounts[i].Feed?.Status))
            {
                return false;
            }
        }
        return true;
    }

    private MetricsSnapshot Render(MetricsSnapshot before)
    {
        var now = time.GetUtcNow();
        AccountSnapshot[] snapshots = [.. accounts.Select((account, i) => new AccountSnapshot(account, account.TokenManager.Snapshot, Expose(account, before.Accounts.ElementAtOrDefault(i)?.Shown, now)))];
        var state = EncodedMetrics.Of(new FamilyGroup(LabelSet.Empty, AccountMetrics.State(snapshots)));
        var calls = EncodedMetrics.Of(api.Registry);
        state.PrepareAs(before.State);
        calls.PrepareAs(before.Calls);
        if (snapshots.Select(m => m.Shown).SequenceEqual(before.Accounts.Select(m => m.Shown), ReferenceEqualityComparer.Instance))
        {
            return before with { Accounts = snapshots, State = state, Calls = calls };
        }
        var readings = EncodedMetrics.Of([.. snapshots.Where(m => m.Shown is not null).Select(m => new FamilyGroup(m.Account.SharedLabels, m.Shown!.Families))]);
        readings.PrepareAs(before.Readings);
        return before with
        {
            Accounts = snapshots,
            ChangesAt = snapshots.Min(m => m.Shown?.ChangesAt) ?? DateTimeOffset.MaxValue,
            State = state,
            Calls = calls,
            Readings = readings,
        };
    }

    // A new reading of one account is no work for the others.
    private static Exposed? Expose(Account account, Exposed? before, DateTimeOffset now) =>
        account.Feed is not { } feed || (before is not null && ReferenceEquals(before.Status, feed.Status) && !(before.ChangesAt <= now)) ? before : feed.Expose(now);
}

/// <summary>
/// All accounts at one moment, as the parts of a page. Immutable: a page that is made of it describes that moment, whatever happens meanwhile.
/// </summary>
/// <param name="ChangesAt">When time alone makes <paramref name="Readings"/> outdated.</param>
/// <param name="State">How tokens and polling are.</param>
/// <param name="Calls">Calls to providers, counted up to the latest change of a state.</param>
/// <param name="Live">What time alone changes, up to <paramref name="LookedAt"/>.</param>
/// <param name="Process">What the process counts of itself, at the same time.</param>
public sealed record MetricsSnapshot(
    IReadOnlyList<AccountSnapshot> Accounts, DateTimeOffset ChangesAt,
    EncodedMetrics Readings, EncodedMetrics State, EncodedMetrics Calls, EncodedMetrics Live, EncodedMetrics Process, long LookedAt)
{
    internal static MetricsSnapshot None { get; } =
        new([], DateTimeOffset.MinValue, EncodedMetrics.Empty, EncodedMetrics.Empty, EncodedMetrics.Empty, EncodedMetrics.Empty, EncodedMetrics.Empty, 0);

    internal void Prepare(ExpositionFormat format, bool gzip)
    {
        foreach (var part in new[] { State, Calls, Readings, Live, Process })
        {
            part.Prepare(format, gzip);
        }
    }

    public MetricsPage Page(ExpositionFormat format, bool gzip) => new(format, gzip, State, Calls, Readings, Live, Process);
}
