namespace Exporter.Tokens;

/// <summary>
/// A replacement of a small file that is ready before its content is known: a temporary file with its space reserved, or the file itself,
/// opened with its space reserved, where it must be written in place. A reader, a crash or a full disk sees the old content or the new one.
/// Not safe for concurrent use. Disposing discards what was not written.
/// </summary>
/// <param name="beside">The temporary file, or the backup during a write in place.</param>
/// <param name="inPlace">The reason for a write in place, and the old content; null when the file is replaced.</param>
internal sealed class PreparedFile(string path, string target, FileStream file, string beside, (string Reason, byte[] Before)? inPlace) : IDisposable
{
    private bool isDisposed;

    /// <summary>
    /// Whether this still is a replacement of what is at the path. Another process may have replaced the file or a link to it, and disposing
    /// has discarded it.
    /// </summary>
    public bool IsCurrent => !isDisposed && AtomicFile.Target(path) == target && (inPlace is null || Posix.IsSame(file.SafeFileHandle, target));

    /// <param name="size">The expected size in bytes. A larger content is written too, without its space reserved.</param>
    /// <exception cref="IOException">It cannot be written; the file is unchanged.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be written for lack of permissions; the file is unchanged.</exception>
    public static PreparedFile For(string path, int size)
    {
        var target = AtomicFile.Target(path);
        if (!File.Exists(target))
        {
            // A new file needs no previous owner.
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
            return InPlace(path, target, size, "a new file cannot have its owner");
        }
        catch (Exception e) when (AtomicFile.IsReadOnly(e))
        {
            return InPlace(path, target, size, "its directory does not accept new files");
        }
    }

    /// <summary>Writes the content, once. Returns a warning when the save is less safe than it could be.</summary>
    /// <exception cref="IOException">It could not be written; the old content is still there.</exception>
    /// <exception cref="UnauthorizedAccessException">It could not be written for lack of permissions; the old content is still there.</exception>
    public string? Write(ReadOnlySpan<byte> content)
    {
        if (inPlace is var (reason, before))
        {
            WriteInPlace(content, before);
            return $"{path} was written in place, because {reason}";
        }
        AtomicFile.WriteAll(file, content);
        file.Dispose();
        try
        {
            File.Move(beside, target, overwrite: true);
        }
        catch (IOException e) when (e.HResult == Posix.Busy)
        {
            // An old kernel does not report that the file is mounted.
            using var place = InPlace(path, target, content.Length, Mounted);
            return place.Write(content);
        }
        var warning = AtomicFile.FlushDirectory(AtomicFile.DirectoryOf(target));
        AtomicFile.DeleteStale(target);
        return warning;
    }

    public void Dispose()
    {
        if (!isDisposed)
        {
            file.Dispose();
            AtomicFile.TryDelete(beside);
        }
        isDisposed = true;
    }

    private const string Mounted = "it is mounted as a single file; mount its directory instead";

    private static PreparedFile Temporary(string path, string target, int size, out bool hasOwner)
    {
        var name = AtomicFile.Temporary(target);
        var file = AtomicFile.Create(name, size, AtomicFile.OwnerFor(target), out hasOwner);
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
    /// The backup exists until the new content is on disk, so an existing backup means an unfinished write. A directory that accepts no
    /// files gets no backup: a token that is only in memory would be worse.
    /// </summary>
    private static string WriteBackup(string target, FileStream file, byte[] before)
    {
        var backup = AtomicFile.Backup(target);
        AtomicFile.TryDelete(backup);
        try
        {
            using var copy = AtomicFile.Create(backup, before.Length, Posix.OwnerOf(file.SafeFileHandle), out _);
            AtomicFile.WriteAll(copy, before);
        }
        catch (Exception e) when (AtomicFile.IsReadOnly(e))
        {
        }
        catch (IOException)
        {
            AtomicFile.TryDelete(backup);
            throw;
        }
        return backup;
    }

    /// <summary>Never truncates before the new content is written: a full disk would leave an empty file.</summary>
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
            // Fails if another user owns the file; then the file is writable only because of its mode.
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
