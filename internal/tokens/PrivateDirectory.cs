namespace Exporter.Tokens;

/// <summary>Creates and uses directories for tokens and state.</summary>
public static class PrivateDirectory
{
    /// <summary>Mode 0700.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Creates a directory and its missing parents with mode 0700. .NET gives parents all permissions that the umask allows.</summary>
    /// <exception cref="IOException">It cannot be created.</exception>
    /// <exception cref="UnauthorizedAccessException">The process lacks permissions.</exception>
    public static void Create(string path)
    {
        if (!Directory.Exists(path) && Path.GetDirectoryName(path) is { Length: > 0 } parent)
        {
            Create(parent);
            Use(parent, at => Directory.CreateDirectory(Path.Combine(at, Path.GetFileName(path)), OwnerOnly));
        }
    }

    /// <summary>Does work in a directory, with the rights of <see cref="CurrentStoreAccess"/>.</summary>
    /// <param name="work">Synchronous. Receives the path of the directory for system calls.</param>
    /// <exception cref="IOException">A link is another user's, or from the work.</exception>
    public static T Use<T>(string path, Func<string, T> work)
    {
        if (!CurrentStoreAccess.IsOwners)
        {
            return work(path);
        }
        using var directory = OpenDirectory.At(path);
        return directory.Do(() => work(directory.Alias));
    }
}
