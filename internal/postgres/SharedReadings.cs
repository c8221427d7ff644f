using System.Data;
using System.Globalization;
using System.Security.Cryptography;
using System.Threading.Channels;
using Npgsql;

namespace Exporter.Postgres;

/// <summary>
/// The readings of all accounts, as this replica last read them: it listens to changes and reads the changed rows again, so that its page shows what
/// any replica polled. While the database cannot be reached, the readings stay, and their age shows it.
/// </summary>
internal sealed class SharedReadings(
    Database database, ReadingRows rows, AccountTemplates templates, TimeProvider time, ILogger<SharedReadings> logger)
    : BackgroundService, IReadiness
{
    /// <summary>Changes within this time are read together.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(200);

    /// <summary>How long a connection may say nothing before it is tested.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);

    private readonly Dictionary<long, Entry> entries = [];
    private volatile bool isLoaded;

    /// <summary>Once loaded, a replica stays ready: without the database, its pages say so.</summary>
    public string? Waiting => isLoaded ? null : "The exporter has not read the accounts from the database yet.";

    /// <summary>Accounts without tokens, in ascending order of their names.</summary>
    public AccountList Accounts { get; } = new([]);

    public override void Dispose()
    {
        base.Dispose();
        foreach (var entry in entries.Values)
        {
            entry.Account.Dispose();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var isConnected = true; !stoppingToken.IsCancellationRequested;)
        {
            try
            {
                await FollowAsync(() => isConnected = true, stoppingToken);
            }
            catch (Exception e) when (Database.IsFailure(e))
            {
                if (isConnected)
                {
                    isConnected = false;
                    logger.LogError("the readings are not updated until the database can be reached: {Reason}", Database.Describe(e));
                }
                await Task.Delay(Retry, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
            }
        }
    }

    private async Task FollowAsync(Action connected, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var changes = Channel.CreateUnbounded<long>(new UnboundedChannelOptions { SingleReader = true });
        await using var connection = await database.ConnectAsync(cancellationToken);
        connection.Notification += (_, change) => changes.Writer.TryWrite(long.Parse(change.Payload, CultureInfo.InvariantCulture));
        await using (var listen = new NpgsqlCommand("listen account_changed", connection))
        {
            await listen.ExecuteNonQueryAsync(cancellationToken);
        }
        Task[] parts = [ListenAsync(connection, ending.Token), LoadChangesAsync(changes.Reader, connected, ending.Token)];
        var first = await Task.WhenAny(parts);
        await ending.CancelAsync();
        await Task.WhenAll(parts).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (connection.State is ConnectionState.Open)
        {
            // The pool does not reset connections.
            await using var unlisten = new NpgsqlCommand("unlisten *", connection);
            await unlisten.ExecuteNonQueryAsync(CancellationToken.None);
        }
        await first;
    }

    private static async Task ListenAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (!await connection.WaitAsync(Silence, cancellationToken))
            {
                // A connection whose other end is gone says nothing either.
                await using var test = new NpgsqlCommand("select 1", connection);
                await test.ExecuteNonQueryAsync(cancellationToken);
            }
        }
    }

    private async Task LoadChangesAsync(ChannelReader<long> changes, Action loaded, CancellationToken cancellationToken)
    {
        // After listening started, so that no change is between the two.
        await LoadAsync(null, cancellationToken);
        isLoaded = true;
        loaded();
        var ids = new HashSet<long>();
        while (await changes.WaitToReadAsync(cancellationToken))
        {
            await Task.Delay(Gathering, time, cancellationToken);
            while (changes.TryRead(out var id))
            {
                ids.Add(id);
            }
            await LoadAsync(ids, cancellationToken);
            ids.Clear();
        }
    }

    /// <param name="ids">The accounts that changed; null for all.</param>
    private async Task LoadAsync(IReadOnlyCollection<long>? ids, CancellationToken cancellationToken)
    {
        var found = await rows.ListAsync(ids, cancellationToken);
        var isChanged = false;
        foreach (var id in (ids ?? [.. entries.Keys]).Except(found.Select(row => row.Account.Id)).ToList())
        {
            isChanged |= Remove(id);
        }
        foreach (var row in found)
        {
            isChanged |= Set(row);
        }
        if (isChanged)
        {
            Accounts.Replace([.. entries.Values.Select(entry => entry.Account).OrderBy(account => account.Name, StringComparer.Ordinal)]);
        }
    }

    /// <returns>Whether the list has another account now.</returns>
    private bool Set(ReadingRow row)
    {
        var (id, isNew) = (row.Account.Id, false);
        if (!entries.TryGetValue(id, out var entry) || entry.Template != row.Account.Template)
        {
            Remove(id);
            if (templates.OpenForPages(row.Account) is not { } account)
            {
                return entry is not null;
            }
            (entries[id], isNew) = (entry = new Entry(account, row.Account.Template), true);
        }
        entry.Account.TokenManager.Resume(row.Account.WithoutToken());
        if (row.Content is { } content && entry.Account.ReadingSource is IStoredReadingSource source
            && SHA256.HashData(content) is var hash && !hash.AsSpan().SequenceEqual(entry.Hash))
        {
            entry.Hash = hash;
            // The replica that polls logs what cannot be restored.
            source.Restore(new SavedReading(content), time.GetUtcNow());
        }
        return isNew;
    }

    private bool Remove(long id)
    {
        if (!entries.Remove(id, out var entry))
        {
            return false;
        }
        entry.Account.Dispose();
        return true;
    }

    private sealed record Entry(Account Account, string Template)
    {
        /// <summary>Of the content that was restored last.</summary>
        public byte[]? Hash { get; set; }
    }
}
