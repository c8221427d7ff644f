using System.Diagnostics.CodeAnalysis;

namespace Exporter.Web;

/// <summary>
/// Adopts the token of a finished login. A token of another person than before waits in memory for a confirmation, at most ten minutes and
/// one per account. If a reload removes or changes the account, the token is dropped. Safe for concurrent use.
/// </summary>
internal sealed class NewLogins(TimeProvider time, ILogger<NewLogins> logger)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly Lock gate = new();
    private readonly Dictionary<Account, Waiting> waiting = [];

    /// <summary>Adopts the token, or keeps it for a confirmation.</summary>
    public async Task<LoginOutcome> AdoptAsync(Account account, Token token, LoginPermission permission)
    {
        if ((await CheckFirstAsync(account, permission) ?? await WithholdAsync(account, token, permission)) is { } withheld)
        {
            return withheld;
        }
        return await TryAdoptAsync(account, token) ? LoginOutcome.Success : LoginOutcome.AccountChanged;
    }

    /// <summary>Null if the permission is still enough: a command may have logged in since the stores were read last.</summary>
    public static async Task<LoginOutcome?> CheckFirstAsync(Account account, LoginPermission permission)
    {
        if (permission.IsFirstOnly)
        {
            await Task.WhenAll(account.TokenManagers.Select(manager => manager.ReadStoreAsync(CancellationToken.None)));
        }
        return !permission.IsFirstOnly || LoginAccess.IsFirst(account) ? null : LoginOutcome.NotFirst;
    }

    /// <summary>Null if the token may become the account's at once. A token of another person is kept for a confirmation.</summary>
    public async Task<LoginOutcome?> WithholdAsync(Account account, Token token, LoginPermission permission)
    {
        if (permission.IsFirstOnly)
        {
            return LoginAccess.IsFirst(account) ? null : LoginOutcome.NotFirst;
        }
        var persons = await account.FindPersonsAsync(token, CancellationToken.None);
        if (!persons.AreDifferent)
        {
            return null;
        }
        Keep(account, token, persons);
        logger.LogWarning("account {Account}: the new login belongs to another person; confirm it on the page", account.Name);
        return LoginOutcome.Unconfirmed;
    }

    /// <summary>Whether a login waits for a confirmation.</summary>
    public bool IsWaiting(Account account) => TryFind(account, out _);

    /// <summary>The persons of the current and of the new token, as the provider identifies them.</summary>
    public Persons? PersonsOf(Account account) => TryFind(account, out var found) ? found.Persons : null;

    /// <summary>Adopts or drops the waiting token; false if there is none.</summary>
    public async Task<bool> DecideAsync(Account account, bool adopts)
    {
        if (!TryFind(account, out var found) || !Remove(account, found))
        {
            return false;
        }
        logger.LogInformation("account {Account}: the login of another person was {Decision}", account.Name, adopts ? "confirmed" : "dropped");
        return !adopts || await TryAdoptAsync(account, found.Token);
    }

    /// <summary>False if a reload has removed or changed the account.</summary>
    private static async Task<bool> TryAdoptAsync(Account account, Token token)
    {
        try
        {
            await account.AdoptAsync(token, CancellationToken.None);
            return true;
        }
        catch (ObjectDisposedException) when (account.Leaving.IsCancellationRequested)
        {
            return false;
        }
    }

    private void Keep(Account account, Token token, Persons persons)
    {
        var kept = new Waiting(token, persons);
        lock (gate)
        {
            waiting.Remove(account, out var earlier);
            earlier?.Dispose();
            waiting[account] = kept;
        }
        kept.Expiry = time.CreateTimer(_ => Remove(account, kept), null, Lifetime, Timeout.InfiniteTimeSpan);
        account.Leaving.UnsafeRegister(_ => Remove(account, kept), null);
    }

    private bool TryFind(Account account, [NotNullWhen(true)] out Waiting? found)
    {
        lock (gate)
        {
            return waiting.TryGetValue(account, out found);
        }
    }

    private bool Remove(Account account, Waiting kept)
    {
        lock (gate)
        {
            kept.Dispose();
            return waiting.GetValueOrDefault(account) == kept && waiting.Remove(account);
        }
    }

    private sealed class Waiting(Token token, Persons persons) : IDisposable
    {
        public Token Token => token;

        public Persons Persons => persons;

        public ITimer? Expiry { get; set; }

        public void Dispose() => Expiry?.Dispose();
    }
}
