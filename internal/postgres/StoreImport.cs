namespace Exporter.Postgres;

/// <summary>
/// Moves the token of a file to the store: marks the file, creates the row, and deletes the token of the file. The mark comes first, so that no
/// program sends a refresh token that the store also has. After a crash at any point, a repetition continues.
/// </summary>
internal sealed class StoreImport(
    AccountCatalog catalog, AccountRows rows, AccountTemplates templates, TokenKeys keys, PostgresOptions options, TimeProvider time)
{
    /// <returns>What was done, or why the token is not in the store, as a sentence without a full stop.</returns>
    public async Task<Result<string, StoreFailure>> ImportAsync(string name, CancellationToken cancellationToken)
    {
        if (SharedAccountName.ProblemOf(name) is { } wrong)
        {
            return new StoreFailure(wrong);
        }
        if (templates.Find(name)!.OpenTokenFile(time) is not { } file)
        {
            return "it has no token file, so there is nothing to import";
        }
        // Read once: the read of a damaged file sets it aside, so that the next one finds no file.
        var before = await file.ReadMarkedAsync(cancellationToken);
        if (before is not ReadResult.Held)
        {
            return await WithoutTokenAsync(name, file, before, cancellationToken);
        }
        // A row that exists before the mark has another token, and the file keeps its own.
        var isMarked = await file.ReadAsync(cancellationToken) is not ReadResult.Held;
        if (!isMarked && await rows.FindAsync(name, cancellationToken) is not null)
        {
            return new StoreFailure($"the store already has an account {name}, and {file.Location} has a token of its own; delete one of the two");
        }
        var marked = await file.MarkAsync(new StoreMarker(options.Location, name, time.GetUtcNow()), cancellationToken);
        if (marked is not WriteResult.Written(_, var interrupted))
        {
            return new StoreFailure(ReasonOf(marked));
        }
        // Read after the mark: until then, another program could renew the token.
        var found = await file.ReadMarkedAsync(cancellationToken);
        return found is ReadResult.Held(var token, _)
            ? await StoreAsync(name, file, token, interrupted, cancellationToken)
            : new StoreFailure($"{file.Location} lost its token while it was marked; run the command again");
    }

    private async Task<Result<string, StoreFailure>> StoreAsync(
        string name, FileStore file, Token token, string? interrupted, CancellationToken cancellationToken)
    {
        var created = await catalog.CreateAsync([templates.NewRow(name, name, token, Instant.Now(time))], cancellationToken);
        if (created.Count == 0 && await rows.FindAsync(name, cancellationToken) is { } row && OtherToken(row, token) is { } problem)
        {
            return new StoreFailure($"{problem}; {file.Location} keeps its token, which is not used");
        }
        // A failure leaves a marked file, which nothing uses, and a repetition deletes its token.
        var removed = await file.RemoveMarkedAsync(cancellationToken);
        return removed is WriteResult.Written(_, var left)
            ? string.Join("; ", new[] { $"imported from {file.Location}", interrupted, left }.OfType<string>())
            : new StoreFailure($"imported, but the token is still in {file.Location}: {ReasonOf(removed)}; run the command again");
    }

    /// <summary>A file without a token: it was imported before, or it never had one.</summary>
    private async Task<Result<string, StoreFailure>> WithoutTokenAsync(
        string name, FileStore file, ReadResult found, CancellationToken cancellationToken) => found switch
        {
            ReadResult.Unreadable(var reason) => new StoreFailure($"{file.Location} cannot be read: {reason}"),
            ReadResult.Damaged(var reason, _) => new StoreFailure($"{file.Location} is not a token file: {reason}"),
            _ when await rows.FindAsync(name, cancellationToken) is not null => "the store has it already",
            _ => $"{file.Location} has no token, so there is nothing to import",
        };

    /// <summary>
    /// Why a row that exists did not come from this file; null if it did. An earlier import created it, and replicas may have renewed its token
    /// since, which only changes the version.
    /// </summary>
    private string? OtherToken(AccountRow row, Token token)
    {
        if (row.Version > 1)
        {
            return null;
        }
        var (progress, unsealed) = row.Progress(keys);
        return unsealed is not null ? $"the store has an account {row.Name}, and {unsealed}"
            : progress!.State.Token is { } theirs && (theirs.AccessToken, theirs.RefreshToken).Equals((token.AccessToken, token.RefreshToken)) ? null
            : $"the store has an account {row.Name} with another token; delete that account, then run the command again";
    }

    private static string ReasonOf(WriteResult result) => result is WriteResult.Failed(var reason) ? reason : "the token file was changed meanwhile";
}
