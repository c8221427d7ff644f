namespace Exporter.Tokens;

/// <summary>
/// A replacement of a small file that is ready before its content is known: a temporary file with its space reserved, or the file itself,
/// opened with its space reserved, where it must be written in place. A reader, a crash or a full disk sees the old content or the new one.
/// Not safe for concurrent use. Disposing discards what was not written.
/// </summary>
internal sealed class PreparedFile : IDisposable
{
    private readonly string path;
    private readonly FileStream file;

    /// <summary>The temporary file, or where the old content is while a write in place lasts.</summary>
    private readonly string beside;

    /// <summary>Why it is written in place, and its old content; null when it is renamed over.</summary>
    private readonly (string Reason, byte[] Before)? inPlace;

    private PreparedFile(string path, string target, FileStream file, string beside, (string Reason, byte[] Before)? inPlace) =>
        (this.path, Target, this.file, this.beside, this.inPlace) = (path, target, file, beside, inPlace);

    private string Target { get; }

    /// <summary>Whether this still is a replacement of what is at the path. Another process may have replaced the file or a link to it.</summary>
    public bool IsCurrent => AtomicFile.Target(path) == Target && (inPlace is null || Posix.IsSame(file.SafeFileHandle, Target));

    /// <param name="size">The expected size in bytes. A larger content is written too, without its space reserved.</param>
    /// <exception cref="IOException">It cannot be written; the file is as it was.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be written for lack of permissions; the file is as it was.</exception>
    public static PreparedFile For(string path, int size)
    {
        var target = AtomicFile.Target(path);
        if (!File.Exists(target))
        {
            // A file that is not there yet needs no owner of its own.
            return Temporary(path, target, size, out _);
        }
        if (Posix.IsMounted(target))
        {
            return InPlace(path, target, size, Mounted);
        }
        try
        {
            var temporary = Temporary(path, target, size, out var hasOwner);
            if (hasOwner)
            {
                return temporary;
            }
            temporary.Dispose();
            return InPlace(path, target, size, "its owner cannot be given to a new file");
        }
        catch (Exception e) when (AtomicFile.IsClosed(e))
        {
            return InPlace(path, target, size, "nothing can be created in its directory");
        }
    }

    /// <summary>Writes the content, once; returns a warning when it is not written as well as it could be.</summary>
    /// <exception cref="IOException">It could not be written; the old content is still there.</exception>
    /// <exception cref="UnauthorizedAccessException">It could not be written for lack of permissions; the old content is still there.</exception>
    public string? Write(ReadOnlySpan<byte> content)
    {
        if (inPlace is var (reason, before))
        {
            WriteInPlace(content, before);
            return $"{path} was written in place, because {reason}";
        }
        AtomicFile.WriteWhole(file, content);
        file.Dispose();
        try
        {
            File.Move(beside, Target, overwrite: true);
        }
        catch (IOException e) when (e.HResult == Posix.Busy)
        {
            // An old kernel does not tell that the file is mounted.
            using var place = InPlace(path, Target, content.Length, Mounted);
            return place.Write(content);
        }
        var warning = AtomicFile.Flush(AtomicFile.DirectoryOf(Target));
        AtomicFile.Sweep(Target);
        return warning;
    }

    public void Dispose()
    {
        file.Dispose();
        AtomicFile.Discard(beside);
    }

    private const string Mounted = "it is mounted as a single file; mount its directory instead";

    private static PreparedFile Temporary(string path, string target, int size, out bool hasOwner)
    {
        var name = AtomicFile.Temporary(target);
        var file = AtomicFile.Create(name, size, AtomicFile.Owner(target), out hasOwner);
        return new PreparedFile(path, target, file, name, null);
    }

    private static PreparedFile InPlace(string path, string target, int size, string reason)
    {
        var file = new FileStream(target, new FileStreamOptions
        {
            Mode = FileMode.Open,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
        });
        try
        {
            var before = new byte[file.Length];
            file.ReadExactly(before);
            Posix.Reserve(file.SafeFileHandle, size);
            return new PreparedFile(path, target, file, WriteBackup(target, file, before), (reason, before));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The old content is beside the file until the new content is on disk, so that a backup that is there tells of a write that did not
    /// finish. In a directory that takes no files there is none: a token that is in memory only would be worse.
    /// </summary>
    private static string WriteBackup(string target, FileStream file, byte[] before)
    {
        var backup = AtomicFile.Backup(target);
        AtomicFile.Discard(backup);
        try
        {
            using var copy = AtomicFile.Create(backup, before.Length, Posix.OwnerOf(file.SafeFileHandle), out _);
            AtomicFile.WriteWhole(copy, before);
        }
        catch (Exception e) when (AtomicFile.IsClosed(e))
        {
        }
        catch (IOException)
        {
            AtomicFile.Discard(backup);
            throw;
        }
        return backup;
    }

    /// <summary>Never truncates before the new content is there: a full disk would leave nothing.</summary>
    private void WriteInPlace(ReadOnlySpan<byte> content, byte[] before)
    {
        try
        {
            Overwrite(content);
        }
        catch (IOException)
        {
            Overwrite(before);
            throw;
        }
        try
        {
            // Unless another user owns the file: then its mode is what makes it writable.
            File.SetUnixFileMode(file.SafeFileHandle, AtomicFile.OwnerOnly);
        }
        catch (UnauthorizedAccessException)
        {
        }
    }

    private void Overwrite(ReadOnlySpan<byte> content)
    {
        RandomAccess.Write(file.SafeFileHandle, content, 0);
        file.SetLength(content.Length);
        file.Flush(flushToDisk: true);
    }
}
