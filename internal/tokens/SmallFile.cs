using System.Text;

namespace Exporter.Tokens;

/// <summary>Reads a text file of limited size.</summary>
public static class SmallFile
{
    /// <returns>The text, or the problem as a sentence.</returns>
    /// <param name="path">Absolute.</param>
    /// <param name="largest">The largest size in bytes.</param>
    /// <param name="isReadAgain">Whether the file is read again while the program runs: a pipe or device would block the reader.</param>
    public static Result<string, string> Read(string path, int largest, bool isReadAgain = false)
    {
        try
        {
            if (Directory.Exists(path))
            {
                return new(null, $"{path} is a directory; name a file");
            }
            if (isReadAgain && Posix.IsSpecial(AtomicFile.RealPath(path)))
            {
                return new(null, $"{path} is a pipe or a device; name a regular file, because it is read again when it changes");
            }

            // Does not use the length: it is 0 for a pipe and for a file under /proc.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            // A buffer of the largest size would be in the large object heap, and most files have a few kB.
            using var content = new MemoryStream();
            var buffer = new byte[4096];
            while (content.Length <= largest && file.Read(buffer) is > 0 and var length)
            {
                content.Write(buffer, 0, length);
            }
            if (content.Length > largest)
            {
                return new(null, $"the file {path} has more than {largest / 1024} kB; name another one");
            }
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(ByteOrderMark.ToUtf8(content.ToArray()));
            return new(text.TrimStart('\uFEFF'), null);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new(null, $"there is no file {path}; create it, or correct the path");
        }
        catch (UnauthorizedAccessException)
        {
            return new(null, $"the file {path} cannot be read; permit this user to read it");
        }
        catch (DecoderFallbackException)
        {
            return new(null, $"the file {path} is not text in UTF-8; save it as such");
        }
        catch (IOException e)
        {
            return new(null, $"the file {path} cannot be read ({Sanitize.Line(e.Message)}); check that it is a file");
        }
    }
}
