namespace Exporter.Postgres;

/// <summary>Why a move of a token failed.</summary>
/// <param name="Reason">A sentence without a full stop.</param>
public sealed record StoreFailure(string Reason)
{
    /// <summary>Whether the same command may succeed later.</summary>
    public bool IsTemporary { get; init; }
}

/// <param name="Replaced">The tokens that were sealed with the first key now.</param>
/// <param name="Problems">The tokens that cannot be opened, a sentence each.</param>
/// <param name="KeyId">The ID of the first key.</param>
public sealed record RekeyResult(int Replaced, IReadOnlyList<string> Problems, string KeyId);

/// <summary>
/// What an administrator does with the shared store while replicas run. Every member throws <see cref="StoreUnavailableException"/> if the
/// database does not do its part; then the same call continues later.
/// </summary>
public sealed class StoreAdministration
{
    private readonly Migrations migrations;
    private readonly StoreImport import;
    private readonly StoreExport export;
    private readonly StoreRekey rekey;

    internal StoreAdministration(Migrations migrations, StoreImport import, StoreExport export, StoreRekey rekey) =>
        (this.migrations, this.import, this.export, this.rekey) = (migrations, import, export, rekey);

    /// <summary>Brings the schema up to date. Call it first.</summary>
    /// <returns>Why this program cannot work with the database, as a sentence without a full stop; null if it can.</returns>
    public Task<string?> PrepareAsync(CancellationToken cancellationToken) =>
        Database.OrUnavailableAsync(() => migrations.RunAsync(cancellationToken));

    /// <summary>Moves the token of a configured account from its file to a new account of the store with the same name.</summary>
    /// <returns>What was done, as a sentence without a full stop.</returns>
    public Task<Result<string, StoreFailure>> ImportAsync(string name, CancellationToken cancellationToken) =>
        Database.OrUnavailableAsync(() => import.ImportAsync(name, cancellationToken));

    /// <summary>Moves the token of an account back to the token file of the configuration, and deletes the account in the store.</summary>
    /// <returns>What was done, as a sentence without a full stop.</returns>
    public Task<Result<string, StoreFailure>> ExportAsync(string name, CancellationToken cancellationToken) =>
        Database.OrUnavailableAsync(() => export.ExportAsync(name, cancellationToken));

    /// <summary>Seals every token with the first key.</summary>
    public Task<RekeyResult> RekeyAsync(CancellationToken cancellationToken) => Database.OrUnavailableAsync(() => rekey.RunAsync(cancellationToken));
}
