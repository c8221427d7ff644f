namespace Exporter.Web;

/// <summary>
/// Lists shared accounts, and remembers the latest lists, so that a page can show one while the database cannot be reached. Safe for concurrent
/// use.
/// </summary>
internal sealed class SharedAccountLists(ISharedAccounts accounts, TimeProvider time)
{
    private const int MaxRemembered = 50;

    private readonly Lock gate = new();
    private readonly Dictionary<SharedAccountQuery, ReadList> remembered = [];

    /// <summary>The current list; while the database cannot be reached, what the same query read last, and the outage.</summary>
    public async Task<(ReadList? List, StoreUnavailableException? Outage)> ReadAsync(SharedAccountQuery query, CancellationToken cancellationToken)
    {
        try
        {
            var read = new ReadList(await accounts.ListAsync(query, cancellationToken), time.GetUtcNow());
            lock (gate)
            {
                if (remembered.Count >= MaxRemembered && !remembered.ContainsKey(query))
                {
                    remembered.Remove(remembered.MinBy(one => one.Value.At).Key);
                }
                remembered[query] = read;
            }
            return (read, null);
        }
        catch (StoreUnavailableException e)
        {
            lock (gate)
            {
                return (remembered.GetValueOrDefault(query), e);
            }
        }
    }
}

/// <param name="At">When it was read.</param>
internal sealed record ReadList(SharedAccountPage Page, DateTimeOffset At);
