namespace Exporter.Tokens;

/// <summary>
/// Where a file is, and the rights to use it. A command of root opens the directory once, without following a link of another user, and then
/// works relative to it with the file-system identity of its owner (setfsuid(2)). So nothing that this owner plants there, and no directory
/// that is replaced meanwhile, gives it more rights than it has. Every other process uses the real path with its own rights.
/// </summary>
internal sealed class FileLocation : IDisposable
{
    private readonly OpenDirectory? directory;

    private FileLocation(string name, OpenDirectory directory) =>
        (this.directory, RealPath, Target) = (directory, Path.Combine(directory.RealPath, name), Path.Combine(directory.Alias, name));

    private FileLocation(string target) => RealPath = Target = target;

    /// <summary>The path for system calls.</summary>
    public string Target { get; }

    /// <summary>The path for messages.</summary>
    public string RealPath { get; }

    /// <summary>The owner for a new file: of the replaced file, or of its directory. Null if a new file has the right owner anyway.</summary>
    /// <exception cref="IOException">A command of root cannot replace the file without locking its owner out.</exception>
    public (uint User, uint Group)? OwnerOfNewFile
    {
        get
        {
            var owner = Posix.OwnerOf(Target);
            if (directory is null or { Owner.User: Posix.Root })
            {
                return owner ?? Posix.OwnerOf(AtomicFile.DirectoryOf(Target));
            }
            return owner is null || owner.Value.User == directory.Owner.User || owner.Value.User == Posix.Root
                ? null
                : throw new IOException($"{RealPath} belongs to another user than its directory: run the command as that user");
        }
    }

    /// <summary>The location of a file, which need not exist.</summary>
    /// <exception cref="IOException">The links form a circle, a link is another user's, or the path is a directory, a pipe or a device.</exception>
    public static FileLocation Of(string path)
    {
        if (CurrentStoreAccess.IsOwners)
        {
            var (directory, name) = OpenDirectory.Containing(path);
            return new FileLocation(name, directory);
        }
        var target = AtomicFile.RealPath(path);
        return Posix.IsSpecial(target) ? throw new IOException($"{target} is not a regular file") : new FileLocation(target);
    }

    /// <summary>Does work with the file, with the rights for it.</summary>
    /// <param name="work">Synchronous, because the rights are those of the thread.</param>
    /// <exception cref="IOException">The location is not valid, or from the work.</exception>
    public static T Use<T>(string path, Func<FileLocation, T> work)
    {
        using var location = Of(path);
        return location.Do(() => work(location));
    }

    /// <summary>Does work with the rights for this location.</summary>
    public T Do<T>(Func<T> work) => directory is null ? work() : directory.Do(work);

    public void Dispose() => directory?.Dispose();
}
