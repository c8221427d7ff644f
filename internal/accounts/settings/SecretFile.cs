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
