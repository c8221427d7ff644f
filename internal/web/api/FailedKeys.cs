namespace Exporter.Web;

/// <summary>
/// Counts the wrong keys of each client. A client has ten attempts, and gets one back every six seconds. Safe for concurrent use.
/// </summary>
internal sealed class FailedKeys(TimeProvider time)
{
    private const int Attempts = 10;
    private const int MaxClients = 1000;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(6);

    private readonly Lock gate = new();
    private readonly Dictionary<string, (double Failures, long At)> clients = [];

    /// <summary>How long the client must wait for its next attempt; null if it has one.</summary>
    public TimeSpan? WaitOf(string client)
    {
        lock (gate)
        {
            return Failures(client) is var failures and > Attempts - 1 ? (failures - (Attempts - 1)) * Interval : null;
        }
    }

    /// <summary>Counts a wrong key. Returns whether it was the client's last attempt.</summary>
    public bool Add(string client)
    {
        lock (gate)
        {
            var failures = Failures(client) + 1;
            if (clients.Count >= MaxClients && !clients.ContainsKey(client))
            {
                clients.Remove(clients.Keys.MinBy(Failures)!);
            }
            clients[client] = (failures, time.GetTimestamp());
            return failures > Attempts - 1 && failures - 1 <= Attempts - 1;
        }
    }

    private double Failures(string client) =>
        clients.TryGetValue(client, out var known) ? Math.Max(0, known.Failures - time.GetElapsedTime(known.At) / Interval) : 0;
}
