using Microsoft.Win32.SafeHandles;

namespace Exporter.Tokens;

/// <summary>
/// A directory that a command of root opened component by component. It follows a link only if root owns it and its directory: each other user
/// can plant links in its own directories, and move those of root there. What happens to the path afterwards does not matter, because the open
/// directory stays the same.
/// </summary>
internal sealed class OpenDirectory : IDisposable
{
    private const int LongestChain = 40;

    private readonly SafeFileHandle handle;
    private readonly bool isOnlyRoots;

    private OpenDirectory(SafeFileHandle handle, string realPath, bool isOnlyRoots)
    {
        (this.handle, this.isOnlyRoots, RealPath) = (handle, isOnlyRoots, realPath);
        Alias = isOnlyRoots ? realPath : $"/proc/self/fd/{handle.DangerousGetHandle()}";
        Owner = Posix.OwnerOf(handle) ?? throw Posix.Failure(realPath);
    }

    /// <summary>The path without links at the time of opening, for messages.</summary>
    public string RealPath { get; }

    /// <summary>
    /// A path of this open directory for system calls of this process (proc_pid_fd(5)), or the real path if no other user can change it.
    /// </summary>
    public string Alias { get; }

    public (uint User, uint Group) Owner { get; }

    /// <summary>Opens the directory at a path.</summary>
    /// <exception cref="IOException">It does not exist, or a link is another user's.</exception>
    public static OpenDirectory At(string path) => Open(Path.Combine(Path.GetFullPath(path), "."), out _);

    /// <summary>Opens the directory of a file, which need not exist. For a link, that is the directory of its target.</summary>
    /// <exception cref="IOException">A link is another user's, or the path is no regular file.</exception>
    public static (OpenDirectory Directory, string Name) Containing(string path)
    {
        var directory = Open(Path.GetFullPath(path), out var name);
        return name is not null ? (directory, name) : throw new IOException($"{path} is not a regular file");
    }

    /// <summary>Whether only root can change a file, or what its path leads to.</summary>
    public static bool IsOnlyRoots(string path)
    {
        try
        {
            var (directory, name) = Containing(path);
            using (directory)
            {
                using var file = Posix.OpenPath(directory.handle, name);
                return directory.isOnlyRoots && Posix.StatusOf(file) is { IsFile: true, IsOnlyRoots: true };
            }
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Does work with the file-system identity of the owner. Messages of exceptions contain the real path.</summary>
    public T Do<T>(Func<T> work)
    {
        using var identity = FileSystemIdentity.Assume(Owner);
        try
        {
            return work();
        }
        catch (UnauthorizedAccessException e) when (e.Message.Contains(Alias, StringComparison.Ordinal))
        {
            throw new UnauthorizedAccessException(e.Message.Replace(Alias, RealPath), e);
        }
        catch (IOException e) when (e.Message.Contains(Alias, StringComparison.Ordinal))
        {
            throw new IOException(e.Message.Replace(Alias, RealPath), e.HResult);
        }
    }

    public void Dispose() => handle.Dispose();

    private static OpenDirectory Open(string path, out string? file)
    {
        using var root = FileSystemIdentity.Assume((Posix.Root, Posix.Root));
        var (at, real, links, isOnlyRoots) = (Posix.OpenPath(null, "/"), "/", 0, true);
        var parts = new Stack<string>();
        Push(path);
        file = null;
        while (parts.TryPop(out var part))
        {
            var next = Posix.OpenPath(at, part);
            if (next.IsInvalid && Posix.IsMissing && parts.Count == 0)
            {
                file = part;
                break;
            }
            var full = part == "." ? real : part == ".." ? Path.GetDirectoryName(real) ?? "/" : Path.Combine(real, part);
            var status = Posix.StatusOf(next) ?? throw Posix.Failure(full);
            if (status.IsLink)
            {
                using (next)
                {
                    Follow(full, next, status.Owner);
                }
            }
            else if (status.IsDirectory)
            {
                at.Dispose();
                (at, real, isOnlyRoots) = (next, full, isOnlyRoots && status.IsOnlyRoots);
            }
            else
            {
                next.Dispose();
                file = status.IsFile && parts.Count == 0 ? part : throw new IOException($"{full} is not a regular file");
            }
        }
        return new OpenDirectory(at, real, isOnlyRoots);

        void Push(string more)
        {
            foreach (var part in more.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                parts.Push(part);
            }
        }

        void Follow(string full, SafeFileHandle link, uint owner)
        {
            var target = Posix.ReadLink(link) ?? throw Posix.Failure(full);
            // A user who may rename in the directory can move a link of root to another name.
            if (owner != Posix.Root || !isOnlyRoots)
            {
                var whose = owner == Posix.Root ? "in a directory of another user" : $"of user {owner}";
                throw new IOException($"{full} is a symbolic link {whose}, which root does not follow: name {Sanitize.Line(target)} instead");
            }
            if (++links > LongestChain)
            {
                throw new IOException($"the symbolic links at {full} form a circle");
            }
            if (target.StartsWith('/'))
            {
                at.Dispose();
                (at, real) = (Posix.OpenPath(null, "/"), "/");
            }
            Push(target);
        }
    }
}

/// <summary>Changes the user and group that the kernel checks for the files of this thread, until it is disposed on the same thread.</summary>
internal readonly struct FileSystemIdentity : IDisposable
{
    private readonly (uint User, uint Group) before;

    private FileSystemIdentity((uint User, uint Group) before) => this.before = before;

    /// <summary>A process without CAP_SETUID keeps its identity, which then has no rights over the files of other users.</summary>
    public static FileSystemIdentity Assume((uint User, uint Group) identity) => new(Posix.SetFileSystemIdentity(identity));

    public void Dispose() => Posix.SetFileSystemIdentity(before);
}
