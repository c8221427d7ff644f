using System.Text;
using Exporter.Tokens;

namespace Exporter.Accounts;

/// <summary>A secret that stands alone in a file, as Docker, Kubernetes and systemd hand them out.</summary>
internal static class SecretFile
{
    private const int Largest = 65536;

    public static Parsed<Secret> Read(string path)
    {
        var (text, problem) = SmallFile.Read(path, Largest);
        if (text is null)
        {
            return new(null, problem);
        }

        // One line end is the editor's; anything more is the secret's own.
        var secret = text.EndsWith('\n') ? text[..^(text.EndsWith("\r\n", StringComparison.Ordinal) ? 2 : 1)] : text;
        return secret.Length > 0 ? Parsed.Value(new Secret(secret)) : Parsed.Problem<Secret>($"the file {path} is empty; write the secret into it");
    }
}

/// <summary>A file of text that has to be small, read whole or refused in one sentence.</summary>
public static class SmallFile
{
    /// <param name="path">Of the file, absolute.</param>
    /// <param name="largest">In bytes.</param>
    public static Parsed<string> Read(string path, int largest)
    {
        try
        {
            if (Directory.Exists(path))
            {
                return Parsed.Problem<string>($"{path} is a folder; name a file");
            }

            // Not by its length: that of a pipe or of a file under /proc says 0.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[largest + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return length > largest
                ? Parsed.Problem<string>($"the file {path} has more than {largest / 1024} kB; name another one")
                : Parsed.Value(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, 0, length).TrimStart('\uFEFF'));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Parsed.Problem<string>($"there is no file {path}; create it, or correct the path");
        }
        catch (UnauthorizedAccessException)
        {
            return Parsed.Problem<string>($"the file {path} may not be read; give this user the right to");
        }
        catch (DecoderFallbackException)
        {
            return Parsed.Problem<string>($"the file {path} is not text in UTF-8; save it as such");
        }
        catch (IOException e)
        {
            return Parsed.Problem<string>($"the file {path} cannot be read ({Quote.Plain(e.Message)}); look whether it is a file");
        }
    }
}
