using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Prometheus;

namespace Exporter.Postgres;

/// <summary>The readings and states of the accounts, encoded: of all, or of one of several parts. Safe for concurrent use.</summary>
internal sealed class ReadingPages(SharedReadings readings, TimeProvider time)
{
    private readonly MetricsCache all = Cache(readings.Accounts, time);
    private readonly Lock gate = new();

    /// <summary>The parts of the last number of shards that was asked for, so that other numbers cost no memory.</summary>
    private (AccountList Accounts, MetricsCache Cache)[] parts = [];

    private IReadOnlyList<Account>? divided;

    public int Count => readings.Accounts.Current.Count;

    public EncodedMetrics[] All(ExpositionFormat format, bool gzip) => Encoded(all, format, gzip);

    public EncodedMetrics[] Of(Shard shard, ExpositionFormat format, bool gzip) => Encoded(Divide(shard.Count)[shard.Index].Cache, format, gzip);

    /// <summary>The part of an account depends on its name only, so that it stays the same when other accounts come and go.</summary>
    public static int PartOf(string account, int count) =>
        (int)(BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(account))) % (uint)count);

    private static EncodedMetrics[] Encoded(MetricsCache cache, ExpositionFormat format, bool gzip)
    {
        var current = cache.Current(format, gzip);
        return [current.State, current.Readings, current.Live];
    }

    private static MetricsCache Cache(AccountList accounts, TimeProvider time) => new(accounts, new ApiMetrics(), time) { CountsRenewals = false };

    private (AccountList Accounts, MetricsCache Cache)[] Divide(int count)
    {
        lock (gate)
        {
            var current = readings.Accounts.Current;
            if (parts.Length != count)
            {
                (divided, parts) = (null, [.. Enumerable.Range(0, count).Select(_ => new AccountList([])).Select(part => (part, Cache(part, time)))]);
            }
            if (!ReferenceEquals(divided, current))
            {
                var accounts = current.ToLookup(account => PartOf(account.Name, count));
                for (var i = 0; i < count; i++)
                {
                    parts[i].Accounts.Replace([.. accounts[i]]);
                }
                divided = current;
            }
            return parts;
        }
    }
}
