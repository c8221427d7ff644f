namespace Exporter.Tokens;

/// <summary>
/// Replaces a small file so that a reader, a crash or a full disk sees the old content or the new one, never a part:
/// temporary file born 0600 in the same directory, flushed, renamed over the old one, directory flushed.
/// </summary>
public static class AtomicFile
{
    /// <summary>0600, which every file of ours is born with.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Temporary files older than this belong to nobody any more.</summary>
    private static readonly TimeSpan Litter = TimeSpan.FromHours(1);

    /// <summary>The file a path means: a symbolic link stays one, and what it points to is replaced.</summary>
    /// <exception cref="IOException">The links go round in a circle, or what is there is a directory, a pipe or a device.</exception>
    internal static string Target(string path)
    {
        // Asked of what is not there, ResolveLinkTarget throws.
        var target = new FileInfo(path).LinkTarget is null ? Path.GetFullPath(path) : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
        return Posix.IsSpecial(target) ? throw new IOException($"{target} is no ordinary file") : target;
    }

    /// <summary>Who a file at <paramref name="target"/> belongs to: its owner, else the directory's, so that a command run as root does not shut the daemon out.</summary>
    internal static (uint User, uint Group)? Owner(string target) => Posix.OwnerOf(target) ?? Posix.OwnerOf(DirectoryOf(target));

    /// <summary>Replaces the file; returns a warning when it is not written as well as it could be.</summary>
    /// <exception cref="IOException">It could not be written; the old content is still there.</exception>
    /// <exception cref="UnauthorizedAccessException">It could not be written for lack of permissions; the old content is still there.</exception>
    public static string? Replace(string path, ReadOnlySpan<byte> content)
    {
        using var prepared = PreparedFile.For(path, content.Length);
        return prepared.Write(content);
    }

    /// <summary>Writes a file that is not there yet, whole or not at all; of many who do that together one does it. False when it is there.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise, for want of rights.</exception>
    public static bool TryCreate(string path, ReadOnlySpan<byte> content)
    {
        var temporary = Temporary(path);
        try
        {
            using (var file = Create(temporary, content.Length, Owner(path), out _))
            {
                WriteWhole(file, content);
            }
            if (Posix.TryLink(temporary, path) is { } isOurs)
            {
                Flush(DirectoryOf(path));
                return isOurs;
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
            Discard(temporary);
        }
    }

    /// <summary>Where the old content is while a write in place lasts.</summary>
    internal static string Backup(string target) => Path.Combine(DirectoryOf(target), $".{Path.GetFileName(target)}.backup");

    /// <summary>
    /// The newest content that was written whole beside the file, after it, and not renamed over it, because a crash came
    /// between; null when there is none.
    /// </summary>
    internal static byte[]? CutOff(string target)
    {
        var newest = Temporaries(target).Select(name => new FileInfo(name)).Where(file => file.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(target)).MaxBy(file => file.LastWriteTimeUtc);
        return newest is { Length: > 0 } && File.ReadAllBytes(newest.FullName) is var content && !content.Contains((byte)0) ? content : null;
    }

    /// <summary>Removes the temporary files of processes that did not live to rename them. The file was written just now: its time is the disk's clock.</summary>
    internal static void Sweep(string target)
    {
        try
        {
            var old = File.GetLastWriteTimeUtc(target) - Litter;
            foreach (var temporary in Temporaries(target).Where(name => File.GetLastWriteTimeUtc(name) < old))
            {
                File.Delete(temporary);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Litter in a directory that cannot be listed harms nobody.
        }
    }

    internal static string Temporary(string target) => Path.Combine(DirectoryOf(target), $".{Path.GetFileName(target)}.{Guid.NewGuid():N}.tmp");

    private static IEnumerable<string> Temporaries(string target) => Directory.EnumerateFiles(DirectoryOf(target), $".{Path.GetFileName(target)}.*.tmp");

    internal static string DirectoryOf(string target) => Path.GetDirectoryName(target) is { Length: > 0 } directory ? directory : "/";

    /// <summary>Whether a directory takes no new files, by its permissions or by its mount.</summary>
    internal static bool IsClosed(Exception e) => e is UnauthorizedAccessException or IOException { HResult: Posix.ReadOnly };

    /// <summary>Creates a file, 0600 from the start, with its space reserved.</summary>
    /// <param name="hasOwner">Whether it belongs to <paramref name="owner"/>.</param>
    internal static FileStream Create(string name, int size, (uint User, uint Group)? owner, out bool hasOwner)
    {
        var file = new FileStream(name, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
            BufferSize = 0,
            PreallocationSize = size,
        });
        hasOwner = owner is not { } one || Posix.TryGive(file.SafeFileHandle, one);
        return file;
    }

    /// <summary>Writes the content of a new file to disk.</summary>
    internal static void WriteWhole(FileStream file, ReadOnlySpan<byte> content)
    {
        // Its whole length at once: what a crash leaves unwritten then reads as NULs, and differs from a whole file.
        file.SetLength(content.Length);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    /// <summary>The file is there; whether its name survives a power cut is another question, and no reason to call it unsaved.</summary>
    internal static string? Flush(string directory)
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

    internal static void Discard(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What cannot be deleted is swept up later.
        }
    }
}
