using System.Text.RegularExpressions;

namespace Exporter.Tokens;

/// <summary>What is done to a token file on disk, but for writing it.</summary>
internal static partial class TokenFile
{
    /// <summary>No token file is larger.</summary>
    public const int Largest = 1 << 20;

    /// <summary>The content, up to one byte more than any token file has, or null when there is no file. The lock .NET takes for it is a shared one, on the file itself, which nobody of ours takes alone.</summary>
    public static (byte[]? Content, UnixFileMode Mode) Read(string target)
    {
        try
        {
            using var file = new FileStream(target, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            var content = new byte[Math.Min(file.Length, Largest + 1)];
            var length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            return (content[..length], File.GetUnixFileMode(file.SafeFileHandle));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, UnixFileMode.None);
        }
    }

    /// <summary>Deletes the file; a single file mounted into a container stays, and is emptied.</summary>
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

    /// <summary>Without the name of a temporary file, which differs every time: what was said once is not said again.</summary>
    public static string Explain(Exception e)
    {
        var reason = Sanitize.Line(TemporaryName().Replace(e.Message, ".tmp"));
        return e is UnauthorizedAccessException ? $"{reason}; this process may not" : reason;
    }

    [GeneratedRegex(@"\.[0-9a-f]{32}\.tmp")]
    private static partial Regex TemporaryName();
}
