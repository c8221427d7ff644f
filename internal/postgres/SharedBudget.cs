using System.Globalization;
using Npgsql;

namespace Exporter.Postgres;

/// <summary>
/// A budget that all replicas share. Reservations with the same key take turns, and the database's clock decides. Without the database,
/// nothing is sent. Safe for concurrent use.
/// </summary>
internal sealed class SharedBudget : IRequestBudget
{
    /// <summary>How long to wait if the database cannot count.</summary>
    public static readonly TimeSpan WaitForDatabase = TimeSpan.FromMinutes(1);

    /// <summary>The lock ends with the transaction, so later statements of the batch see what its last holder recorded.</summary>
    private static readonly string Lock = string.Create(
        CultureInfo.InvariantCulture, $"select pg_advisory_xact_lock({LockSpace}, hashtext(concat_ws(E'\\n', $1, $2, $3)))");

    /// <summary>Identifies the locks of budgets among the advisory locks of the database.</summary>
    private const int LockSpace = 0x62756467;

    /// <summary>With more recorded requests, neighbors are merged, so that the table stays small.</summary>
    private const int MostRecords = 1000;

    /// <summary>Deletes what no window needs. It skips what another replica deletes, so that replicas do not wait for each other.</summary>
    private const string DeleteOld = """
        delete from sent_request where id in (
          select id from sent_request where until <= clock_timestamp() order by until limit 100 for update skip locked)
        """;

    /// <summary>After the clock was set back, a request can be newer than now. It must not count for longer than the window.</summary>
    private const string CorrectNew = """
        update sent_request set at = clock_timestamp()
        where source = $1 and provider = $2 and owner = $3 and at > clock_timestamp()
        """;

    private const string Result = "select used, extract(epoch from wait)::float8 from uses order by number";

    private readonly BudgetKey key;
    private readonly IReadOnlyList<BudgetWindow> windows;
    private readonly Database database;
    private readonly SharedBudgets budgets;
    private readonly string read;
    private readonly string reserve;
    private readonly int longest;
    private volatile int used;

    public SharedBudget(BudgetKey key, IReadOnlyList<BudgetWindow> windows, Database database, SharedBudgets budgets)
    {
        (this.key, this.windows, this.database, this.budgets) = (key, windows, database, budgets);
        longest = windows.Index().MaxBy(window => window.Item.Window).Index;
        var uses = Uses(windows);
        read = $"with {uses} {Result}";
        reserve = $"with {uses}, {Record(windows[longest].Window)} {Result}";
    }

    public int Used => used;

    public async ValueTask<ApiFailure?> FailureAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var command = database.Command(read, Key());
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var uses = await ReadAsync(reader, cancellationToken);
            used = UsedOf(uses);
            return LongestWait(uses) is not { } wait ? null
                // The window that has no request left, or has exceeded its limit most.
                : windows.Zip(uses).MaxBy(pair => pair.Second.Used - pair.First.Most).First.UsedUp(key.Provider, wait);
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            budgets.RecordFailure(e);
            var reason = $"No request was sent to {key.Provider}, because {Database.Describe(e)}.";
            return new ApiFailure.Unavailable(reason) { RetryAfter = WaitForDatabase };
        }
    }

    /// <summary>If the answer of the database is lost, the request may have been counted, but it is not sent.</summary>
    public async ValueTask<TimeSpan?> ReserveAsync(CancellationToken cancellationToken)
    {
        var failures = budgets.Failures;
        var turn = budgets.TurnOf(key);
        await turn.WaitAsync(cancellationToken);
        try
        {
            if (budgets.Failures != failures)
            {
                return WaitForDatabase;
            }
            // One batch is one transaction and one message: a replica that is stopped never keeps the lock.
            await using var batch = database.Batch();
            batch.Add(Lock, Key());
            batch.Add(DeleteOld);
            batch.Add(CorrectNew, Key());
            batch.Add(reserve, Key());
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            // Of the others, only the lock has a result.
            await reader.NextResultAsync(cancellationToken);
            var uses = await ReadAsync(reader, cancellationToken);
            // The transaction ends after the last result.
            await reader.NextResultAsync(cancellationToken);
            var wait = LongestWait(uses);
            used = UsedOf(uses) + (wait is null ? 1 : 0);
            return wait;
        }
        catch (Exception e) when (Database.IsFailure(e))
        {
            budgets.RecordFailure(e);
            return WaitForDatabase;
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task<IReadOnlyList<WindowUse>> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var uses = new List<WindowUse>();
        while (await reader.ReadAsync(cancellationToken))
        {
            uses.Add(new WindowUse(reader.GetInt64(0), reader.IsDBNull(1) ? null : TimeSpan.FromSeconds(reader.GetDouble(1))));
        }
        budgets.RecordSuccess();
        return uses;
    }

    private int UsedOf(IReadOnlyList<WindowUse> uses) => (int)uses[longest].Used;

    private static TimeSpan? LongestWait(IReadOnlyList<WindowUse> uses) => uses.Max(use => use.Wait);

    private NpgsqlParameter[] Key() => [Parameter.Of(key.Source), Parameter.Of(key.Provider), Parameter.Of(key.Owner)];

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// The use of each window. A request is allowed as soon as the oldest ones above the limit have left the window; null if it is allowed now.
    /// A limit can be lower than the number of requests, because the configuration can change.
    /// </summary>
    private static string Uses(IReadOnlyList<BudgetWindow> windows) => $"""
        moment as materialized (select clock_timestamp() as at),
        sent as materialized (
          select id, at, count from sent_request where source = $1 and provider = $2 and owner = $3),
        uses as materialized (
          select w.number, coalesce(max(r.total), 0) as used,
            case when w.most = 0 then w.span
              else min(r.at + w.span) filter (where r.total >= w.most and r.upto > r.total - w.most) - m.at end as wait
          from (values {string.Join(", ", windows.Select((window, i) => string.Create(
              CultureInfo.InvariantCulture, $"({i}, {window.Most}, interval '{Seconds(window.Window)} s')")))}) as w (number, most, span)
          cross join moment m
          left join lateral (
            select s.at, sum(s.count) over (order by s.at, s.id) as upto, sum(s.count) over () as total
            from sent s where s.at > m.at - w.span) r on true
          group by w.number, w.most, w.span, m.at)
        """;

    /// <summary>
    /// Records the request if it is allowed. Neighbors are merged into the later one, which counts for longer: the limits still hold.
    /// </summary>
    private static string Record(TimeSpan longest) => string.Create(CultureInfo.InvariantCulture, $"""
        allowed as (
          select at, at + interval '{Seconds(longest)} s' as until, floor(extract(epoch from at) / {Seconds(longest / (MostRecords / 4))}) as slot
          from moment where not exists (select from uses where wait is not null)),
        newest as (
          select id, floor(extract(epoch from at) / {Seconds(longest / (MostRecords / 4))}) as slot
          from sent where (select count(*) from sent) >= {MostRecords} order by at desc, id desc limit 1),
        merged as (
          update sent_request r set at = a.at, until = a.until, count = r.count + 1
          from allowed a join newest n using (slot) where r.id = n.id
          returning r.id),
        added as (
          insert into sent_request (source, provider, owner, at, until)
          select $1, $2, $3, a.at, a.until from allowed a where not exists (select from merged))
        """);

    /// <param name="Wait">Null if the window has a request left.</param>
    private sealed record WindowUse(long Used, TimeSpan? Wait);
}
