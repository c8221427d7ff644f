using System.Security.Cryptography;

namespace Exporter.Tokens;

/// <summary>
/// A token in a file, which keeps its format. The lock file and, after a logout, the marker file are in the same directory. For a
/// symbolic link, that is the directory of its target, so that all processes agree.
/// </summary>
/// <param name="formats">The supported formats. A new file is written in the first.</param>
public sealed partial class FileStore(string path, IReadOnlyList<ITokenFormat> formats, TimeProvider time) : ITokenStore
{
    private const string ChangesNothing = "this command changes nothing";
    private const string NoToken = "it contains neither an access token nor a refresh token";

    /// <summary>Larger than most token files.</summary>
    private const int Reserved = 16 * 1024;

    private readonly FileLock fileLock = new(time);
    private ITokenFormat format = formats[0];
    private byte[] lastContent = [];
    private string? lockWarning;
    private string? recovered;
    private bool opened;
    private PreparedFile? prepared;

    /// <summary>The damaged content of the last read, and its copy if it could not be moved.</summary>
    private (string Stamp, string? Aside)? damaged;

    public string Location => path;

    public ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken) =>
        TryReadFile(at => MarkerReason(at) is { } reason ? new ReadResult.Unreadable(reason) : Read(at));

    public ValueTask<Result<IDisposable, string>> PrepareAsync(CancellationToken cancellationToken) => Try<Result<IDisposable, string>>(
        at =>
        {
            Take()?.Dispose();
            if (MarkerReason(at) is { } reason)
            {
                return reason;
            }
            // A write reads the file first.
            _ = TokenFile.Read(at.Target);
            return new(prepared = PreparedFile.For(path, Math.Max(Reserved, 2 * lastContent.Length)), null);
        },
        e => TokenFile.Explain(e));

    public ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken) =>
        Change(at => Write(at, token, expected));

    public async ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken)
    {
        if (CurrentStoreAccess.IsReadOnly)
        {
            return new StoreLock.Unavailable(ChangesNothing);
        }
        var taken = await fileLock.TakeAsync(path, cancellationToken);
        // A caller continues without a lock, but not with a token that is in a shared store.
        var isLocked = taken is StoreLock.Taken;
        if (taken is not StoreLock.Busy && await Try<string?>(MarkerReason, e => isLocked ? TokenFile.Explain(e) : null) is { } reason)
        {
            taken.Release();
            return new StoreLock.Busy(reason);
        }
        if (taken is StoreLock.Taken { Interrupted: not null } after
            && await Try<bool>(Recover, _ => false /* The same as a save that was interrupted earlier. */))
        {
            taken = after with { Interrupted = null };
        }
        return taken;
    }

    private ValueTask<WriteResult> Change(Func<FileLocation, WriteResult> work) => CurrentStoreAccess.IsReadOnly
        ? new(new WriteResult.Failed(ChangesNothing))
        : TryWrite(at => MarkerReason(at) is { } reason ? new WriteResult.Failed(reason) : work(at));

    private ValueTask<WriteResult> TryWrite(Func<FileLocation, WriteResult> work) =>
        Try(at => SpareDescriptor.Use(() => work(at)), e => new WriteResult.Failed(TokenFile.Explain(e)));

    private ValueTask<ReadResult> TryReadFile(Func<FileLocation, ReadResult> work) =>
        Try(work, e => e is DirectoryNotFoundException ? new ReadResult.Empty() : new ReadResult.Unreadable(TokenFile.Explain(e)));

    private ValueTask<T> Try<T>(Func<FileLocation, T> work, Func<Exception, T> otherwise)
    {
        try
        {
            return new(FileLocation.Use(path, work));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(otherwise(e));
        }
    }

    private WriteResult Write(FileLocation at, Token token, string? expected)
    {
        switch (Read(at))
        {
            case ReadResult.Held theirs when theirs.Stamp != expected:
                return new WriteResult.Conflict(theirs);
            case ReadResult.LoggedOut when expected is not null:
                return new WriteResult.LoggedOut();
            case ReadResult.Unreadable(var reason):
                return new WriteResult.Failed(reason);
            case ReadResult.Damaged { SetAside: null }:
                SetAside(at);
                break;
        }
        var content = format.Write(token, lastContent);
        var warning = Write(content);
        File.Delete(Marker(at.Target));
        DeleteRecord(at.Target);
        (lastContent, recovered) = (content, null);
        return new WriteResult.Written(StampOf(content), warning);
    }

    private string? Write(byte[] content)
    {
        try
        {
            using var ready = Take();
            using var file = ready is { IsCurrent: true } ? null : PreparedFile.For(path, content.Length);
            return (file ?? ready)!.Write(content);
        }
        catch (IOException e) when (Posix.IsFull(e))
        {
            using var file = PreparedFile.LastResort(path, Sanitize.Line(e.Message));
            return file.Write(content);
        }
    }

    private PreparedFile? Take() => Interlocked.Exchange(ref prepared, null);

    private ReadResult Read(FileLocation at)
    {
        var target = at.Target;
        var first = !opened;
        if (first)
        {
            lockWarning = FileLock.Warning(target);
            opened = true;
        }
        var (content, mode) = TokenFile.Read(target);
        if (content is not { Length: > 0 } && File.Exists(Marker(target)))
        {
            return new ReadResult.LoggedOut();
        }
        if (content is null)
        {
            return new ReadResult.Empty();
        }
        var (token, reason) = TryRead(content);
        if (token is not null)
        {
            damaged = null;
            lastContent = content;
            return new ReadResult.Held(token, StampOf(content)) { Warning = recovered ?? Exposure(mode) ?? lockWarning };
        }
        return (ReadResult?)FromBackup(target)
            ?? (FormatOf(content).IsShared ? WithoutToken(target, content, reason!) : Damaged(at, content, reason!, first));
    }

    /// <summary>A file that is shared with other programs stays unchanged.</summary>
    private ReadResult WithoutToken(string target, byte[] content, string reason)
    {
        if (reason != NoToken)
        {
            return new ReadResult.Unreadable($"{reason}; correct it");
        }
        lastContent = content;
        return File.Exists(Marker(target)) ? new ReadResult.LoggedOut() : new ReadResult.Empty();
    }

    /// <summary>
    /// Finishes a save that was interrupted between the temporary file and its rename: the refresh token that was sent for it may be
    /// single-use.
    /// </summary>
    private bool Recover(FileLocation at)
    {
        var target = at.Target;
        if (File.Exists(Marker(target)) || AtomicFile.FindUnfinished(target) is not { } content || TryRead(content).Value is null)
        {
            return false;
        }
        AtomicFile.Replace(path, content);
        AtomicFile.DeleteCopies(target);
        recovered = $"{path} was being saved when its process was killed; the save was finished from its temporary file";
        return true;
    }

    private string? Exposure(UnixFileMode mode) => (mode & ~AtomicFile.OwnerOnly) == 0
        ? null
        : $"{path} is open to others (mode 0{Convert.ToString((int)mode, 8)}) until it is saved again: chmod 600 {path}";

    private Result<Token, string> TryRead(byte[] content)
    {
        if (content.Length > TokenFile.Largest)
        {
            return $"it is larger than {TokenFile.Largest >> 20} MiB";
        }
        var found = FormatOf(content);
        try
        {
            var token = found.Read(content).Trimmed();
            if (token.AccessToken is null && token.RefreshToken is null)
            {
                return NoToken;
            }
            format = found;
            return token;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    /// <summary>The content before a write in place that did not finish.</summary>
    private ReadResult.Held? FromBackup(string target)
    {
        if (TokenFile.Read(AtomicFile.Backup(target)).Content is not { } content || TryRead(content).Value is not { } token)
        {
            return null;
        }
        lastContent = content;
        return new ReadResult.Held(token, StampOf(content));
    }

    /// <summary>Another process may be writing the file. While this process runs, only the second read in a row sets it aside.</summary>
    private ReadResult.Damaged Damaged(FileLocation at, byte[] content, string reason, bool first)
    {
        var stamp = Stamp(content);
        var seen = damaged?.Stamp == stamp;
        if (content.Length == 0 || (seen && damaged?.Aside is not null))
        {
            return new ReadResult.Damaged(reason, seen ? damaged?.Aside : null);
        }
        damaged = (stamp, null);
        if ((!first && !seen) || CurrentStoreAccess.IsReadOnly)
        {
            return new ReadResult.Damaged(reason, null);
        }
        try
        {
            return new ReadResult.Damaged(reason, SetAside(at));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ReadResult.Damaged($"{reason}; it cannot be set aside ({TokenFile.Explain(e)})", null);
        }
    }

    /// <summary>Renames a damaged file, and never deletes it. A mounted file cannot be renamed and is copied.</summary>
    private string? SetAside(FileLocation at)
    {
        var target = at.Target;
        lastContent = [];
        if (new FileInfo(target) is not { Exists: true, Length: > 0 })
        {
            return null;
        }
        var name = $"{target}.corrupt-{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}";
        var aside = name;
        for (var again = 2; File.Exists(aside); again++)
        {
            aside = $"{name}-{again}";
        }
        try
        {
            File.Move(target, aside, overwrite: true);
            damaged = null;
        }
        catch (IOException e) when (e.HResult == Posix.Busy)
        {
            File.Copy(target, aside);
            damaged = damaged is { } seen ? seen with { Aside = $"{at.RealPath}{aside[target.Length..]}" } : null;
        }
        return $"{at.RealPath}{aside[target.Length..]}";
    }

    private ITokenFormat FormatOf(byte[] content) =>
        formats.FirstOrDefault(f => f.Recognises(content)) ?? (SealedTokenFormat.IsSealed(content) ? SealedTokenFormat.WithoutKeys : format);

    /// <summary>For a shared file, only the token's part counts.</summary>
    private string StampOf(byte[] content) => Stamp(format.IsShared ? format.Write(format.Read(content), []) : content);

    private static string Stamp(ReadOnlySpan<byte> content) => Convert.ToHexString(SHA256.HashData(content));
}
