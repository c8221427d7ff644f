using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Exporter.Web;

/// <summary>The permissions that browsers get for one-time links. A link and a permission can each be used once.</summary>
internal interface ILinkTickets
{
    /// <summary>Uses the link. Returns the ticket, a value for a cookie, that permits a login; null if the link was used before.</summary>
    /// <param name="until">When the link expires.</param>
    ValueTask<string?> IssueAsync(string linkId, DateTimeOffset until, string account, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>Whether the ticket still permits a login of the account.</summary>
    ValueTask<bool> IsValidAsync(string ticket, string account, CancellationToken cancellationToken);

    /// <summary>Ends the permission.</summary>
    ValueTask SpendAsync(string ticket);
}

/// <summary>Keeps links that were used, and tickets, in memory until they expire. Safe for concurrent use.</summary>
internal sealed class LinkTickets(TimeProvider time) : ILinkTickets
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, DateTimeOffset> used = [];
    private readonly Dictionary<string, (string Account, DateTimeOffset Deadline)> tickets = [];

    public ValueTask<string?> IssueAsync(
        string linkId, DateTimeOffset until, string account, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var ticket = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        lock (gate)
        {
            RemoveExpired();
            if (!used.TryAdd(linkId, until))
            {
                return default;
            }
            tickets[Hash(ticket)] = (account, time.GetUtcNow() + lifetime);
        }
        return ValueTask.FromResult<string?>(ticket);
    }

    public ValueTask<bool> IsValidAsync(string ticket, string account, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            return ValueTask.FromResult(
                tickets.TryGetValue(Hash(ticket), out var found) && found.Account == account && found.Deadline > time.GetUtcNow());
        }
    }

    public ValueTask SpendAsync(string ticket)
    {
        lock (gate)
        {
            tickets.Remove(Hash(ticket));
        }
        return default;
    }

    private static string Hash(string ticket) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(ticket)));

    private void RemoveExpired()
    {
        var now = time.GetUtcNow();
        foreach (var id in used.Where(u => u.Value <= now).Select(u => u.Key).ToList())
        {
            used.Remove(id);
        }
        foreach (var ticket in tickets.Where(t => t.Value.Deadline <= now).Select(t => t.Key).ToList())
        {
            tickets.Remove(ticket);
        }
    }
}
