namespace Exporter.Tokens;

/// <summary>
/// Replaces a small file so that a reader, a crash or a full disk leaves the old content or the new one, never a part. It creates a
/// temporary file with mode 0600 in the same directory, flushes it, renames it over the old file and flushes the directory.
/// </summary>
public static class AtomicFile
{
    /// <summary>Mode 0600, from the creation of each file.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>No running process uses a temporary file that is older.</summary>
    private static readonly TimeSpan StaleAfter = TimeSpan.FromHours(1);

    /// <summary>The path without symbolic links. Links that cannot be read or form a circle stay in it.</summary>
    public static string RealPath(string path)
    {
        var linksLeft = 40;
        return Resolve(Path.GetFullPath(path));

        string Resolve(string part)
        {
            if (Path.GetDirectoryName(part) is not { } directory)
            {
                return part;
            }
            var parent = Resolve(directory);
            var real = Path.GetFileName(part) switch
            {
                ".." => Path.GetDirectoryName(parent) ?? parent,
                "." => parent,
                var name => Path.Combine(parent, name),
            };
            try
            {
                return new FileInfo(real).LinkTarget is { } target && linksLeft-- > 0 ? Resolve(Path.Combine(parent, target)) : real;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return real;
            }
        }
    }

    /// <summary>Replaces the file. Returns a warning when the save is less safe than it could be.</summary>
    /// <exception cref="IOException">It could not be written; the old content is still there.</exception>
    /// <exception cref="UnauthorizedAccessException">It could not be written for lack of permissions; the old content is still there.</exception>
    public static string? Replace(string path, ReadOnlySpan<byte> content)
    {
        using var prepared = PreparedFile.For(path, content.Length);
        return prepared.Write(content.ToArray());
    }

    /// <summary>The content, up to a number of bytes; null when there is no file.</summary>
    /// <exception cref="IOException">It could not be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It could not be read for lack of permissions.</exception>
    public static byte[]? Read(string path, int largest)
    {
        try
        {
            return FileLocation.Use(path, location => TokenFile.Read(location.Target, largest, readsFilesOfRoot: false).Content);
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Creates a file with its whole content. Of several concurrent calls, one succeeds. Returns false when the file exists.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It could not be written for lack of permissions.</exception>
    public static bool TryCreate(string path, byte[] content) => FileLocation.Use(path, location => TryCreate(location, content));

    private static bool TryCreate(FileLocation location, byte[] content)
    {
        var (path, temporary) = (location.Target, Temporary(location.Target));
        try
        {
            using (var file = Create(temporary, content.Length, location.OwnerOfNewFile, out _))
            {
                WriteAll(file, content);
            }
            if (Posix.TryLink(temporary, path) is { } isCreated)
            {
                FlushDirectory(DirectoryOf(path));
                return isCreated;
            }
            File.Move(temporary, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
        finally
        {
            TryDelete(temporary);
        }
    }

    /// <summary>Contains the old content during a write in place.</summary>
    internal static string Backup(string target) => Path.Combine(DirectoryOf(target), $".{Path.GetFileName(target)}.backup");

    /// <summary>The newest complete temporary file that a crash left before its rename. Null when there is none.</summary>
    internal static byte[]? FindUnfinished(string target)
    {
        var newest = Temporaries(target).Select(name => new FileInfo(name))
            .Where(file => file.LinkTarget is null && file.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(target))
            .MaxBy(file => file.LastWriteTimeUtc);
        return newest is { Length: > 0 } && File.ReadAllBytes(newest.FullName) is var content && !content.Contains((byte)0) ? content : null;
    }

    /// <summary>Removes old temporary files of killed processes. The file was written just now, so its time is the disk's clock.</summary>
    internal static void DeleteStale(string target)
    {
        try
        {
            var old = File.GetLastWriteTimeUtc(target) - StaleAfter;
            foreach (var temporary in Temporaries(target).Where(name => File.GetLastWriteTimeUtc(name) < old))
            {
                File.Delete(temporary);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Stale files in a directory that cannot be listed do no harm.
        }
    }

    /// <summary>
    /// Deletes the backup and the temporary files, which contain tokens. Only for the owner of the store's lock: no other process is saving.
    /// </summary>
    internal static void DeleteCopies(string target)
    {
        foreach (var copy in Temporaries(target).Append(Backup(target)))
        {
            File.Delete(copy);
        }
    }

    internal static string Temporary(string target) => Path.Combine(DirectoryOf(target), $".{Path.GetFileName(target)}.{Guid.NewGuid():N}.tmp");

    private static IEnumerable<string> Temporaries(string target) =>
        Directory.EnumerateFiles(DirectoryOf(target), $".{Path.GetFileName(target)}.*.tmp");

    internal static string DirectoryOf(string target) => Path.GetDirectoryName(target) is { Length: > 0 } directory ? directory : "/";

    /// <summary>Whether a directory does not accept new files, because of its permissions or its mount.</summary>
    internal static bool IsReadOnly(Exception e) => e is UnauthorizedAccessException or IOException { HResult: Posix.ReadOnly };

    /// <summary>Creates a file with mode 0600 and with its space reserved.</summary>
    /// <param name="hasOwner">Whether it belongs to <paramref name="owner"/>.</param>
    internal static FileStream Create(string name, int size, (uint User, uint Group)? owner, out bool hasOwner)
    {
        var file = new FileStream(name, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
            BufferSize = 0,
        });
        try
        {
            Posix.Reserve(file.SafeFileHandle, size);
        }
        catch (IOException)
        {
            file.Dispose();
            TryDelete(name);
            throw;
        }
        hasOwner = owner is not { } one || Posix.TryChangeOwner(file.SafeFileHandle, one);
        return file;
    }

    /// <summary>Writes the content of a new file to disk.</summary>
    internal static void WriteAll(FileStream file, ReadOnlySpan<byte> content)
    {
        // Sets the whole length first: after a crash, unwritten parts read as NUL bytes, and an incomplete file is recognized.
        file.SetLength(content.Length);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Returns a warning instead of throwing: the file is written, even if its name may not survive a power failure.</summary>
    internal static string? FlushDirectory(string directory)
    {
        try
        {
            Posix.FlushDirectory(directory);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{directory} cannot be flushed to disk: {Sanitize.Line(e.Message)}";
        }
    }

    internal static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A later save deletes it.
        }
    }
}
