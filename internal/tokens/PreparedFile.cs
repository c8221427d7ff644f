namespace Exporter.Tokens;

/// <summary>
/// A replacement of a small file that is ready before its content is known: a temporary file with its space reserved, or the file itself,
/// opened with its space reserved, where it must be written in place. A reader, a crash or a full disk sees the old content or the new one.
/// Not safe for concurrent use. Disposing discards what was not written.
/// </summary>
/// <param name="beside">The temporary file, or the backup during a write in place.</param>
/// <param name="inPlace">The reason for a write in place, and the old content; null when the file is replaced.</param>
internal sealed class PreparedFile(
    string path, FileLocation location, FileStream file, string beside, (string Reason, byte[] Before)? inPlace) : IDisposable
{
    private const string Mounted = "it is mounted as a single file; mount its directory instead";

    private bool isDisposed;

    /// <summary>
    /// Whether this still is a replacement of what is at the path. Another process may have replaced the file or a link to it, and disposing
    /// has discarded it.
    /// </summary>
    public bool IsCurrent =>
        !isDisposed && FileLocation.Use(path, now => now.RealPath == location.RealPath && (inPlace is null || IsSame(now.Target)));

    /// <param name="size">The expected size in bytes. A larger content is written too, without its space reserved.</param>
    /// <exception cref="IOException">It cannot be written; the file is unchanged.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be written for lack of permissions; the file is unchanged.</exception>
    public static PreparedFile For(string path, int size) => At(path, location =>
    {
        if (!File.Exists(location.Target))
        {
            // A new file needs no previous owner.
            return Temporary(path, location, size, out _);
        }
        if (Posix.IsMounted(location.Target))
        {
            return InPlace(path, location, size, Mounted);
        }
        try
        {
            var temporary = Temporary(path, location, size, out var hasOwner);
            if (hasOwner)
            {
                return temporary;
            }
            temporary.Discard();
            return InPlace(path, location, size, "a new file cannot have its owner");
        }
        catch (Exception e) when (AtomicFile.IsReadOnly(e))
        {
            return InPlace(path, location, size, "its directory does not accept new files");
        }
    });

    /// <summary>
    /// For an existing file on a full disk: the space that the file has already is used, without a backup. A refresh token that is only in
    /// memory would be worse.
    /// </summary>
    /// <exception cref="IOException">It cannot be written; the file is unchanged.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be written for lack of permissions; the file is unchanged.</exception>
    public static PreparedFile LastResort(string path, string reason) => At(path, location => InPlace(path, location, null, reason));

    /// <summary>Writes the content, once. Returns a warning when the save is less safe than it could be.</summary>
    /// <exception cref="IOException">It could not be written; the old content is still there.</exception>
    /// <exception cref="UnauthorizedAccessException">It could not be written for lack of permissions; the old content is still there.</exception>
    public string? Write(byte[] content) => location.Do(() =>
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
            File.Move(beside, location.Target, overwrite: true);
        }
        catch (IOException e) when (e.HResult == Posix.Busy)
        {
            // An old kernel does not report that the file is mounted.
            using var place = At(path, mounted => InPlace(path, mounted, content.Length, Mounted));
            return place.Write(content);
        }
        var warning = AtomicFile.FlushDirectory(AtomicFile.DirectoryOf(location.Target));
        AtomicFile.DeleteStale(location.Target);
        return warning;
    });

    public void Dispose()
    {
        if (!isDisposed)
        {
            location.Do(Discard);
            location.Dispose();
        }
        isDisposed = true;
    }

    private bool Discard()
    {
        file.Dispose();
        AtomicFile.TryDelete(beside);
        return true;
    }

    private static PreparedFile At(string path, Func<FileLocation, PreparedFile> prepare)
    {
        var location = FileLocation.Of(path);
        try
        {
            return location.Do(() => prepare(location));
        }
        catch
        {
            location.Dispose();
            throw;
        }
    }

    private static PreparedFile Temporary(string path, FileLocation location, int size, out bool hasOwner)
    {
        var name = AtomicFile.Temporary(location.Target);
        var file = AtomicFile.Create(name, size, location.OwnerOfNewFile, out hasOwner);
        return new PreparedFile(path, location, file, name, null);
    }

    /// <param name="size">The space to reserve; null for the last resort.</param>
    private static PreparedFile InPlace(string path, FileLocation location, int? size, string reason)
    {
        var file = new FileStream(location.Target, new FileStreamOptions
        {
            Mode = FileMode.Open,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
        });
        try
        {
            if (!Posix.IsSame(file.SafeFileHandle, location.Target))
            {
                throw new IOException($"{location.RealPath} was replaced by a link");
            }
            var before = new byte[file.Length];
            file.ReadExactly(before);
            var backup = AtomicFile.Backup(location.Target);
            if (size is { } space)
            {
                Posix.Reserve(file.SafeFileHandle, space);
                WriteBackup(backup, file, before);
            }
            return new PreparedFile(path, location, file, backup, (reason, before));
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
    private static void WriteBackup(string backup, FileStream file, byte[] before)
    {
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
    }

    /// <summary>Never truncates before the new content is written: a full disk would leave an empty file.</summary>
    private void WriteInPlace(byte[] content, byte[] before)
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

    private void Overwrite(byte[] content)
    {
        RandomAccess.Write(file.SafeFileHandle, content, 0);
        file.SetLength(content.Length);
        file.Flush(flushToDisk: true);
    }

    private bool IsSame(string target) => Posix.IsSame(file.SafeFileHandle, target);
}
