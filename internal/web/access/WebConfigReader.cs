using System.Collections.Frozen;
using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Web;

/// <summary>Reads a web configuration file, strictly: what is unknown, or known and no good, is a problem of one line.</summary>
internal sealed class WebConfigReader
{
    /// <summary>exporter-toolkit's headers, and the values that each may have; any where there are none.</summary>
    private static readonly FrozenDictionary<string, string[]> Headers = new Dictionary<string, string[]>
    {
        ["Content-Security-Policy"] = [],
        ["Strict-Transport-Security"] = [],
        ["X-Content-Type-Options"] = ["nosniff"],
        ["X-Frame-Options"] = ["deny", "sameorigin"],
        ["X-XSS-Protection"] = [],
    }.ToFrozenDictionary();

    private static readonly string[] Versions = ["TLS10", "TLS11", "TLS12", "TLS13"];

    private readonly string name;
    private readonly string directory;
    private readonly List<Problem> problems = [];
    private readonly List<Problem> warnings = [];

    private WebConfigReader(string path) => (name, directory) = (path, Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/");

    /// <summary>The configuration, or all that is wrong with it.</summary>
    /// <param name="path">Of the file, absolute; relative names in it start from its directory.</param>
    public static (WebConfig? Config, IReadOnlyList<Problem> Problems) Read(string path, string text)
    {
        var (top, problems) = YamlFile.Parse(path, text);
        if (top is null || problems.Count > 0)
        {
            return (null, problems);
        }
        var reader = new WebConfigReader(path);
        var config = reader.Config(new Entry("", top, 1));
        return reader.problems.Count == 0 ? (config, []) : (null, reader.problems);
    }

    private WebConfig Config(Entry file)
    {
        TlsSettings? tls = null;
        var http2 = true;
        RateLimitSettings? rate = null;
        var (headers, users) = (new Dictionary<string, string>(), new Dictionary<string, Secret>());
        Each(file, new()
        {
            ["tls_server_config"] = e => tls = Tls(e),
            ["http_server_config"] = e => Each(e, new()
            {
                ["http2"] = h => http2 = Bool(h),
                ["headers"] = h => Header(h, headers),
            }),
            ["basic_auth_users"] = e => Users(e, users),
            ["rate_limit"] = e => rate = Rate(e),
        });
        return new WebConfig(tls, http2, headers, users, rate) { Warnings = warnings };
    }

    private TlsSettings? Tls(Entry tls)
    {
        Pem? certificate = null, key = null, ca = null;
        var authentication = ClientAuthentication.NoClientCert;
        IReadOnlyList<string>? sans = null;
        IReadOnlyList<TlsCipherSuite>? suites = null;
        var (least, most) = (2, 3);
        var keys = Each(tls, new()
        {
            ["cert"] = e => Pem(ref certificate, e, inFile: false),
            ["cert_file"] = e => Pem(ref certificate, e, inFile: true),
            ["key"] = e => Pem(ref key, e, inFile: false),
            ["key_file"] = e => Pem(ref key, e, inFile: true),
            ["client_ca"] = e => Pem(ref ca, e, inFile: false),
            ["client_ca_file"] = e => Pem(ref ca, e, inFile: true),
            ["client_auth_type"] = e => authentication = Authentication(e),
            ["client_allowed_sans"] = e => sans = [.. Texts(e)],
            ["min_version"] = e => least = Choice(e, Versions, least),
            ["max_version"] = e => most = Choice(e, Versions, most),
            ["cipher_suites"] = e => suites = Suites(e),
            // Go has ignored it since 1.17, and promtool takes it.
            ["prefer_server_cipher_suites"] = e => Bool(e),
            ["curve_preferences"] = e => Problem(e, "the curves are the system's OpenSSL's to choose (Groups in openssl.cnf); remove this"),
        });
        if (keys == 0)
        {
            return null;
        }
        if (certificate is null || key is null)
        {
            Problem(tls, $"there is no {(certificate is null ? "cert_file" : "key_file")}, and without both nothing is encrypted; add it");
        }
        if (ca is not null && authentication is ClientAuthentication.NoClientCert)
        {
            Problem(tls, "a client CA asks for a client_auth_type, for example RequireAndVerifyClientCert; add it");
        }
        if (sans is not null && authentication is not (ClientAuthentication.VerifyClientCertIfGiven or ClientAuthentication.RequireAndVerifyClientCert))
        {
            Problem(tls, "client_allowed_sans says nothing about certificates that are not verified; set client_auth_type to RequireAndVerifyClientCert");
        }
        if (least > most)
        {
            Problem(tls, "min_version is newer than max_version, which leaves none; exchange them");
        }
        // By number: the names of the first two are obsolete, and the file may ask for them.
        SslProtocols[] all = [(SslProtocols)192, (SslProtocols)768, SslProtocols.Tls12, SslProtocols.Tls13];
        var versions = all[least..(Math.Max(least, most) + 1)].Aggregate((a, b) => a | b);
        return certificate is null || key is null ? null : new TlsSettings(certificate, key, ca, authentication, sans, versions, suites);
    }

    private void Pem(ref Pem? pem, Entry entry, bool inFile)
    {
        if (Text(entry) is not { Length: > 0 } text)
        {
            return;
        }
        if (pem is not null)
        {
            Problem(entry, "it is given twice, here and as a file; keep one of the two");
        }
        pem = inFile ? new Pem.InFile(Path.GetFullPath(text, directory)) : new Pem.Inline(new Secret(text));
    }

    private ClientAuthentication Authentication(Entry entry)
    {
        string[] names = [.. Enum.GetNames<ClientAuthentication>(), "RequireClientCert"];
        var choice = Choice(entry, names, 0);
        return choice == names.Length - 1 ? ClientAuthentication.RequireAnyClientCert : (ClientAuthentication)choice;
    }

    private List<TlsCipherSuite> Suites(Entry entry)
    {
        var suites = new List<TlsCipherSuite>();
        foreach (var text in Texts(entry))
        {
            if (CipherSuites.ByName.TryGetValue(text, out var suite))
            {
                suites.Add(suite);
            }
            else
            {
                Problem(entry, $"there is no cipher suite {Sanitize.Line(text)}{Remedy(text, CipherSuites.ByName.Keys)}");
            }
        }
        return suites;
    }

    private void Header(Entry entry, Dictionary<string, string> headers) => Each(entry, Headers.Keys.ToDictionary(key => key, key => (Action<Entry>)(e =>
    {
        var value = Text(e) ?? "";
        if (value.Any(c => char.IsControl(c) || c > '~'))
        {
            Problem(e, "a header is one line of ASCII; remove what is not");
        }
        else if (Headers[key] is { Length: > 0 } allowed && !allowed.Contains(value))
        {
            Problem(e, $"write {string.Join(" or ", allowed)}");
        }
        headers[key] = value;
    })));

    private void Users(Entry entry, Dictionary<string, Secret> users)
    {
        foreach (var (user, value, line) in Map(entry))
        {
            var one = new Entry($"{entry.Path}.{Sanitize.Line(user)}", value, line);
            var hash = Text(one) ?? "";
            if (Bcrypt.Complaint(hash) is var (sentence, isFatal))
            {
                (isFatal ? problems : warnings).Add(At(one, sentence));
            }
            if (user.Contains(':', StringComparison.Ordinal))
            {
                // RFC 7617, section 2: a user-id ends at the first colon.
                Problem(one, "a user's name has no colon; choose another");
            }
            users[user] = new Secret(hash);
        }
    }

    private RateLimitSettings? Rate(Entry rate)
    {
        var (interval, burst) = (TimeSpan.Zero, 0);
        Each(rate, new()
        {
            ["interval"] = e =>
            {
                var (value, problem) = GoDuration.Parse(Text(e) ?? "");
                interval = value;
                if (problem is not null || value < TimeSpan.Zero)
                {
                    Problem(e, problem ?? "a time between requests is not negative; write one like 100ms");
                }
            },
            ["burst"] = e =>
            {
                if (!int.TryParse(Text(e), NumberStyles.None, CultureInfo.InvariantCulture, out burst))
                {
                    Problem(e, "write a whole number");
                }
            },
        });
        if (interval > TimeSpan.Zero && burst < 1)
        {
            Problem(rate, "a burst of 0 would refuse every request; write 1 or more");
        }
        return interval > TimeSpan.Zero ? new RateLimitSettings(interval, burst) : null;
    }

    /// <summary>Hands each entry to who knows it; the number of entries.</summary>
    private int Each(Entry entry, Dictionary<string, Action<Entry>> known)
    {
        var entries = Map(entry);
        foreach (var (key, value, line) in entries)
        {
            var one = new Entry(entry.Path.Length > 0 ? $"{entry.Path}.{Sanitize.Line(key)}" : Sanitize.Line(key), value, line);
            if (known.TryGetValue(key, out var read))
            {
                read(one);
            }
            else
            {
                Problem(one, "there is no such key" + Remedy(key, known.Keys));
            }
        }
        return entries.Count;
    }

    private IReadOnlyList<YamlEntry> Map(Entry entry)
    {
        switch (entry.Value)
        {
            case YamlValue.Map map:
                return map.Entries;
            case YamlValue.Scalar { Text: null }:
                return [];
            default:
                Problem(entry, "lines with KEY: VALUE belong here");
                return [];
        }
    }

    private string? Text(Entry entry)
    {
        if (entry.Value is YamlValue.Scalar scalar)
        {
            return scalar.Text;
        }
        Problem(entry, "one value belongs here");
        return null;
    }

    private IEnumerable<string> Texts(Entry entry)
    {
        if (entry.Value is YamlValue.List list)
        {
            return list.Items.Select((item, i) => Text(new Entry($"{entry.Path}[{i}]", item, item.Line)) ?? "");
        }
        Problem(entry, "a list belongs here");
        return [];
    }

    private bool Bool(Entry entry)
    {
        if (bool.TryParse(Text(entry), out var value))
        {
            return value;
        }
        Problem(entry, "write true or false");
        return true;
    }

    private int Choice(Entry entry, string[] names, int otherwise)
    {
        var text = Text(entry) ?? "";
        if (Array.IndexOf(names, text) is >= 0 and var found)
        {
            return found;
        }
        Problem(entry, $"there is no {Sanitize.Line(text)}{Remedy(text, names)}");
        return otherwise;
    }

    private static string Remedy(string word, IEnumerable<string> known) =>
        Nearest.To(word, known) is { } near ? $"; did you mean {near}?" : $"; there are {string.Join(", ", known)}";

    private void Problem(Entry entry, string sentence) => problems.Add(At(entry, sentence));

    private Problem At(Entry entry, string sentence) => new($"{name}:{entry.Line}", $"{entry.Path}: {sentence}");

    private sealed record Entry(string Path, YamlValue Value, int Line);
}
