using System.Security.Cryptography;
using System.Text;

namespace Exporter.Web;

/// <summary>What a key permits.</summary>
internal static class ApiScope
{
    public const string ReadAccounts = "accounts:read";
    public const string WriteAccounts = "accounts:write";
    public const string ReadTokens = "tokens:read";

    public static IReadOnlyList<string> All { get; } = [ReadAccounts, WriteAccounts, ReadTokens];
}

/// <summary>A key of the API. The program has only its hash. Immutable.</summary>
/// <param name="Hash">SHA-256 of the key.</param>
/// <param name="Templates">The templates whose accounts the key may use; null for all.</param>
internal sealed record ApiKey(string Name, byte[] Hash, IReadOnlySet<string> Scopes, IReadOnlyList<string>? Templates)
{
    public bool Permits(string template) => Templates?.Contains(template, StringComparer.Ordinal) != false;
}

/// <summary>All keys of a file. Immutable.</summary>
internal sealed record ApiKeys(IReadOnlyList<ApiKey> All)
{
    public static ApiKeys None { get; } = new([]);

    /// <summary>The key with this text; null if there is none. Takes the same time for each key.</summary>
    public ApiKey? Find(string text)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
        ApiKey? found = null;
        foreach (var key in All)
        {
            found = CryptographicOperations.FixedTimeEquals(hash, key.Hash) ? key : found;
        }
        return found;
    }
}

/// <summary>Reads a file of API keys.</summary>
internal sealed class ApiKeyReader : StrictYaml
{
    private const int HashLength = 2 * SHA256.HashSizeInBytes;

    private readonly List<ApiKey> keys = [];

    private ApiKeyReader(string path)
        : base(path)
    {
    }

    /// <summary>Returns the keys, or all problems.</summary>
    public static (ApiKeys? Keys, IReadOnlyList<Problem> Problems) Read(string path, string text)
    {
        var (top, problems) = YamlFile.Parse(path, text);
        if (top is null || problems.Count > 0)
        {
            return (null, problems);
        }
        var reader = new ApiKeyReader(path);
        reader.ReadKeys(new Entry("", top, 1), new() { ["keys"] = reader.ReadList });
        return reader.Problems.Count == 0 ? (new ApiKeys(reader.keys), []) : (null, reader.Problems);
    }

    private void ReadList(Entry entry)
    {
        if (entry.Value is not YamlValue.List list)
        {
            Add(entry, "write a list of keys, each with name, sha256 and scopes");
            return;
        }
        for (var i = 0; i < list.Items.Count; i++)
        {
            ReadKey(new Entry($"{entry.Key}[{i}]", list.Items[i], list.Items[i].Line));
        }
    }

    private void ReadKey(Entry entry)
    {
        string? name = null;
        byte[]? hash = null;
        IReadOnlyList<string>? scopes = null, templates = null;
        ReadKeys(entry, new()
        {
            ["name"] = e => name = ReadName(e),
            ["sha256"] = e => hash = ReadHash(e),
            ["scopes"] = e => scopes = ReadScopes(e),
            ["templates"] = e => templates = [.. ReadTexts(e)],
        });
        var missing = name is null ? "name" : hash is null ? "sha256" : scopes is null ? "scopes" : null;
        if (missing is not null)
        {
            Add(entry, $"the key has no {missing}; add {missing}");
            return;
        }
        keys.Add(new ApiKey(name!, hash!, scopes!.ToHashSet(StringComparer.Ordinal), templates));
    }

    private string ReadName(Entry entry)
    {
        var name = ReadText(entry);
        if (name.Length == 0 || keys.Exists(key => key.Name == name))
        {
            Add(entry, $"{Shown(entry)}each key needs a name of its own; write the name of the program that uses the key");
        }
        return name;
    }

    private byte[] ReadHash(Entry entry)
    {
        var text = ReadText(entry);
        // The value is not shown, because a user may have written the key itself.
        if (text.Length != HashLength || !text.All(char.IsAsciiHexDigit))
        {
            Add(entry, $"this is not a SHA-256 hash of {HashLength} hexadecimal digits; write the first column of: sha256sum KEYFILE");
            return [];
        }
        var hash = Convert.FromHexString(text);
        if (keys.Find(key => key.Hash.AsSpan().SequenceEqual(hash)) is { } same)
        {
            Add(entry, $"the key {Sanitize.Line(same.Name, 60)} has the same hash; make another key with openssl rand -hex 32");
        }
        return hash;
    }

    private List<string> ReadScopes(Entry entry)
    {
        List<string> scopes = [.. ReadTexts(entry)];
        foreach (var scope in scopes.Where(scope => !ApiScope.All.Contains(scope)))
        {
            Add(entry, $"unknown scope {Sanitize.Line(scope, 60)}{Suggestion(scope, ApiScope.All)}");
        }
        if (scopes.Count == 0)
        {
            Add(entry, $"a key without a scope permits nothing; use one of {string.Join(", ", ApiScope.All)}");
        }
        return scopes;
    }
}
