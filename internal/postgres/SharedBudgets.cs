namespace Exporter.Postgres;

/// <summary>The budgets of this replica. They are in the database, so that the requests of all replicas count. Safe for concurrent use.</summary>
internal sealed class SharedBudgets(Database database, ILogger<SharedBudgets> logger) : IRequestBudgets
{
    /// <summary>Reservations of one budget take turns. Budgets may have a turn in common.</summary>
    private readonly SemaphoreSlim[] turns = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1))];

    private int isFailing;
    private int failures;

    /// <summary>Counts failures of the database. What waited for its turn meanwhile need not try.</summary>
    public int Failures => Volatile.Read(ref failures);

    public IRequestBudget Open(BudgetKey key, IReadOnlyList<BudgetWindow> windows) => new SharedBudget(key, windows, database, this);

    /// <summary>At most one reservation of a budget uses a connection, so that a busy budget leaves connections for everything else.</summary>
    public SemaphoreSlim TurnOf(BudgetKey key) => turns[(uint)key.GetHashCode() % turns.Length];

    /// <summary>The database counted or read requests.</summary>
    public void RecordSuccess()
    {
        if (Volatile.Read(ref isFailing) != 0 && Interlocked.Exchange(ref isFailing, 0) != 0)
        {
            logger.LogInformation("the database counts requests to providers again, so they are sent again");
        }
    }

    /// <summary>Logs the first failure in a row, of whatever budget.</summary>
    public void RecordFailure(Exception e)
    {
        Interlocked.Increment(ref failures);
        if (Interlocked.Exchange(ref isFailing, 1) == 0)
        {
            logger.LogError("No request with a budget is sent, because it cannot be counted: {Reason}", Database.Describe(e));
        }
    }
}
