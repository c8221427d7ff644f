using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Library = BCrypt.Net.BCrypt;

namespace Exporter.Web;

/// <summary>
/// Password hashes by BCrypt.Net-Next. One password is checked at a time: each check takes tens of milliseconds of processor time on
/// purpose. Safe for concurrent use.
/// </summary>
public static partial class Bcrypt
{
    /// <summary>The cost that the documentation of exporter-toolkit recommends: 2^10 rounds.</summary>
    public const int Cost = 10;

    /// <summary>bcrypt ignores every byte after this one.</summary>
    public const int LongestPassword = 72;

    /// <summary>A hash with a higher cost works, but every login takes more than a second on a small machine.</summary>
    private const int HighestComfortableCost = 14;

    /// <summary>A hash with a higher cost keeps the processor busy for a minute or more.</summary>
    private const int HighestCost = 18;

    private static readonly SemaphoreSlim Turn = new(1);

    /// <summary>A new hash, with a salt of its own.</summary>
    /// <exception cref="ArgumentException">The password is longer than bcrypt reads, or it contains a NUL.</exception>
    public static string Hash(string password) =>
        Encoding.UTF8.GetByteCount(password) <= LongestPassword && !password.Contains('\0', StringComparison.Ordinal)
            ? Library.HashPassword(password, Library.GenerateSalt(Cost, bcryptMinorRevision: 'b'))
            : throw new ArgumentException($"bcrypt reads {LongestPassword} bytes and stops at a NUL.", nameof(password));

    internal static bool IsHash(string text) => Shape().IsMatch(text);

    /// <summary>
    /// What is wrong with a hash in a configuration file: it is none, or its cost is high. The time that a high cost takes is calculated from
    /// a measured check of a low one. Null where nothing is wrong.
    /// </summary>
    internal static (string Sentence, bool IsFatal)? Complaint(string hash)
    {
        if (!IsHash(hash))
        {
            return ("this is no bcrypt hash; make one with exporter hash-password", true);
        }
        if (int.Parse(hash.AsSpan(4, 2), CultureInfo.InvariantCulture) is not (> HighestComfortableCost and var cost))
        {
            return null;
        }
        // The second time counts: the first one includes the compiler's work.
        _ = Hash("");
        var started = TimeProvider.System.GetTimestamp();
        _ = Hash("");
        var expected = TimeProvider.System.GetElapsedTime(started) * (1L << (cost - Cost));
        return (string.Create(CultureInfo.InvariantCulture,
            $"a hash of cost {cost} takes about {expected.TotalSeconds:0.#} s of processor time at each check; make one with exporter hash-password"), cost > HighestCost);
    }

    /// <summary>Whether the hash belongs to this password. Compares in constant time.</summary>
    /// <param name="hash">A text for which <see cref="IsHash"/> is true.</param>
    internal static async Task<bool> VerifyAsync(string password, string hash, CancellationToken cancellationToken)
    {
        await Turn.WaitAsync(cancellationToken);
        try
        {
            // Not on the thread that serves other connections. C libraries end a password at a NUL, so no stored hash has one.
            return !password.Contains('\0', StringComparison.Ordinal) && await Task.Run(() => Verify(password, hash), CancellationToken.None);
        }
        finally
        {
            Turn.Release();
        }
    }

    private static bool Verify(string password, string hash)
    {
        try
        {
            return Library.Verify(password, hash);
        }
        // The shape was checked, but its last character may still be one that encodes no salt.
        catch (Exception e) when (e is BCrypt.Net.SaltParseException or BCrypt.Net.HashInformationException or BCrypt.Net.BcryptAuthenticationException or ArgumentException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"^\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}\z")]
    private static partial Regex Shape();
}
