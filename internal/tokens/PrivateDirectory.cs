namespace Exporter.Tokens;

/// <summary>Creates directories for tokens and state.</summary>
public static class PrivateDirectory
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Creates a directory and its missing parents with mode 0700. .NET gives parents all permissions that the umask allows.</summary>
    /// <exception cref="IOException">It cannot be created.</exception>
    /// <exception cref="UnauthorizedAccessException">The process lacks permissions.</exception>
    public static void Create(string path)
    {
        if (!Directory.Exists(path))
        {
            if (Path.GetDirectoryName(path) is { Length: > 0 } parent)
            {
                Create(parent);
            }
            Directory.CreateDirectory(path, OwnerOnly);
        }
    }
}
