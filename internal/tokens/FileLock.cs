using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Exporter.Tokens;

/// <summary>
/// The lock of a token file: a file beside it that is opened with <see cref="FileShare.None"/>, which is flock(2), so that
/// the kernel releases it with the process and <c>flock</c> from a shell takes part. It stays when it is released, and
/// holds one line, "PID SENT": who has it, and when the token request in flight was sent.
/// </summary>
internal sealed class FileLock(TimeProvider time)
{
    /// <summary>Longer than a token request can last, so that a living holder ends first.</summary>
    private static readonly TimeSpan Patience = TokenEndpoint.Patience + TimeSpan.FromSeconds(10);

    internal static readonly IReadOnlySet<string> Networked = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "9p", "ceph", "fuse.sshfs" };

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public async ValueTask<StoreLock> TakeAsync(string path, (uint User, uint Group)? owner, CancellationToken cancellationToken)
    {
        // In steps, so that a process that was stopped meanwhile goes on waiting.
        for (var waits = Patience / Pause; ; waits--)
        {
            try
            {
                return Taken(Open(path, owner));
            }
            catch (IOException e) when (e.HResult == Posix.WouldBlock)
            {
                if (waits < 0)
                {
                    return new StoreLock.Busy(Holder(path) is { } holder ? $"process {holder} holds {path}" : $"another process holds {path}");
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return new StoreLock.Unavailable(Sanitize.Line(e.Message));
            }
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <summary>What speaks against a lock beside this file: flock on a network's file system may not reach other machines. Null when nothing does.</summary>
    public static string? Doubt(string target)
    {
        var fileSystem = FileSystemOf(target);
        return Networked.Contains(fileSystem)
            ? $"{target} is on {fileSystem}, where locks may not reach other machines: let only one program use it"
            : null;
    }

    private static string FileSystemOf(string target)
    {
        try
        {
            return new DriveInfo(Path.GetDirectoryName(target) ?? "/").DriveFormat;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return "";
        }
    }

    private static FileStream Open(string path, (uint User, uint Group)? owner)
    {
        var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            UnixCreateMode = AtomicFile.OwnerOnly,
            BufferSize = 0,
        });
        if (owner is { } one)
        {
            Posix.TryGive(file.SafeFileHandle, one);
        }
        return file;
    }

    private StoreLock.Taken Taken(FileStream file)
    {
        var interrupted = Sent(Read(file.SafeFileHandle));
        Note(file, $"{Environment.ProcessId}\n");
        return new StoreLock.Taken(
            interrupted,
            Sending: () => Note(file, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {time.GetUtcNow():O}\n")),
            Released: () =>
            {
                Note(file, "");
                file.Dispose();
            });
    }

    /// <summary>A full disk must not stop a renewal for want of its note.</summary>
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
        line.Split(' ') is [_, var sent] && DateTimeOffset.TryParse(sent.AsSpan().Trim(), CultureInfo.InvariantCulture, DateTimeStyles.None, out var at) ? at : null;

    private static string? Holder(string path)
    {
        using var file = Posix.OpenUnlocked(path);
        return !file.IsInvalid && Read(file).Split(' ', '\n')[0] is { Length: > 0 } holder ? holder : null;
    }
}
