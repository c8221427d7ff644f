using System.Text.RegularExpressions;

namespace Exporter.Tokens;

/// <summary>Reads and deletes a token file.</summary>
internal static partial class TokenFile
{
    /// <summary>The largest size in bytes.</summary>
    public const int Largest = 1 << 20;

    public static (byte[]? Content, UnixFileMode Mode) Read(string target) => Read(target, Largest + 1);

    /// <summary>
    /// The content, up to a number of bytes; null when there is no file. .NET takes a shared lock on the file itself,
    /// which blocks no other process of this program.
    /// </summary>
    public static (byte[]? Content, UnixFileMode Mode) Read(string target, int largest)
    {
        try
        {
            using var file = Open(target);
            var content = new byte[Math.Min(file.Length, largest)];
            var length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            return (content[..length], File.GetUnixFileMode(file.SafeFileHandle));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, UnixFileMode.None);
        }
    }

    private static FileStream Open(string target)
    {
        try
        {
            return new FileStream(target, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (UnauthorizedAccessException) when (FileLocation.OpenFileOfRoot(target) is { } file)
        {
            return new FileStream(file, FileAccess.Read, bufferSize: 0);
        }
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
        var reason = Sanitize.Line(TemporaryName().Replace(e.Message, ".tmp"));
        return e is UnauthorizedAccessException ? $"{reason}; this process may not" : reason;
    }

    [GeneratedRegex(@"\.[0-9a-f]{32}\.tmp")]
    private static partial Regex TemporaryName();
}
