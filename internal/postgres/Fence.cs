namespace Exporter.Postgres;

/// <summary>
/// The time in which a row that was taken may be used for a request. It starts before the query that takes the row: the process may be stopped
/// between the database's answer and the request, and another replica may take the row meanwhile. Both clocks count.
/// </summary>
internal readonly struct Fence(TimeProvider time)
{
    public static readonly TimeSpan Open = TimeSpan.FromSeconds(5);

    private readonly DateTimeOffset at = time.GetUtcNow();
    private readonly long timestamp = time.GetTimestamp();

    public bool IsClosed => time.GetElapsedTime(timestamp) > Open || (time.GetUtcNow() - at).Duration() > Open;

    /// <summary>Why a request must not be sent; null if it may be.</summary>
    public string? Problem => IsClosed ? "this replica was too slow after it had taken the account; another one continues" : null;
}
