using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Exporter.Web;

/// <summary>
/// bcrypt by the system's own libcrypt, because no library for it is served. Passwords are checked one at a time: each takes
/// tens of milliseconds of a processor on purpose. Safe for concurrent use.
/// </summary>
public static partial class Bcrypt
{
    /// <summary>The work that exporter-toolkit's documentation advises: 2^10 rounds.</summary>
    public const int Cost = 10;

    /// <summary>bcrypt reads no further, and nobody is told.</summary>
    public const int LongestPassword = 72;

    /// <summary>More than struct crypt_data has with any libcrypt: 32 KiB with libxcrypt, 128 KiB and a little with the old glibc.</summary>
    private const int DataSize = 256 * 1024;

    private const string Library = "libcrypt";
    private const string Alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>Debian and most others; Fedora and Arch; Alpine, whose C library does it itself.</summary>
    private static readonly string[] Names = ["libcrypt.so.1", "libcrypt.so.2", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

    private static readonly SemaphoreSlim Turn = new(1);
    private static readonly Lazy<nint> Loaded = new(Load);

    /// <summary>Whether this system has a libcrypt that knows bcrypt.</summary>
    public static bool IsAvailable => Loaded.Value != 0 && Crypt("", $"$2b$04${new string('.', 22)}") is not null;

    /// <summary>What a person does where <see cref="IsAvailable"/> says no.</summary>
    public static string Remedy => "this system has no libcrypt with bcrypt; install it (Debian: libcrypt1, Fedora: libxcrypt)";

    /// <summary>A new hash, with a salt of its own.</summary>
    /// <exception cref="ArgumentException">The password is longer than bcrypt reads, or holds a NUL.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no libcrypt.</exception>
    public static string Hash(string password)
    {
        if (Encoding.UTF8.GetByteCount(password) > LongestPassword || password.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException($"bcrypt reads {LongestPassword} bytes and stops at a NUL.", nameof(password));
        }
        return Crypt(password, $"$2b${Cost:00}${Base64(RandomNumberGenerator.GetBytes(16))}") ?? throw new PlatformNotSupportedException(Remedy);
    }

    internal static bool IsHash(string text) => Shape().IsMatch(text);

    /// <summary>Whether the hash is this password's. Compares in constant time.</summary>
    internal static async Task<bool> VerifyAsync(string password, string hash, CancellationToken cancellation)
    {
        await Turn.WaitAsync(cancellation);
        try
        {
            // Off the thread that serves other connections.
            var computed = await Task.Run(() => Crypt(password, hash), CancellationToken.None);
            // To C, a password ends at a NUL: what begins like the right one would pass for it.
            return computed is not null
                && !password.Contains('\0', StringComparison.Ordinal)
                && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(computed), Encoding.ASCII.GetBytes(hash));
        }
        finally
        {
            Turn.Release();
        }
    }

    private static string? Crypt(string password, string setting)
    {
        if (Loaded.Value == 0)
        {
            return null;
        }
        var data = Marshal.AllocHGlobal(DataSize);
        try
        {
            Marshal.Copy(new byte[DataSize], 0, data, DataSize);
            var computed = Marshal.PtrToStringUTF8(crypt_r(Encoding.UTF8.GetBytes(password + '\0'), Encoding.ASCII.GetBytes(setting + '\0'), data));
            // crypt(3): a failure is a null pointer, or a text that begins with an asterisk.
            return computed is null or ['*', ..] ? null : computed;
        }
        finally
        {
            // It holds what can be calculated back to the password.
            Marshal.Copy(new byte[DataSize], 0, data, DataSize);
            Marshal.FreeHGlobal(data);
        }
    }

    /// <summary>bcrypt's own base 64: six bits a letter, most significant first, without padding.</summary>
    private static string Base64(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        for (var bit = 0; bit < bytes.Length * 8; bit += 6)
        {
            var pair = bytes[bit / 8] << 8 | (bit / 8 + 1 < bytes.Length ? bytes[bit / 8 + 1] : 0);
            text.Append(Alphabet[pair >> (10 - bit % 8) & 63]);
        }
        return text.ToString();
    }

    private static nint Load()
    {
        nint handle = 0;
        foreach (var name in Names)
        {
            if (handle == 0 && NativeLibrary.TryLoad(name, out var found) && NativeLibrary.TryGetExport(found, nameof(crypt_r), out _))
            {
                handle = found;
            }
        }
        NativeLibrary.SetDllImportResolver(typeof(Bcrypt).Assembly, (name, _, _) => name == Library ? handle : 0);
        return handle;
    }

    [DllImport(Library), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint crypt_r(byte[] password, byte[] setting, nint data);

    [GeneratedRegex(@"^\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}\z")]
    private static partial Regex Shape();
}
