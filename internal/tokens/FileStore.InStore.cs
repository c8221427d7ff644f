namespace Exporter.Tokens;

/// <summary>
/// The marker that the token is in a shared store. A move to the store calls MarkAsync, ReadMarkedAsync, writes the token there, and calls
/// RemoveMarkedAsync. The way back is GiveBackAsync. Each step may be repeated after a crash: while the marker exists, this file is not used.
/// </summary>
public sealed partial class FileStore
{
    /// <summary>
    /// Marks the token as moved to a shared store. After that, every program with this file leaves the token unused and unchanged. The marker is
    /// on disk when this returns <see cref="WriteResult.Written"/>. A second mark for the same store and account changes nothing.
    /// </summary>
    /// <returns>Its warning says that the last token request was interrupted, so that the refresh token may be spent.</returns>
    public ValueTask<WriteResult> MarkAsync(StoreMarker marker, CancellationToken cancellationToken) =>
        ExclusivelyAsync((at, interrupted) => Mark(at, marker, interrupted), cancellationToken);

    /// <summary>Reads the token although it is marked.</summary>
    public ValueTask<ReadResult> ReadMarkedAsync(CancellationToken cancellationToken) => TryReadFile(Read);

    /// <summary>
    /// Deletes a marked token and every copy that this store made, and keeps the marker. The warning of the result names what is left.
    /// </summary>
    public ValueTask<WriteResult> RemoveMarkedAsync(CancellationToken cancellationToken) => ExclusivelyAsync(
        (at, _) => MarkerReason(at) is null ? new WriteResult.Failed($"{path} is not marked as moved to a shared store") : Remove(at),
        cancellationToken);

    /// <summary>
    /// Writes the token that the shared store had, and then removes the marker. Call it when the store does not use the token any more. If the
    /// marker is gone, only a file without a token is written, because an earlier call was complete and the token may be newer now.
    /// </summary>
    public ValueTask<WriteResult> GiveBackAsync(Token token, CancellationToken cancellationToken) =>
        ExclusivelyAsync((at, _) => GiveBack(at, token), cancellationToken);

    private async ValueTask<WriteResult> ExclusivelyAsync(
        Func<FileLocation, DateTimeOffset?, WriteResult> work, CancellationToken cancellationToken)
    {
        if (CurrentStoreAccess.IsReadOnly)
        {
            return new WriteResult.Failed(ChangesNothing);
        }
        var held = await fileLock.TakeAsync(path, cancellationToken);
        try
        {
            return held switch
            {
                StoreLock.Taken(var interrupted, _, _) => await TryWrite(at => work(at, interrupted)),
                StoreLock.Busy(var holder) => new WriteResult.Failed(holder),
                StoreLock.Unavailable(var reason) => new WriteResult.Failed($"{path} cannot be locked: {reason}"),
                _ => throw new InvalidOperationException("a lock has no other outcome"),
            };
        }
        finally
        {
            held.Release();
        }
    }

    private WriteResult Mark(FileLocation at, StoreMarker marker, DateTimeOffset? interrupted)
    {
        var (before, content) = (MarkerReason(at), marker.ToBytes());
        var isSame = before is not null && ReadMarker(at) is { } theirs && (theirs.Store, theirs.Account) == (marker.Store, marker.Account);
        if (before is not null && !isSame)
        {
            return new WriteResult.Failed(before);
        }
        var isLost = before is null && interrupted is not null && !Recover(at);
        if (before is null)
        {
            var temporary = Unfinished(at.Target, "in-store");
            File.Delete(temporary);
            using (var file = AtomicFile.Create(temporary, content.Length, at.OwnerOfNewFile, out _))
            {
                AtomicFile.WriteAll(file, content);
            }
            File.Move(temporary, InStore(at.Target), overwrite: true);
        }
        // Without this, a power failure could remove the marker of a token that the shared store renews.
        return AtomicFile.FlushDirectory(AtomicFile.DirectoryOf(at.Target)) is { } failure
            ? new WriteResult.Failed($"the marker may not survive a power failure: {failure}")
            : new WriteResult.Written("", isLost ? $"the token request of {interrupted:u} was interrupted, so its refresh token may be spent" : null);
    }

    private WriteResult GiveBack(FileLocation at, Token token)
    {
        var (isMarked, found) = (MarkerReason(at) is not null, Read(at));
        switch (found)
        {
            case ReadResult.Held theirs when !isMarked:
                return Equals(theirs.Token.AccessToken, token.AccessToken) && Equals(theirs.Token.RefreshToken, token.RefreshToken)
                    ? new WriteResult.Written(theirs.Stamp)
                    : new WriteResult.Conflict(theirs);
            case ReadResult.LoggedOut when !isMarked:
                return new WriteResult.LoggedOut();
        }
        var result = Write(at, token, (found as ReadResult.Held)?.Stamp);
        if (result is WriteResult.Written written)
        {
            File.Delete(InStore(at.Target));
            var failure = AtomicFile.FlushDirectory(AtomicFile.DirectoryOf(at.Target));
            return written with { Warning = written.Warning ?? failure };
        }
        return result;
    }

    /// <summary>Why the file is not used; null if it is not marked. A damaged marker is one too: its token may be in use elsewhere.</summary>
    /// <exception cref="IOException">It is not certain whether there is a marker.</exception>
    private static string? MarkerReason(FileLocation at)
    {
        using (var file = Posix.OpenToRead(InStore(at.Target)))
        {
            if (file.IsInvalid)
            {
                return Posix.IsMissing ? null : throw Posix.Failure(InStore(at.RealPath));
            }
        }
        return ReadMarker(at)?.Reason ?? $"its token is in a shared store, and its marker {InStore(at.RealPath)} is damaged; find the account "
            + "there, and give it back with: oauth-exporter-cluster store export NAME";
    }

    private static StoreMarker? ReadMarker(FileLocation at) =>
        TokenFile.ReadOwn(InStore(at.Target), LargestRecord) is { } content ? StoreMarker.Parse(content) : null;

    private static string InStore(string target) => $"{target}.in-store";
}
