namespace Exporter.Accounts;

/// <summary>A file that contains only a secret, as Docker, Kubernetes and systemd provide it.</summary>
internal static class SecretFile
{
    private const int Largest = 65536;

    public static Result<Secret, string> Read(string path)
    {
        var (text, problem) = SmallFile.Read(path, Largest);
        if (text is null)
        {
            return problem!;
        }
        // An editor adds one line ending; any others belong to the secret.
        var secret = text.EndsWith('\n') ? text[..^(text.EndsWith("\r\n", StringComparison.Ordinal) ? 2 : 1)] : text;
        return secret.Length > 0 ? new Secret(secret) : $"the file {path} is empty; write the secret into it";
    }
}
