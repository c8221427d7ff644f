using System.Security.Cryptography;

namespace Exporter.Tokens;

/// <summary>A token in a file, in the shape it came in. Beside the file stand its lock and, after a logout, its signed-out marker.</summary>
/// <param name="formats">The shapes a file may have; a new file is written in the first.</param>
public sealed class FileStore(string path, IReadOnlyList<ITokenFormat> formats, TimeProvider time) : ITokenStore
{
    /// <summary>No token file is larger.</summary>
    private const int Largest = 1 << 20;

    private readonly FileLock fileLock = new($"{path}.lock", time);
    private ITokenFormat format = formats[0];
    private byte[] lastContent = [];
    private string? damagedBefore;
    private bool opened;

    public string Location => path;

    private string Marker => $"{path}.signed-out";

    public ValueTask<Stored> ReadAsync(CancellationToken cancellation)
    {
        try
        {
            return new(Read());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(new Stored.Unreadable(Explain(e)));
        }
    }

    public ValueTask<Saved> WriteAsync(Token token, string? expected, CancellationToken cancellation)
    {
        try
        {
            switch (Read())
            {
                case Stored.Held theirs when theirs.Stamp != expected:
                    return new(new Saved.Conflict(theirs));
                case Stored.Damaged { SetAside: null }:
                    SetAside();
                    break;
            }
            var content = format.Write(token, lastContent);
            var warning = AtomicFile.Replace(path, content);
            File.Delete(Marker);
            lastContent = content;
            return new(new Saved.Done(Stamp(content), warning));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(new Saved.Failed(Explain(e)));
        }
    }

    /// <summary>The marker first: a crash between the two leaves an account signed out, not one that is half there.</summary>
    public ValueTask<Saved> SignOutAsync(CancellationToken cancellation)
    {
        try
        {
            AtomicFile.Replace(Marker, "The account of this token file was logged out. The next login removes this marker.\n"u8);
            File.Delete(AtomicFile.Target(path));
            File.Delete(AtomicFile.Backup(AtomicFile.Target(path)));
            return new(new Saved.Done(""));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(new Saved.Failed(Explain(e)));
        }
    }

    public ValueTask<StoreLock> LockAsync(CancellationToken cancellation) => fileLock.TakeAsync(AtomicFile.Owner(path), cancellation);

    private Stored Read()
    {
        if (!opened)
        {
            Sweep();
        }
        var first = !opened;
        opened = true;
        if (!File.Exists(path))
        {
            return File.Exists(Marker) ? new Stored.SignedOut() : new Stored.Empty();
        }
        var content = ReadFile(path);
        if (TryRead(content, out var reason) is { } token)
        {
            damagedBefore = null;
            lastContent = content;
            return new Stored.Held(token, Stamp(content));
        }
        if (FromBackup() is { } restored)
        {
            return restored;
        }
        // Somebody may be in the middle of writing it: while we run, it is set aside at the second look.
        var again = first || damagedBefore == Stamp(content);
        damagedBefore = Stamp(content);
        return new Stored.Damaged(reason, again ? SetAside() : null);
    }

    private Token? TryRead(byte[] content, out string reason)
    {
        var found = formats.FirstOrDefault(f => f.Recognises(content)) ?? format;
        try
        {
            var token = found.Read(content);
            if (token.AccessToken is null && token.RefreshToken is null)
            {
                reason = "it holds neither an access token nor a refresh token";
                return null;
            }
            (format, reason) = (found, "");
            return token;
        }
        catch (FormatException e)
        {
            reason = e.Message;
            return null;
        }
    }

    /// <summary>The content before a write in place that did not end.</summary>
    private Stored.Held? FromBackup()
    {
        var backup = AtomicFile.Backup(AtomicFile.Target(path));
        if (!File.Exists(backup) || ReadFile(backup) is not { } content || TryRead(content, out _) is not { } token)
        {
            return null;
        }
        lastContent = content;
        return new Stored.Held(token, Stamp(content));
    }

    /// <summary>Moves the damaged file out of the way; it is never deleted. Where it cannot be moved (a mounted file), it is copied.</summary>
    private string SetAside()
    {
        var target = AtomicFile.Target(path);
        var aside = $"{target}.corrupt-{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}";
        try
        {
            File.Move(target, aside, overwrite: true);
        }
        catch (IOException)
        {
            File.Copy(target, aside, overwrite: true);
        }
        (lastContent, damagedBefore) = ([], null);
        return aside;
    }

    private void Sweep()
    {
        try
        {
            AtomicFile.Sweep(path, time.GetUtcNow());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Litter in a folder that cannot be listed harms nobody.
        }
    }

    /// <summary>Opened so that nobody who writes or renames the file is disturbed: any other sharing mode would take a lock.</summary>
    private static byte[] ReadFile(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        if (file.Length > Largest)
        {
            throw new IOException($"{path} is larger than {Largest >> 20} MiB; that is no token file");
        }
        var content = new byte[file.Length];
        var length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        return content[..length];
    }

    private static string Stamp(ReadOnlySpan<byte> content) => Convert.ToHexString(SHA256.HashData(content));

    private static string Explain(Exception e) => e switch
    {
        UnauthorizedAccessException => $"{Plain.Line(e.Message)}; this process may not",
        _ => Plain.Line(e.Message),
    };
}
