using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;

namespace Exporter.Tokens;

/// <summary>Reads and deletes a token file.</summary>
internal static partial class TokenFile
{
    /// <summary>The largest size in bytes.</summary>
    public const int Largest = 1 << 20;

    /// <summary>The content in UTF-8, in which the file is also written; null when there is no file.</summary>
    public static (byte[]? Content, UnixFileMode Mode) Read(string target)
    {
        var (content, mode) = Read(target, Largest + 1, readsFilesOfRoot: true);
        return (content is null ? null : ByteOrderMark.ToUtf8(content), mode);
    }

    /// <summary>
    /// The content, up to a number of bytes; null when there is no file. .NET takes a shared lock on the file itself,
    /// which blocks no other process of this program.
    /// </summary>
    /// <param name="readsFilesOfRoot">Whether a command reads a file that root put into a directory of another user.</param>
    public static (byte[]? Content, UnixFileMode Mode) Read(string target, int largest, bool readsFilesOfRoot)
    {
        try
        {
            using var file = CurrentStoreAccess.IsOwners ? OpenAsOwner(target, readsFilesOfRoot) : Open(target);
            var content = new byte[Math.Min(file.Length, largest)];
            var length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            return (content[..length], File.GetUnixFileMode(file.SafeFileHandle));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, UnixFileMode.None);
        }
    }

    /// <summary>The content of a file of this program, up to a number of bytes. Null when there is none, or a link or a pipe instead.</summary>
    public static byte[]? ReadOwn(string target, int largest)
    {
        using var handle = Posix.OpenToRead(target);
        if (Posix.StatusOf(handle) is not { IsFile: true })
        {
            return null;
        }
        var content = new byte[largest];
        return content[..RandomAccess.Read(handle, content, 0)];
    }

    private static FileStream Open(string target) =>
        new(target, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    /// <summary>The owner may have planted a link or a pipe, also as a copy of the token.</summary>
    private static FileStream OpenAsOwner(string target, bool readsFilesOfRoot)
    {
        var file = Posix.OpenToRead(target);
        if (file.IsInvalid)
        {
            var failure = Posix.IsMissing ? new FileNotFoundException(null, target) : Posix.Failure(target);
            file = (readsFilesOfRoot ? OpenFileOfRoot(target) : null) ?? throw failure;
        }
        else if (Posix.StatusOf(file) is not { IsFile: true })
        {
            file.Dispose();
            throw new IOException($"{target} is not a regular file");
        }
        Posix.LockShared(file, target);
        return new FileStream(file, FileAccess.Read, bufferSize: 0);
    }

    /// <summary>
    /// Opens a file that root put into a directory of another user, and that this user cannot read; null if it is not such a file. A second
    /// name could be a hard link, which the other user created.
    /// </summary>
    private static SafeFileHandle? OpenFileOfRoot(string target)
    {
        using var root = FileSystemIdentity.Assume((Posix.Root, Posix.Root));
        var file = Posix.OpenToRead(target);
        if (Posix.StatusOf(file) is { IsFile: true, Owner: Posix.Root, Names: 1 })
        {
            return file;
        }
        file.Dispose();
        return null;
    }

    /// <summary>Deletes the file. A single file that is mounted into a container cannot be deleted and becomes empty.</summary>
    public static void Delete(string target)
    {
        try
        {
            File.Delete(target);
        }
        catch (IOException e) when (e.HResult == Posix.Busy)
        {
            using var file = new FileStream(target, FileMode.Truncate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            file.Flush(flushToDisk: true);
        }
    }

    /// <summary>The message without the random name of a temporary file, so that a repeated problem is logged once.</summary>
    public static string Explain(Exception e)
    {
        if (e is IOException { HResult: Posix.WouldBlock })
        {
            return "another program holds a lock on the file itself";
        }
        var reason = Sanitize.Line(TemporaryName().Replace(e.Message, ".tmp").TrimEnd('.'));
        return e is UnauthorizedAccessException ? $"{reason}; this process may not" : reason;
    }

    [GeneratedRegex(@"\.[0-9a-f]{32}\.tmp")]
    private static partial Regex TemporaryName();
}
