using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Exporter.Ergani;

/// <summary>
/// A directory with a token file per user and environment. The directory has mode 0700 and the files 0600; looser modes are tightened. A file
/// name is an HMAC of user and environment, so that it does not reveal the user. Its key is a file that is created once in the directory.
/// The first use creates the directory. Safe for concurrent use, also by other processes.
/// </summary>
/// <param name="path">Must not be below the root of a web server. Created if missing.</param>
public sealed class ErganiTokenDirectory(string path, TimeProvider time, ILogger? logger = null)
{
    private const string KeyFile = ".ergani-key";
    private const string Prefix = "ergani-";
    private const string Suffix = ".json";

    private static readonly ITokenFormat[] Formats = [new ErganiTokenFormat()];

    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>The store for these credentials.</summary>
    public ITokenStore StoreOf(ErganiCredentials credentials) => new DirectoryStore(this, credentials);

    /// <summary>The token file for these credentials. Creates the directory and its key.</summary>
    /// <exception cref="IOException">The directory cannot be created or read.</exception>
    /// <exception cref="UnauthorizedAccessException">The process lacks permissions.</exception>
    public string FileOf(ErganiCredentials credentials) => Use(at => Combine(Path, NameOf(credentials, at)));

    /// <summary>
    /// Removes every token of this directory, as <see cref="ITokenStore.LogOutAsync"/> does. Sends nothing to Ergani. Other files stay,
    /// including those of the OxygenSuite token manager.
    /// </summary>
    /// <returns>The number of removed tokens, and the last failure.</returns>
    public async Task<(int Forgotten, string? Failure)> ForgetAllAsync(CancellationToken cancellationToken)
    {
        var (forgotten, failure) = (0, (string?)null);
        foreach (var file in Directory.Exists(Path) ? Directory.GetFiles(Path, $"{Prefix}*{Suffix}") : [])
        {
            var store = OpenFile(file);
            var held = await store.LockAsync(cancellationToken);
            var outcome = await store.LogOutAsync(cancellationToken);
            held.Release();
            (forgotten, failure) = outcome is WriteResult.Failed(var reason) ? (forgotten, reason) : (forgotten + 1, failure);
        }
        return (forgotten, failure);
    }

    private FileStore OpenFile(string file) => new(file, Formats, time);

    /// <summary>
    /// Copies the token of the OxygenSuite token manager once. Its file name is a plain hash of user, password and environment. The file
    /// stays, because that program may still run.
    /// </summary>
    private void Import(ErganiCredentials credentials, string directory, string name)
    {
        var key = Encoding.UTF8.GetBytes($"{credentials.Username}-{credentials.Password.Reveal()}-{credentials.Environment.Name}");
        var (legacy, file) = (Combine(directory, Convert.ToHexStringLower(SHA256.HashData(key)) + Suffix), Combine(directory, name));
        if (!File.Exists(legacy) || File.Exists(file) || File.Exists($"{file}.signed-out"))
        {
            return;
        }
        AtomicFile.Replace(Combine(Path, name), File.ReadAllBytes(legacy));
        logger?.LogWarning(
            "copied {Legacy} to {File}; remove the old file when no other program uses it. Its name is a hash of the password, which can be "
            + "guessed offline. Two programs that use one token log each other out", legacy, System.IO.Path.GetFileName(file));
    }

    /// <summary>Another program can remove the directory or loosen its mode at any time.</summary>
    /// <param name="work">Receives the path of the directory for system calls.</param>
    private T Use<T>(Func<string, T> work)
    {
        if (!CurrentStoreAccess.IsReadOnly)
        {
            PrivateDirectory.Create(Path);
        }
        return PrivateDirectory.Use(Path, at =>
        {
            Tighten(at, "", PrivateDirectory.OwnerOnly);
            return work(at);
        });
    }

    private string NameOf(ErganiCredentials credentials, string at)
    {
        var user = Encoding.UTF8.GetBytes($"{credentials.Environment.Name}\0{credentials.Environment.Address.AbsoluteUri}\0{credentials.Username}");
        return $"{Prefix}{Convert.ToHexStringLower(HMACSHA256.HashData(ReadKey(at), user))}{Suffix}";
    }

    /// <summary>Processes that start at the same time use the same key: only one of them creates the file.</summary>
    private byte[] ReadKey(string at)
    {
        var name = Combine(Path, KeyFile);
        if (!File.Exists(Combine(at, KeyFile)))
        {
            AtomicFile.TryCreate(name, RandomNumberGenerator.GetBytes(32));
        }
        Tighten(at, KeyFile, AtomicFile.OwnerOnly);
        return AtomicFile.Read(name, 4096) is { Length: >= 32 } key
            ? key
            : throw new IOException($"{name} is not a valid key; remove it, and log in again");
    }

    private void Tighten(string at, string name, UnixFileMode mode)
    {
        var entry = Combine(at, name);
        if (CurrentStoreAccess.IsOwners && name.Length > 0 && new FileInfo(entry).LinkTarget is not null)
        {
            throw new IOException($"{Combine(Path, name)} is a symbolic link, which root does not follow");
        }
        var before = File.GetUnixFileMode(entry);
        if ((before & ~mode) != 0 && !CurrentStoreAccess.IsReadOnly)
        {
            File.SetUnixFileMode(entry, mode);
            logger?.LogWarning(
                "removed other users' access to {Entry} (mode was {Before})", Combine(Path, name), Convert.ToString((int)before, 8));
        }
    }

    private static string Combine(string directory, string name) => System.IO.Path.Combine(directory, name);

    /// <summary>A file store that creates its directory on demand, and reports the directory's errors as results.</summary>
    private sealed class DirectoryStore(ErganiTokenDirectory directory, ErganiCredentials credentials) : ITokenStore
    {
        private FileStore? file;

        public string Location => file?.Location ?? directory.Path;

        public ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken) =>
            CurrentStoreAccess.IsReadOnly && !File.Exists(Combine(directory.Path, KeyFile)) ? new(new ReadResult.Empty())
            : TryAsync<ReadResult>(store => store.ReadAsync(cancellationToken), reason => new ReadResult.Unreadable(reason));

        public ValueTask<Result<IDisposable, string>> PrepareAsync(CancellationToken cancellationToken) =>
            TryAsync<Result<IDisposable, string>>(store => store.PrepareAsync(cancellationToken), reason => reason);

        public ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken) =>
            TryAsync<WriteResult>(store => store.WriteAsync(token, expected, cancellationToken), reason => new WriteResult.Failed(reason));

        public ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken) =>
            TryAsync<WriteResult>(store => store.LogOutAsync(cancellationToken), reason => new WriteResult.Failed(reason));

        public ValueTask<string?> RecordAsync(TokenRecord record, string? stamp, CancellationToken cancellationToken) =>
            TryAsync<string?>(store => store.RecordAsync(record, stamp, cancellationToken), reason => reason);

        public ValueTask<TokenRecord?> ReadRecordAsync(string? stamp, CancellationToken cancellationToken) =>
            file?.ReadRecordAsync(stamp, cancellationToken) ?? default;

        public ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken) =>
            TryAsync<StoreLock>(store => store.LockAsync(cancellationToken), reason => new StoreLock.Unavailable(reason));

        private async ValueTask<T> TryAsync<T>(Func<FileStore, ValueTask<T>> use, Func<string, T> failed)
        {
            try
            {
                return await use(Open());
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return failed(Sanitize.Line(e.Message));
            }
        }

        private FileStore Open() => directory.Use(at =>
        {
            var name = directory.NameOf(credentials, at);
            var path = Combine(directory.Path, name);
            if (file?.Location != path)
            {
                directory.Import(credentials, at, name);
                file = directory.OpenFile(path);
            }
            if (File.Exists(Combine(at, name)))
            {
                directory.Tighten(at, name, AtomicFile.OwnerOnly);
            }
            return file;
        });
    }
}
