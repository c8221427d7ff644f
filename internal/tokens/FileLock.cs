using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Exporter.Tokens;

/// <summary>
/// The lock of a token file is another file, opened with <see cref="FileShare.None"/>, which is flock(2). The kernel releases it when the
/// process exits, and <c>flock</c> in a shell respects it. The file is not deleted. It contains one line, "PID SENT": the process that
/// holds the lock, and the time of the token request in flight.
/// </summary>
internal sealed class FileLock(TimeProvider time)
{
    /// <summary>Longer than a token request can last, so that a running holder finishes first.</summary>
    private static readonly TimeSpan Timeout = TokenEndpoint.RequestTimeout + TimeSpan.FromSeconds(10);

    internal static readonly IReadOnlySet<string> NetworkFileSystems = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
    {
        "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "9p", "ceph", "fuse.sshfs",
    };

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <param name="store">The file that the lock protects.</param>
    public async ValueTask<StoreLock> TakeAsync(string store, CancellationToken cancellationToken)
    {
        // In steps, so that a process that is stopped meanwhile continues to wait.
        for (var waits = Timeout / Pause; ; waits--)
        {
            try
            {
                return FileLocation.Use(store, at => Taken(Open(at)));
            }
            catch (IOException e) when (e.HResult == Posix.WouldBlock)
            {
                if (waits < 0)
                {
                    return new StoreLock.Busy(FileLocation.Use(store, Busy));
                }
            }
            catch (IOException e) when (Posix.IsOutOfDescriptors(e))
            {
                // Temporary, so the caller must not continue without a lock.
                return new StoreLock.Busy(Sanitize.Line(e.Message));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return new StoreLock.Unavailable(Sanitize.Line(e.Message));
            }
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <summary>On a network file system, flock may not reach other machines. Null when the file is on another file system.</summary>
    public static string? Warning(string target)
    {
        try
        {
            var fileSystem = new DriveInfo(Path.GetDirectoryName(target) ?? "/").DriveFormat;
            return NetworkFileSystems.Contains(fileSystem)
                ? $"{target} is on {fileSystem}, where locks may not reach other machines: let only one program use it"
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static string PathFor(string target) => $"{target}.lock";

    /// <summary>
    /// Creates the file exclusively, so that no link is followed, and gives it to the owner of the store. A file that exists keeps its owner.
    /// </summary>
    private static FileStream Open(FileLocation at)
    {
        var path = PathFor(at.Target);
        if (!File.Exists(path))
        {
            try
            {
                var created = Open(path, FileMode.CreateNew);
                if (at.OwnerOfNewFile is { } owner)
                {
                    Posix.TryChangeOwner(created.SafeFileHandle, owner);
                }
                return created;
            }
            catch (IOException) when (File.Exists(path) || Posix.IsSpecial(path))
            {
                // Another process created it.
            }
        }
        if (Posix.IsSpecial(path))
        {
            throw new IOException($"{PathFor(at.RealPath)} is not a regular file; remove it");
        }
        var file = Open(path, FileMode.Open);
        if (!Posix.IsSame(file.SafeFileHandle, path))
        {
            file.Dispose();
            throw new IOException($"{PathFor(at.RealPath)} was replaced");
        }
        return file;
    }

    private static FileStream Open(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (mode == FileMode.CreateNew)
        {
            options.UnixCreateMode = AtomicFile.OwnerOnly;
        }
        return new FileStream(path, options);
    }

    private StoreLock.Taken Taken(FileStream file)
    {
        var interrupted = Sent(Read(file.SafeFileHandle));
        Note(file, $"{Environment.ProcessId}\n");
        return new StoreLock.Taken(
            interrupted,
            Sending: () =>
            {
                Note(file, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {time.GetUtcNow():O}\n"));
                return null;
            },
            Released: () =>
            {
                Note(file, "");
                file.Dispose();
            });
    }

    /// <summary>A full disk must not stop a renewal because this line cannot be written.</summary>
    private static void Note(FileStream file, string line)
    {
        try
        {
            file.SetLength(0);
            RandomAccess.Write(file.SafeFileHandle, Encoding.ASCII.GetBytes(line), 0);
        }
        catch (IOException)
        {
        }
    }

    private static string Read(SafeFileHandle file)
    {
        Span<byte> line = stackalloc byte[128];
        return Encoding.ASCII.GetString(line[..RandomAccess.Read(file, line, 0)]);
    }

    private static DateTimeOffset? Sent(string line) =>
        line.Split(' ') is [_, var sent]
        && DateTimeOffset.TryParse(sent.AsSpan().Trim(), CultureInfo.InvariantCulture, DateTimeStyles.None, out var at) ? at : null;

    private static string Busy(FileLocation at)
    {
        using var file = Posix.OpenToRead(PathFor(at.Target));
        var holder = !file.IsInvalid && Read(file).Split(' ', '\n')[0] is { Length: > 0 } id ? $"process {id}" : "another process";
        return $"{holder} holds {PathFor(at.RealPath)}";
    }
}
