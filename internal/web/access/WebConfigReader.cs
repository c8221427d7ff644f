using System.Collections.Frozen;
using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;

namespace Exporter.Web;

/// <summary>Reads a web configuration file strictly: every unknown key or invalid value is a problem of one line.</summary>
internal sealed class WebConfigReader : StrictYaml
{
    /// <summary>exporter-toolkit's headers with their allowed values; an empty list allows any value.</summary>
    private static readonly FrozenDictionary<string, string[]> Headers = new Dictionary<string, string[]>
    {
        ["Content-Security-Policy"] = [],
        ["Strict-Transport-Security"] = [],
        ["X-Content-Type-Options"] = ["nosniff"],
        ["X-Frame-Options"] = ["deny", "sameorigin"],
        ["X-XSS-Protection"] = [],
    }.ToFrozenDictionary();

    // By number: .NET marks the first two as obsolete, and the file may still select them.
    private static readonly Dictionary<string, int> Versions =
        new() { ["TLS10"] = 192, ["TLS11"] = 768, ["TLS12"] = (int)SslProtocols.Tls12, ["TLS13"] = (int)SslProtocols.Tls13 };

    /// <summary>exporter-toolkit's names and Go's numbers.</summary>
    private static readonly Dictionary<string, int> Curves =
        new() { ["CurveP256"] = 23, ["CurveP384"] = 24, ["CurveP521"] = 25, ["X25519"] = 29, ["X25519MLKEM768"] = 4588 };

    private static readonly Dictionary<string, ClientAuthentication> Authentications =
        new(Enum.GetValues<ClientAuthentication>().Select(type => KeyValuePair.Create($"{type}", type)))
        {
            ["RequireClientCert"] = ClientAuthentication.RequireAnyClientCert,
        };

    private readonly string directory;
    private readonly List<Problem> warnings = [];

    private WebConfigReader(string path)
        : base(path) => directory = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";

    /// <summary>Returns the configuration, or all of its problems.</summary>
    /// <param name="path">The path of the file; relative paths in it are resolved against its directory.</param>
    public static (WebConfig? Config, IReadOnlyList<Problem> Problems) Read(string path, string text)
    {
        var (top, problems) = YamlFile.Parse(path, text);
        if (top is null || problems.Count > 0)
        {
            return (null, problems);
        }
        var reader = new WebConfigReader(path);
        var config = reader.ReadConfig(new Entry("", top, 1));
        return reader.Problems.Count == 0 ? (config, []) : (null, reader.Problems);
    }

    private WebConfig ReadConfig(Entry top)
    {
        TlsSettings? tls = null;
        var http2 = true;
        RateLimitSettings? rate = null;
        var (headers, users) = (new Dictionary<string, string>(), new Dictionary<string, Secret>());
        ReadKeys(top, new()
        {
            ["tls_server_config"] = e => tls = ReadTls(e),
            ["http_server_config"] = http => ReadKeys(http, new()
            {
                ["http2"] = h => http2 = ReadBool(h),
                ["headers"] = h => ReadKeys(h, Headers.ToDictionary(
                    header => header.Key, header => (Action<Entry>)(e => headers[header.Key] = ReadHeader(e, header.Value)))),
            }),
            ["basic_auth_users"] = e => ReadUsers(e, users),
            ["rate_limit"] = e => rate = ReadRateLimit(e),
        });
        return new WebConfig(tls, http2, headers, users, rate, warnings);
    }

    private TlsSettings? ReadTls(Entry tls)
    {
        Pem? certificate = null, key = null, ca = null;
        var authentication = ClientAuthentication.NoClientCert;
        IReadOnlyList<string>? sans = null;
        IReadOnlyList<TlsCipherSuite>? suites = null;
        var (min, max) = (Versions["TLS12"], Versions["TLS13"]);
        var count = ReadKeys(tls, new()
        {
            ["cert"] = e => ReadPem(ref certificate, e, inFile: false),
            ["cert_file"] = e => ReadPem(ref certificate, e, inFile: true),
            ["key"] = e => ReadPem(ref key, e, inFile: false),
            ["key_file"] = e => ReadPem(ref key, e, inFile: true),
            ["client_ca"] = e => ReadPem(ref ca, e, inFile: false),
            ["client_ca_file"] = e => ReadPem(ref ca, e, inFile: true),
            ["client_auth_type"] = e => authentication = ReadChoice(e, Authentications) ?? authentication,
            ["client_allowed_sans"] = e => sans = [.. ReadTexts(e)],
            ["min_version"] = e => min = ReadChoice(e, Versions) ?? min,
            ["max_version"] = e => max = ReadChoice(e, Versions) ?? max,
            ["cipher_suites"] = e =>
                suites = [.. ReadTexts(e).Select(suite => Choose(e, "cipher suite", suite, CipherSuites.ByName)).OfType<TlsCipherSuite>()],
            // Go has ignored it since 1.17, and promtool accepts it.
            ["prefer_server_cipher_suites"] = e => ReadBool(e),
            ["curve_preferences"] = ReadCurves,
        });
        if (count == 0)
        {
            return null;
        }
        var missing = certificate is null ? "cert_file" : key is null ? "key_file" : null;
        string?[] conflicts =
        [
            missing is null ? null : $"TLS requires cert_file and key_file; add {missing}",
            ca is not null && authentication is ClientAuthentication.NoClientCert
                ? "a client CA requires client_auth_type; add it, for example RequireAndVerifyClientCert" : null,
            sans is not null && authentication < ClientAuthentication.VerifyClientCertIfGiven
                ? "client_allowed_sans requires verified certificates; set client_auth_type to RequireAndVerifyClientCert" : null,
            min > max ? "min_version is newer than max_version; swap them" : null,
        ];
        foreach (var conflict in conflicts.OfType<string>())
        {
            Add(tls, conflict);
        }
        var versions = (SslProtocols)Versions.Values.Where(version => version >= min && version <= max).Sum();
        return certificate is null || key is null ? null : new TlsSettings(certificate, key, ca, authentication, sans, versions, suites);
    }

    /// <summary>.NET cannot select the curves of a connection: OpenSSL does, and enables only secure ones.</summary>
    private void ReadCurves(Entry entry)
    {
        foreach (var curve in ReadTexts(entry))
        {
            Choose(entry, "curve", curve, Curves);
        }
        warnings.Add(At(entry, "OpenSSL selects the curve, and this setting changes nothing; to select it yourself, set Groups in openssl.cnf"));
    }

    private void ReadPem(ref Pem? pem, Entry entry, bool inFile)
    {
        var text = ReadText(entry);
        if (text.Length == 0)
        {
            return;
        }
        if (pem is not null)
        {
            Add(entry, "is set twice, inline and as a file; keep one of the two");
        }
        var path = Path.GetFullPath(text, directory);
        pem = inFile ? () => SmallFile.Read(path, YamlFile.Largest, isReadAgain: true) : () => new(text, null);
    }

    private string ReadHeader(Entry entry, string[] allowed)
    {
        var value = ReadText(entry);
        if (value.Any(c => char.IsControl(c) || c > '~'))
        {
            Add(entry, "a header is one line of ASCII; remove all other characters");
        }
        else if (allowed.Length > 0 && !allowed.Contains(value))
        {
            Add(entry, $"{Shown(entry)}the header cannot have this value; write {string.Join(" or ", allowed)}");
        }
        return value;
    }

    private void ReadUsers(Entry entry, Dictionary<string, Secret> users)
    {
        foreach (var (name, user) in ReadMap(entry))
        {
            var hash = ReadText(user);
            if (Bcrypt.Validate(hash) is var (problem, isFatal))
            {
                (isFatal ? Problems : warnings).Add(At(user, problem));
            }
            if (name.Contains(':', StringComparison.Ordinal))
            {
                // RFC 7617, section 2: a user-id ends at the first colon.
                Add(user, "a user name cannot contain a colon; choose another name");
            }
            users[name] = new Secret(hash);
        }
    }

    private RateLimitSettings? ReadRateLimit(Entry rate)
    {
        var (interval, burst) = (TimeSpan.Zero, 0);
        ReadKeys(rate, new() { ["interval"] = e => interval = ReadInterval(e), ["burst"] = e => burst = ReadNumber(e) });
        if (interval > TimeSpan.Zero && burst < 1)
        {
            Add(rate, "a burst of 0 would reject every request; write 1 or more");
        }
        return interval > TimeSpan.Zero ? new RateLimitSettings(interval, burst) : null;
    }

    private bool ReadBool(Entry entry)
    {
        if (!bool.TryParse(ReadText(entry), out var value))
        {
            Add(entry, $"{Shown(entry)}this is neither true nor false; write true or false");
        }
        return value;
    }

    private TimeSpan ReadInterval(Entry entry)
    {
        var (interval, problem) = GoDuration.Parse(ReadText(entry));
        if (problem is not null || interval < TimeSpan.Zero)
        {
            Add(entry, problem ?? "the interval cannot be negative; write a duration like 100ms");
        }
        return interval;
    }

    private int ReadNumber(Entry entry)
    {
        if (!int.TryParse(ReadText(entry), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            Add(entry, $"{Shown(entry)}this is not a whole number; write digits, for example 10");
        }
        return number;
    }

    private T? ReadChoice<T>(Entry entry, IReadOnlyDictionary<string, T> choices)
        where T : struct => Choose(entry, "value", ReadText(entry), choices);

    private T? Choose<T>(Entry entry, string noun, string text, IReadOnlyDictionary<string, T> choices)
        where T : struct
    {
        if (choices.TryGetValue(text, out var choice))
        {
            return choice;
        }
        Add(entry, $"unknown {noun} {Sanitize.Line(text)}{Suggestion(text, choices.Keys)}");
        return null;
    }
}
