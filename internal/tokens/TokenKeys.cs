using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Exporter.Tokens;

/// <summary>
/// The keys that encrypt stored tokens (AES-256-GCM). The first key seals, and every key opens, so that keys can be replaced one by one. Its
/// messages contain no key. Immutable; safe for concurrent use.
/// </summary>
public sealed partial class TokenKeys
{
    private const int KeySize = 32;
    private const int LargestFile = 64 * 1024;
    private const string MakeKey = "make a key with: openssl rand -base64 32";

    private readonly (string Id, byte[] Key)[] keys;

    private TokenKeys((string Id, byte[] Key)[] keys) => this.keys = keys;

    /// <summary>The ID of the key that seals.</summary>
    public string CurrentId => keys[0].Id;

    /// <summary>The IDs of all keys. They are not secret.</summary>
    public IReadOnlyList<string> Ids => [.. keys.Select(key => key.Id)];

    /// <summary>Who else can read the key file, as a sentence with the fix; null if it is private.</summary>
    public string? Warning { get; private init; }

    /// <summary>Differs for other keys, another order and other IDs.</summary>
    public string Fingerprint => Convert.ToHexString(
        SHA256.HashData([.. keys.SelectMany(key => (byte[])[(byte)key.Id.Length, .. Encoding.ASCII.GetBytes(key.Id), .. key.Key])]));

    /// <summary>Reads a key file. A failure is one sentence with the fix.</summary>
    /// <param name="path">Absolute.</param>
    public static Result<TokenKeys, string> Read(string path)
    {
        var (text, problem) = SmallFile.Read(path, LargestFile);
        if (text is null)
        {
            return problem!;
        }
        var (parsed, mistake) = Parse(text, path);
        return parsed is null ? mistake! : new TokenKeys(parsed.keys) { Warning = Exposure(path) };
    }

    /// <summary>
    /// Parses a key file: a line <c>ID BASE64</c> for each key, and comments after <c>#</c>. A single key may lack its ID, which then is the
    /// beginning of its SHA-256 hash. A failure is one sentence with the fix.
    /// </summary>
    /// <param name="name">The file, for messages.</param>
    public static Result<TokenKeys, string> Parse(string text, string name)
    {
        var lines = text.Split('\n').Select((line, index) => (Fields: Fields(line), Number: index + 1))
            .Where(line => line.Fields.Length > 0).ToList();
        if (lines.Count == 0)
        {
            return $"the key file {name} contains no key; {MakeKey}";
        }
        var keys = new List<(string Id, byte[] Key)>();
        foreach (var (fields, number) in lines)
        {
            var place = $"line {number} of the key file {name}";
            if (fields.Length > 2)
            {
                return $"{place} has more than an ID and a key; write each key as: ID KEY";
            }
            if (ReadKey(fields[^1], place) is (var key, var problem) && problem is not null)
            {
                return problem;
            }
            if (fields.Length == 1 && lines.Count > 1)
            {
                return $"{place} has a key without an ID; write: ID KEY. The ID of this key was {IdOf(key!)} while it was the only one";
            }
            var id = fields.Length == 1 ? IdOf(key!) : fields[0];
            if (!IdPattern().IsMatch(id))
            {
                return $"{place} has an invalid ID; use up to 32 letters, digits, dots, dashes and underscores";
            }
            if (keys.Exists(other => other.Id == id))
            {
                return $"{place} has the ID {id} again; give each key its own ID";
            }
            keys.Add((id, key!));
        }
        return new TokenKeys([.. keys]);
    }

    /// <summary>
    /// A key for another purpose, the same in every process with this key file: HKDF-SHA256 (RFC 5869) of the first key. It has 32 bytes and
    /// reveals nothing about the first key.
    /// </summary>
    /// <param name="purpose">Different purposes have unrelated keys.</param>
    public byte[] Derive(string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, keys[0].Key, KeySize, salt: [], info: Encoding.UTF8.GetBytes(purpose));

    private static string[] Fields(string line) => line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static Result<byte[], string> ReadKey(string text, string place)
    {
        var key = new byte[text.Length];
        return !Convert.TryFromBase64String(text, key, out var length) ? $"{place} has a key that is not base64; {MakeKey}"
            : length != KeySize ? $"{place} has a key of {length} bytes instead of {KeySize}; {MakeKey}"
            : key[..length];
    }

    private static string IdOf(byte[] key) => Convert.ToHexStringLower(SHA256.HashData(key))[..8];

    private static string? Exposure(string path)
    {
        try
        {
            var mode = File.GetUnixFileMode(path);
            return (mode & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) == 0 ? null
                : $"the key file {path} is open to every user (mode 0{Convert.ToString((int)mode, 8)}); run: chmod 600 {path}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It was read a moment ago, and is replaced now.
            return null;
        }
    }

    /// <summary>Shorter than a key in base64, so that no key can be an ID, which messages contain.</summary>
    [GeneratedRegex(@"\A[A-Za-z0-9._-]{1,32}\z")]
    private static partial Regex IdPattern();
}
