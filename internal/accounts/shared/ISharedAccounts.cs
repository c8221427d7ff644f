namespace Exporter.Accounts;

/// <summary>
/// Accounts that several replicas of the program share. Each is a row of a database and belongs to no replica. Safe for concurrent use.
/// </summary>
/// <remarks>Every method throws <see cref="StoreUnavailableException"/> while the database cannot be reached. No result means that.</remarks>
public interface ISharedAccounts
{
    /// <summary>What this replica read last about all accounts. Never waits, and never throws.</summary>
    SharedOverview Overview { get; }

    /// <exception cref="StoreUnavailableException">The database cannot be reached. The account may exist nevertheless.</exception>
    Task<Result<SharedAccount, SharedAccountProblem>> CreateAsync(NewSharedAccount account, CancellationToken cancellationToken);

    /// <summary>The matching accounts in ascending order of their names, by their code units.</summary>
    Task<SharedAccountPage> ListAsync(SharedAccountQuery query, CancellationToken cancellationToken);

    /// <summary>Null if there is no account of that name.</summary>
    Task<SharedAccount?> FindAsync(string name, CancellationToken cancellationToken);

    /// <summary>Deletes the account with its token, which stays valid at the provider. False if there is no account of that name.</summary>
    Task<bool> DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Opens the account on this replica, for a login, a pasted token or a logout. It stays open for 30 minutes after its last use, and while a
    /// login is in progress. Its tokens are loaded. Do not dispose of it. Null if there is no account of that name.
    /// </summary>
    Task<Account?> OpenAsync(string name, CancellationToken cancellationToken);

    /// <summary>An access token for another program.</summary>
    Task<SharedToken> GetTokenAsync(string name, CancellationToken cancellationToken);

    /// <summary>Records for all replicas that something is used which may be used once: a one-time link, or the state of a login.</summary>
    /// <param name="id">Identifies it: at most 100 ASCII characters.</param>
    /// <param name="until">When it expires, so that the record is no longer needed.</param>
    /// <returns>False if it was used before.</returns>
    Task<bool> UseLinkAsync(string id, DateTimeOffset until, CancellationToken cancellationToken);

    /// <summary>Whether <see cref="UseLinkAsync"/> has recorded the ID. It may forget IDs that have expired.</summary>
    Task<bool> IsLinkUsedAsync(string id, CancellationToken cancellationToken);
}

/// <summary>The database of shared accounts cannot be reached, or does not respond in time.</summary>
/// <param name="reason">Without a full stop and without a secret: <c>the connection was refused</c>.</param>
/// <param name="retryAfter">When another attempt makes sense.</param>
public sealed class StoreUnavailableException(string reason, TimeSpan retryAfter, Exception? inner = null) : Exception(reason, inner)
{
    public string Reason => Message;

    public TimeSpan RetryAfter => retryAfter;
}
