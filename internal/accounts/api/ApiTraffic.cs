namespace Exporter.Accounts;

/// <summary>What the resilience of a source's API client did, for all its accounts since the start of the process. Thread-safe.</summary>
public sealed class ApiTraffic(string source)
{
    private long retries;
    private long timeouts;

    /// <summary>The source's name.</summary>
    public string Source => source;

    /// <summary>Reads that were sent again after a failure that may pass.</summary>
    public long Retries => Interlocked.Read(ref retries);

    /// <summary>Calls that were given up because they took too long.</summary>
    public long Timeouts => Interlocked.Read(ref timeouts);

    internal void CountRetry() => Interlocked.Increment(ref retries);

    internal void CountTimeout() => Interlocked.Increment(ref timeouts);
}
