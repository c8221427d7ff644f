namespace Exporter.Postgres;

/// <summary>
/// Moves the token of an account back to its file: takes the row for good, writes the file, and deletes the row. From the first step on, no
/// replica takes the row, so none renews the token after the file has it. After a crash at any point, a repetition continues.
/// </summary>
/// <remarks>
/// A replica that was stopped during a request can still save a new token, and a user can log in or out. Both change the version, so the row is
/// not deleted. The file is then marked again, and a repetition moves the newer token.
/// </remarks>
internal sealed class StoreExport(
    AdministeredRows administered, AccountRows rows, AccountTemplates templates, TokenKeys keys, PostgresOptions options, TimeProvider time)
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <returns>What was done, or why the token is not in the file, as a sentence without a full stop.</returns>
    public async Task<Result<string, StoreFailure>> ExportAsync(string name, CancellationToken cancellationToken)
    {
        if (await rows.FindAsync(name, cancellationToken) is not { } row)
        {
            return new StoreFailure("the store has no account with this name");
        }
        if (row.Template != name || templates.Find(name)?.OpenTokenFile(time) is not { } file)
        {
            return new StoreFailure($"the configuration has no token file for it; add an account {name} with a token_file");
        }
        // Before the row is held: a file that has a token while the row is held is one that an earlier export wrote.
        if (await OwnTokenAsync(file) is { } own && !await administered.IsHeldAsync(row.Id, cancellationToken))
        {
            return new StoreFailure(own);
        }
        if (await HoldAsync(row.Id, cancellationToken) is not { } held)
        {
            return new StoreFailure("a request for a new token is in flight, or its outcome is not known yet; try again in ten minutes")
            {
                IsTemporary = true,
            };
        }
        // The steps that follow belong together. A repetition would continue them, but an interruption has no advantage.
        var (moved, failure) = await MoveAsync(held, file);
        if (failure is { IsRowReturned: true })
        {
            await administered.ReturnAsync(held, CancellationToken.None);
        }
        return failure is not null ? new StoreFailure(failure.Reason) : moved!;
    }

    private async Task<HeldRow?> HoldAsync(long id, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(LongestWait, new RunningTime(time));
        while (true)
        {
            var held = await administered.HoldAsync(id, cancellationToken);
            if (held is not null || limit.IsCancellationRequested)
            {
                return held;
            }
            await Task.Delay(Step, time, cancellationToken);
        }
    }

    private async Task<Result<string, Obstacle>> MoveAsync(HeldRow held, FileStore file)
    {
        var (progress, unsealed) = held.Row.Progress(keys);
        if (progress?.State.Token is not { } token)
        {
            return unsealed is null
                ? new Obstacle("no user is logged in, so there is no token; delete the account, and log in where you use the file")
                : new Obstacle(unsealed, IsRowReturned: !held.WasHeld);
        }
        var given = await file.GiveBackAsync(token, CancellationToken.None);
        if (given is WriteResult.Failed(var reason))
        {
            // Replicas renew the token again only if no program can use the file.
            return new Obstacle(reason, IsRowReturned: !held.WasHeld && await OwnTokenAsync(file) is null);
        }
        // A conflict or a logout: an earlier export wrote the file, and a program has used it since.
        if (!await administered.DeleteAsync(held, CancellationToken.None))
        {
            var marked = await file.MarkAsync(new StoreMarker(options.Location, held.Row.Name, time.GetUtcNow()), CancellationToken.None);
            return new Obstacle(
                $"the token changed in the store meanwhile{(marked is WriteResult.Failed(var why) ? $", and the file is in use: {why}" : "")}; "
                + "run the command again", IsRowReturned: false);
        }
        var interrupted = held.Row.Interrupted is { } sent
            ? $"the token request of {sent:u} was interrupted, so its refresh token may be spent"
            : null;
        return string.Join("; ", new[] { $"exported to {file.Location}", (given as WriteResult.Written)?.Warning, interrupted }.OfType<string>());
    }

    /// <summary>Why the file is not for this token; null if it is marked, or has no token.</summary>
    private static async Task<string?> OwnTokenAsync(FileStore file) => await file.ReadAsync(CancellationToken.None) switch
    {
        ReadResult.Held => $"{file.Location} has a token of its own, which is not in the store; log out there, or move the file away",
        ReadResult.LoggedOut => $"{file.Location} is logged out; remove the file {file.Location}.signed-out first",
        _ => null,
    };

    /// <param name="IsRowReturned">Whether replicas renew the token again.</param>
    private sealed record Obstacle(string Reason, bool IsRowReturned = true);
}
