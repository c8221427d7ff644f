using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.RateLimiting;
using Library = BCrypt.Net.BCrypt;

namespace Exporter.Web;

/// <summary>
/// Password hashes by BCrypt.Net-Next. Checks one password at a time, because a check takes tens of milliseconds of processor time by design.
/// Safe for concurrent use.
/// </summary>
public static partial class Bcrypt
{
    /// <summary>The cost that exporter-toolkit's documentation recommends: 2^10 rounds.</summary>
    public const int Cost = 10;

    /// <summary>bcrypt ignores every byte after this one.</summary>
    public const int LongestPassword = 72;

    /// <summary>A hash with a higher cost works, but every login takes more than a second on a small machine.</summary>
    private const int MaxRecommendedCost = 14;

    /// <summary>A hash with a higher cost keeps the processor busy for a minute or more.</summary>
    private const int MaxCost = 18;

    /// <summary>The newest check runs first, so that a flood of wrong passwords delays its own checks and not a new one.</summary>
    private static readonly ConcurrencyLimiter Limiter =
        new(new ConcurrencyLimiterOptions { PermitLimit = 1, QueueLimit = 16, QueueProcessingOrder = QueueProcessingOrder.NewestFirst });

    /// <summary>Hashes a password with a random salt.</summary>
    /// <exception cref="ArgumentException">The password is longer than bcrypt supports, or it contains a NUL.</exception>
    public static string Hash(string password) =>
        Encoding.UTF8.GetByteCount(password) <= LongestPassword && !password.Contains('\0', StringComparison.Ordinal)
            ? Library.HashPassword(password, Library.GenerateSalt(Cost, bcryptMinorRevision: 'b'))
            : throw new ArgumentException($"bcrypt uses {LongestPassword} bytes and stops at a NUL.", nameof(password));

    internal static bool IsHash(string text) => Pattern().IsMatch(text);

    /// <summary>
    /// Describes an invalid hash or one with a high cost; null for a good hash. The time for a high cost is extrapolated from a low one.
    /// </summary>
    internal static (string Problem, bool IsFatal)? Validate(string hash)
    {
        if (!IsHash(hash))
        {
            return ("is not a bcrypt hash; make one with oauth-exporter hash-password", true);
        }
        if (int.Parse(hash.AsSpan(4, 2), CultureInfo.InvariantCulture) is not (> MaxRecommendedCost and var cost))
        {
            return null;
        }
        // The second run is measured: the first one includes JIT compilation.
        _ = Hash("");
        var started = TimeProvider.System.GetTimestamp();
        _ = Hash("");
        var expected = TimeProvider.System.GetElapsedTime(started) * (1L << (cost - Cost));
        var problem = string.Create(CultureInfo.InvariantCulture,
            $"a hash of cost {cost} takes about {expected.TotalSeconds:0.#} s of processor time at each check");
        return ($"{problem}; make one with oauth-exporter hash-password", cost > MaxCost);
    }

    /// <summary>
    /// Whether the password matches the hash, for which <see cref="IsHash"/> is true. Null when too many newer checks wait. Compares in
    /// constant time.
    /// </summary>
    internal static async Task<bool?> VerifyAsync(string password, string hash, CancellationToken cancellationToken)
    {
        using var lease = await Limiter.AcquireAsync(1, cancellationToken);
        if (!lease.IsAcquired)
        {
            return null;
        }
        try
        {
            // Not on a thread that serves other connections. C libraries stop at a NUL, so no stored hash was made from a password with one.
            return !password.Contains('\0', StringComparison.Ordinal)
                && await Task.Run(() => Library.Verify(password, hash), CancellationToken.None);
        }
        // A hash of the right shape can still contain a character that encodes no salt.
        catch (Exception e) when (e is BCrypt.Net.SaltParseException or BCrypt.Net.HashInformationException
            or BCrypt.Net.BcryptAuthenticationException or ArgumentException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"^\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}\z")]
    private static partial Regex Pattern();
}
