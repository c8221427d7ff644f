namespace Exporter.Tokens;

/// <summary>
/// Replaces a small file so that a reader, a crash or a full disk sees the old content or the new one, never a part:
/// temporary file born 0600 in the same folder, flushed, renamed over the old one, folder flushed.
/// </summary>
internal static class AtomicFile
{
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Temporary files older than this belong to nobody any more.</summary>
    private static readonly TimeSpan Litter = TimeSpan.FromHours(1);

    /// <summary>The file a path means: a symbolic link stays one, and what it points to is replaced.</summary>
    /// <exception cref="IOException">The links go round in a circle.</exception>
    public static string Target(string path) => Path.GetFullPath(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);

    /// <summary>Who a new file beside <paramref name="target"/> belongs to: its owner, else the folder's, so that a command run as root does not shut the daemon out.</summary>
    public static (uint User, uint Group)? Owner(string target) => Posix.OwnerOf(target) ?? Posix.OwnerOf(Folder(target));

    /// <summary>Writes the file; what is returned is a warning when it had to be written in place.</summary>
    /// <exception cref="IOException">It could not be written; the old content is still there.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise, for want of rights.</exception>
    public static string? Replace(string path, ReadOnlySpan<byte> content)
    {
        var target = Target(path);
        var owner = Owner(target);
        var temporary = Path.Combine(Folder(target), $".{Path.GetFileName(target)}.{Guid.NewGuid():N}.tmp");
        string reason;
        try
        {
            if (TryCreate(temporary, content, owner))
            {
                File.Move(temporary, target, overwrite: true);
                Posix.FlushFolder(Folder(target));
                return null;
            }
            reason = "its owner cannot be given to a new file";
        }
        catch (IOException e) when (e.HResult == Posix.Busy)
        {
            // A single file mounted into a container cannot be renamed over.
            reason = "it is mounted as a single file; mount its folder instead";
        }
        finally
        {
            File.Delete(temporary);
        }
        WriteInPlace(target, content);
        return $"{path} was written in place, because {reason}; during the write {Path.GetFileName(Backup(target))} beside it holds the old content";
    }

    /// <summary>Where the old content is while a write in place lasts.</summary>
    public static string Backup(string target) => $"{target}.bak";

    /// <summary>Removes the temporary files of processes that did not live to rename them.</summary>
    public static void Sweep(string path, DateTimeOffset now)
    {
        var target = Target(path);
        foreach (var temporary in Directory.EnumerateFiles(Folder(target), $".{Path.GetFileName(target)}.*.tmp"))
        {
            if (File.GetLastWriteTimeUtc(temporary) < now.UtcDateTime - Litter)
            {
                File.Delete(temporary);
            }
        }
    }

    private static string Folder(string target) => Path.GetDirectoryName(target) is { Length: > 0 } folder ? folder : "/";

    /// <summary>False when the file could not be given to <paramref name="owner"/>.</summary>
    private static bool TryCreate(string temporary, ReadOnlySpan<byte> content, (uint User, uint Group)? owner)
    {
        using var file = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
            BufferSize = 0,
        });
        if (owner is { } one && !Posix.TryGive(file.SafeFileHandle, one))
        {
            return false;
        }
        file.Write(content);
        file.Flush(flushToDisk: true);
        return true;
    }

    /// <summary>
    /// Never truncates before the new content is there: a full disk would otherwise leave nothing. The old content stands
    /// beside it until the new one is on disk, so that a backup that is there tells of a write that did not end.
    /// </summary>
    private static void WriteInPlace(string target, ReadOnlySpan<byte> content)
    {
        using var file = new FileStream(target, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite,
            UnixCreateMode = OwnerOnly,
            BufferSize = 0,
        });
        var before = new byte[file.Length];
        file.ReadExactly(before);
        var backup = Backup(target);
        File.Delete(backup);
        TryCreate(backup, before, Posix.OwnerOf(file.SafeFileHandle));
        try
        {
            RandomAccess.Write(file.SafeFileHandle, content, 0);
            file.SetLength(content.Length);
            file.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            RandomAccess.Write(file.SafeFileHandle, before, 0);
            file.SetLength(before.Length);
            file.Flush(flushToDisk: true);
            throw;
        }
        File.SetUnixFileMode(file.SafeFileHandle, OwnerOnly);
        File.Delete(backup);
    }
}
