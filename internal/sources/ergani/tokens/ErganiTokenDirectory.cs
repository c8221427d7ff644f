using System.Security.Cryptography;
using System.Text;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Ergani;

/// <summary>
/// A directory of token files, one per user and environment, for the owner's eyes only: the directory is 0700 and the files 0600, and
/// what is looser is tightened. A file's name is an HMAC of user and environment, whose key is a file in the directory that is made once: the
/// name tells nobody who the user is. Nothing on disk is touched before first use. Safe for concurrent use, also by other processes.
/// </summary>
/// <param name="path">Never below the root of a web server; it is made if it is missing.</param>
public sealed class ErganiTokenDirectory(string path, TimeProvider time, ILogger? logger = null)
{
    private const string KeyFile = ".ergani-key";
    private const string Prefix = "ergani-";
    private const string Suffix = ".json";
    private const UnixFileMode DirectoryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly ITokenFormat[] Formats = [new ErganiTokenFormat()];

    private readonly TimeProvider time = time;
    private readonly ILogger? logger = logger;

    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>The store of one login.</summary>
    public ITokenStore StoreOf(ErganiCredentials credentials) => new DirectoryStore(this, credentials);

    /// <summary>The token file of one login; also makes the directory and its key.</summary>
    /// <exception cref="IOException">The directory cannot be made or read.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise, for want of rights.</exception>
    public string FileOf(ErganiCredentials credentials)
    {
        Open();
        var who = Encoding.UTF8.GetBytes($"{credentials.Environment.Name}\0{credentials.Environment.Address.AbsoluteUri}\0{credentials.Username}");
        return In($"{Prefix}{Convert.ToHexStringLower(HMACSHA256.HashData(Key(), who))}{Suffix}");
    }

    /// <summary>
    /// Logs every login of this directory out here, as <see cref="ITokenStore.LogOutAsync"/> does; the provider is not told. Files that
    /// are not named by us stay, those of the OxygenSuite token manager too. How many there were, and why one could not be forgotten.
    /// </summary>
    public async Task<(int Forgotten, string? Failure)> ForgetAllAsync(CancellationToken cancellationToken)
    {
        var (forgotten, failure) = (0, (string?)null);
        foreach (var file in Directory.Exists(Path) ? Directory.GetFiles(Path, $"{Prefix}*{Suffix}") : [])
        {
            var store = new FileStore(file, Formats, time);
            var held = await store.LockAsync(cancellationToken);
            var outcome = await store.LogOutAsync(cancellationToken);
            held.Release();
            (forgotten, failure) = outcome is WriteResult.Failed(var reason) ? (forgotten, reason) : (forgotten + 1, failure);
        }
        return (forgotten, failure);
    }

    /// <summary>The file that the OxygenSuite token manager would use: a plain hash of user, password and environment.</summary>
    internal string LegacyFileOf(ErganiCredentials credentials) => In(Convert.ToHexStringLower(SHA256.HashData(
        Encoding.UTF8.GetBytes($"{credentials.Username}-{credentials.Password.Reveal()}-{credentials.Environment.Name}"))) + Suffix);

    /// <summary>Copies the token of the OxygenSuite token manager, once. Its file stays, because that program may still run.</summary>
    private void Import(ErganiCredentials credentials, string file)
    {
        var legacy = LegacyFileOf(credentials);
        if (!File.Exists(legacy) || File.Exists(file) || File.Exists($"{file}.signed-out"))
        {
            return;
        }
        AtomicFile.Replace(file, File.ReadAllBytes(legacy));
        logger?.LogWarning(
            "{Legacy} was copied to {File}. Its name is a hash of the password, which can be guessed offline: remove it once nothing else uses it; two programs on one token log each other out",
            legacy, System.IO.Path.GetFileName(file));
    }

    private void Open()
    {
        if (!Directory.Exists(Path))
        {
            Directory.CreateDirectory(Path, DirectoryMode);
        }
        Tighten(Path, DirectoryMode);
    }

    /// <summary>Of many that begin together all use the one that one of them has made.</summary>
    private byte[] Key()
    {
        var file = In(KeyFile);
        if (!File.Exists(file))
        {
            AtomicFile.TryCreate(file, RandomNumberGenerator.GetBytes(32));
        }
        Tighten(file, AtomicFile.OwnerOnly);
        var key = File.ReadAllBytes(file);
        return key.Length >= 32 ? key : throw new IOException($"{file} is no key: remove it, and log in again");
    }

    private void Tighten(string entry, UnixFileMode mode)
    {
        var before = File.GetUnixFileMode(entry);
        if ((before & ~mode) != 0)
        {
            File.SetUnixFileMode(entry, mode);
            logger?.LogWarning("{Entry} could be used by others (mode {Before}); it is for its owner alone now", entry, Convert.ToString((int)before, 8));
        }
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>A file store that comes to be with its directory, and whose directory's troubles are outcomes like the file's.</summary>
    private sealed class DirectoryStore(ErganiTokenDirectory directory, ErganiCredentials credentials) : ITokenStore
    {
        private FileStore? file;

        public string Location => file?.Location ?? directory.Path;

        public async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken)
        {
            try
            {
                return await File().ReadAsync(cancellationToken);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return new ReadResult.Unreadable(Sanitize.Line(e.Message));
            }
        }

        public async ValueTask<WritePreparation> PrepareAsync(CancellationToken cancellationToken)
        {
            try
            {
                return await File().PrepareAsync(cancellationToken);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return new WritePreparation.Failed(Sanitize.Line(e.Message));
            }
        }

        public ValueTask<WriteResult> WriteAsync(Token token, string? expected, CancellationToken cancellationToken) => SaveAsync(f => f.WriteAsync(token, expected, cancellationToken));

        public ValueTask<WriteResult> LogOutAsync(CancellationToken cancellationToken) => SaveAsync(f => f.LogOutAsync(cancellationToken));

        public async ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken)
        {
            try
            {
                return await File().LockAsync(cancellationToken);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return new StoreLock.Unavailable(Sanitize.Line(e.Message));
            }
        }

        private async ValueTask<WriteResult> SaveAsync(Func<FileStore, ValueTask<WriteResult>> save)
        {
            try
            {
                return await save(File());
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return new WriteResult.Failed(Sanitize.Line(e.Message));
            }
        }

        private FileStore File()
        {
            // The directory may have been removed, or loosened, while we run.
            var path = directory.FileOf(credentials);
            if (file?.Location != path)
            {
                directory.Import(credentials, path);
                file = new FileStore(path, Formats, directory.time);
            }
            if (System.IO.File.Exists(path))
            {
                directory.Tighten(path, AtomicFile.OwnerOnly);
            }
            return file;
        }
    }
}
