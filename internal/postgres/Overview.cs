using Npgsql;

namespace Exporter.Postgres;

/// <summary>The number of accounts of one source in one state.</summary>
/// <param name="Due">With a renewal that is due and that no replica has taken.</param>
/// <param name="InFlight">With a request whose outcome is not saved yet.</param>
/// <param name="InDoubt">With a request for more than 30 seconds.</param>
/// <param name="NeedLogin">That do not work until a user logs in.</param>
/// <param name="OldestDue">When the renewal that has waited longest became due; null if none is due.</param>
internal sealed record StateCount(
    string Source, string State, long Accounts, long Due, long InFlight, long InDoubt, long NeedLogin, DateTimeOffset? OldestDue);

/// <summary>How often renewals of a source had an outcome: <c>renewed</c> or the reason of a failure.</summary>
internal sealed record OutcomeCount(string Source, string Name, long Value);

/// <summary>The readings of the accounts of one source.</summary>
/// <param name="Due">Polls that are due and that no replica has taken.</param>
/// <param name="Streams">Streams that a replica owns.</param>
/// <param name="OldestDue">When the poll that has waited longest became due; null if none is due.</param>
internal sealed record ReadingCount(string Source, long Due, long Streams, DateTimeOffset? OldestDue);

/// <summary>All accounts in numbers. Immutable.</summary>
internal sealed record Overview(
    IReadOnlyList<StateCount> States, IReadOnlyList<OutcomeCount> Outcomes, IReadOnlyList<ReadingCount> Readings, DateTimeOffset At)
{
    public long Accounts => States.Sum(state => state.Accounts);
}

/// <summary>
/// Counts the accounts when an answer is older than ten seconds and a page needs one, at most once at a time: without scrapes it costs nothing,
/// and a scrape does not wait for the count of a million rows. Safe for concurrent use.
/// </summary>
internal sealed class OverviewCache(Database database, TimeProvider time)
{
    private const string States = """
        select source, state, count(*),
          count(*) filter (where renew_at <= now() and (lock_until is null or lock_until < now())),
          count(*) filter (where sent_at is not null),
          count(*) filter (where sent_at < now() - interval '30 s'),
          count(*) filter (where state = 'lost' or (state = 'missing' and renew_at is null)),
          min(renew_at) filter (where renew_at <= now() and (lock_until is null or lock_until < now()))
        from account group by source, state order by source, state
        """;

    private const string Outcomes = "select source, name, sum(value)::bigint from counter group by source, name order by source, name";

    private const string Readings = """
        select a.source,
          count(*) filter (where not is_stream and due_at <= now() and (r.lock_until is null or r.lock_until < now())),
          count(*) filter (where is_stream and r.lock_until > now()),
          min(due_at) filter (where not is_stream and due_at <= now() and (r.lock_until is null or r.lock_until < now()))
        from reading r join account a on a.id = r.account group by a.source order by a.source
        """;

    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(10);

    private readonly Lock gate = new();
    private volatile Overview? latest;
    private Task<Overview>? counting;

    /// <summary>The latest numbers; null before the first count.</summary>
    public Overview? Latest => latest;

    /// <summary>The latest numbers, which may be old if the database cannot be reached. Only the first call waits.</summary>
    /// <exception cref="NpgsqlException">There are none yet, and the database cannot be reached.</exception>
    public async ValueTask<Overview> GetAsync(CancellationToken cancellationToken)
    {
        var current = latest;
        if (current is not null && time.GetUtcNow() - current.At < Lifetime)
        {
            return current;
        }
        Task<Overview> next;
        lock (gate)
        {
            next = counting is { IsCompleted: false } ? counting : counting = Task.Run(CountAsync, CancellationToken.None);
        }
        if (current is null)
        {
            return await next.WaitAsync(cancellationToken);
        }
        // A failure is in the metrics of the queue, which reaches the database or does not.
        _ = next.ContinueWith(
            static failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return current;
    }

    private async Task<Overview> CountAsync()
    {
        await using var batch = database.Batch();
        batch.Add(States);
        batch.Add(Outcomes);
        batch.Add(Readings);
        await using var reader = await batch.ExecuteReaderAsync();
        var (states, outcomes, readings) = (new List<StateCount>(), new List<OutcomeCount>(), new List<ReadingCount>());
        while (await reader.ReadAsync())
        {
            states.Add(new StateCount(reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4),
                reader.GetInt64(5), reader.GetInt64(6), reader.Time(7)));
        }
        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            outcomes.Add(new OutcomeCount(reader.GetString(0), reader.GetString(1), reader.GetInt64(2)));
        }
        await reader.NextResultAsync();
        while (await reader.ReadAsync())
        {
            readings.Add(new ReadingCount(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), reader.Time(3)));
        }
        return latest = new Overview(states, outcomes, readings, time.GetUtcNow());
    }
}
