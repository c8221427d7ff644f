using System.Text;

namespace Exporter.Tokens;

/// <summary>A file of text that has to be small, read whole or refused in one sentence.</summary>
public static class SmallFile
{
    /// <returns>The text, or what is wrong.</returns>
    /// <param name="path">Of the file, absolute.</param>
    /// <param name="largest">In bytes.</param>
    public static (string? Text, string? Problem) Read(string path, int largest)
    {
        try
        {
            if (Directory.Exists(path))
            {
                return (null, $"{path} is a directory; name a file");
            }

            // Not by its length: that of a pipe or of a file under /proc says 0.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[largest + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return length > largest
                ? (null, $"the file {path} has more than {largest / 1024} kB; name another one")
                : (new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, 0, length).TrimStart('\uFEFF'), null);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, $"there is no file {path}; create it, or correct the path");
        }
        catch (UnauthorizedAccessException)
        {
            return (null, $"the file {path} may not be read; give this user the right to");
        }
        catch (DecoderFallbackException)
        {
            return (null, $"the file {path} is not text in UTF-8; save it as such");
        }
        catch (IOException e)
        {
            return (null, $"the file {path} cannot be read ({Sanitize.Line(e.Message)}); look whether it is a file");
        }
    }
}
