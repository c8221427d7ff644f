using Exporter.Tests.Support;
using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Valid and invalid web configuration files. promtool, which uses exporter-toolkit, accepts all valid ones.</summary>
public sealed class WebConfigTests : IDisposable
{
    private const string Hash = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";

    private readonly TemporaryDirectory directory = new();
    private readonly Authority authority = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private const string Tls = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n";

    public static TheoryData<string> ValidFiles => new(
        "",
        "tls_server_config:\n",
        Tls,
        Tls + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n",
        Tls + "  client_auth_type: RequireAnyClientCert\n",
        Tls + "  client_auth_type: RequireClientCert\n",
        Tls + "  min_version: TLS10\n  max_version: TLS13\n",
        Tls + "  min_version: TLS13\n",
        Tls + "  curve_preferences: [X25519, CurveP256, CurveP384, CurveP521]\n",
        Tls + "  prefer_server_cipher_suites: false\n  cipher_suites:\n"
            + "  - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n  - TLS_AES_128_GCM_SHA256\n",
        "http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: sameorigin\n    Strict-Transport-Security: max-age=31536000\n"
            + "    X-XSS-Protection: \"0\"\n    X-Content-Type-Options: nosniff\n    Content-Security-Policy: default-src 'self'\n",
        $"basic_auth_users:\n  prometheus: {Hash}\n  \"\": {Hash.Replace("2y", "2a", StringComparison.Ordinal)}\n"
            + $"  other: {Hash.Replace("2y", "2b", StringComparison.Ordinal)}\n");

    [Theory]
    [MemberData(nameof(ValidFiles))]
    public async Task Accepted_files_are_valid_for_promtool(string yaml)
    {
        authority.Write(directory);
        directory.Write("ca.pem", authority.Pem);
        var path = directory.Write("web.yml", yaml);

        var (config, problems) = WebConfigReader.Read(path, yaml);

        Assert.Empty(problems);
        Assert.Null(config!.Tls is { } tls ? TlsHandshake.Material.Read(tls, null).Failure : null);
        var (exit, _, error) = await Peer.Run("promtool", ["check", "web-config", path], default, Cancellation);
        Assert.True(exit == 0, error);
    }

    [Theory]
    [InlineData("tls_server_config:\n  cert_file: a\n", "web.yml:1: tls_server_config: TLS requires cert_file and key_file; add key_file")]
    [InlineData("tls_server_config:\n  min_version: TLS12\n", "web.yml:1: tls_server_config: TLS requires cert_file and key_file; add cert_file")]
    [InlineData("tls_server_config:\n  cert_fil: a\n  key_file: b\n",
        "web.yml:2: tls_server_config.cert_fil: unknown key; did you mean cert_file?")]
    [InlineData("tls_server_config:\n  cert_file: a\n  key_file: b\n  client_ca_file: c\n", "a client CA requires client_auth_type")]
    [InlineData("tls_server_config:\n  cert_file: a\n  cert: c\n  key_file: b\n", "web.yml:3: tls_server_config.cert: is set twice")]
    [InlineData("tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: TLS13\n  max_version: TLS12\n",
        "min_version is newer than max_version")]
    [InlineData("tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: SSL30\n",
        "web.yml:4: tls_server_config.min_version: unknown value SSL30")]
    [InlineData("tls_server_config:\n  cert_file: a\n  key_file: b\n  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n",
        "unknown cipher suite TLS_RSA_WITH_RC4_128_SHA")]
    [InlineData("tls_server_config:\n  cert_file: a\n  key_file: b\n  curve_preferences: [X2551]\n",
        "web.yml:4: tls_server_config.curve_preferences: unknown curve X2551; did you mean X25519?")]
    [InlineData("tls_server_config:\n  cert_file: a\n  key_file: b\n  curve_preferences: X25519\n", "write a list")]
    [InlineData("tls_server_config:\n  cert_file: a\n  key_file: b\n  client_allowed_sans: [x]\n",
        "client_allowed_sans requires verified certificates")]
    [InlineData("http_server_config:\n  headers:\n    Server: x\n", "web.yml:3: http_server_config.headers.Server: unknown key")]
    [InlineData("http_server_config:\n  headers:\n    X-Frame-Options: DENY\n", "write deny or sameorigin")]
    [InlineData("http_server_config:\n  headers:\n    Content-Security-Policy: \"a\\r\\nSet-Cookie: b\"\n", "a header is one line")]
    [InlineData("http_server_config:\n  http2: maybe\n", "write true or false")]
    [InlineData("basic_auth_users:\n  bob: secret\n", "web.yml:2: basic_auth_users.bob: is not a bcrypt hash")]
    [InlineData("basic_auth_users:\n  bob: $2b$19$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay\n",
        "web.yml:2: basic_auth_users.bob: a hash of cost 19 takes about ")]
    [InlineData("rate_limit:\n  interval: 1s\n", "a burst of 0")]
    [InlineData("rate_limit:\n  interval: 5\n  burst: 2\n", "a duration needs a unit")]
    [InlineData("basic_auth_user: {}\n", "did you mean basic_auth_users?")]
    [InlineData("- a\n", "lines with KEY: VALUE")]
    [InlineData("a: [\n", "this is not YAML")]
    public void Each_problem_has_its_line_and_a_fix(string yaml, string problem)
    {
        var (config, problems) = WebConfigReader.Read("web.yml", yaml);

        Assert.Null(config);
        Assert.Contains(problem, string.Join('\n', problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_does_not_match_its_certificate_is_a_problem()
    {
        authority.Write(directory);
        directory.Write("server.key", authority.Server().Key);
        var (config, _) = WebConfigReader.Read(directory["web.yml"], "tls_server_config: {cert_file: server.pem, key_file: server.key}\n");

        Assert.Contains("not a pair", TlsHandshake.Material.Read(config!.Tls!, null).Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Curves_are_accepted_with_a_warning_because_OpenSSL_selects_them()
    {
        var (config, _) = WebConfigReader.Read("web.yml", Tls + "  curve_preferences: [CurveP384]\n");

        Assert.Contains("set Groups in openssl.cnf", Assert.Single(config!.Warnings).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_for_Ed25519_is_named()
    {
        directory.Write("server.pem", """
            -----BEGIN CERTIFICATE-----
            MIIBVTCCAQegAwIBAgIUDyCsMy77Y8KtSKWbF/eMs3kLo28wBQYDK2VwMBQxEjAQ
            BgNVBAMMCWxvY2FsaG9zdDAgFw0yNjExMjYxNTQ3MzVaGA8yMTI2MTEwMjE1NDcz
            NVowFDESMBAGA1UEAwwJbG9jYWxob3N0MCowBQYDK2VwAyEAD+LqjEMuWQczXVnv
            cX4yhj5WTbKx0Q1pkYLE4ZTOROejaTBnMB0GA1UdDgQWBBRsPMiJzP6KVUAsM4Jl
            BC8ZGYFEGzAfBgNVHSMEGDAWgBRsPMiJzP6KVUAsM4JlBC8ZGYFEGzAPBgNVHRMB
            Af8EBTADAQH/MBQGA1UdEQQNMAuCCWxvY2FsaG9zdDAFBgMrZXADQQDr01zF6MQU
            vWN2I1I9V+0jN8IVC1xWo+oLjIa+4gxAq02cDi20QmX5hLi646rDBEdU/y1sudDo
            A7f5elIfH5EE
            -----END CERTIFICATE-----
            """);
        directory.Write("server.key", authority.Server().Key);
        var (config, _) = WebConfigReader.Read(directory["web.yml"], Tls);

        Assert.Contains("Ed25519 or Ed448, which .NET does not support", TlsHandshake.Material.Read(config!.Tls!, null).Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_hash_has_the_format_that_Go_reads()
    {
        var hash = Bcrypt.Hash("correct horse");

        Assert.StartsWith("$2b$10$", hash, StringComparison.Ordinal);
        Assert.True(Bcrypt.IsHash(hash));
    }

    [Theory]
    [InlineData(14, 0)]
    [InlineData(15, 1)]
    [InlineData(18, 1)]
    public void A_high_cost_is_a_warning_with_the_time_that_it_takes(int cost, int warnings)
    {
        var (config, problems) = WebConfigReader.Read(
            "web.yml", $"basic_auth_users:\n  bob: $2b${cost}$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay\n");

        Assert.Empty(problems);
        Assert.Equal(warnings, config!.Warnings.Count);
        Assert.All(config.Warnings, warning => Assert.Matches(
            @"^web\.yml:2: basic_auth_users\.bob: a hash of cost \d+ takes about [\d.]+ s of processor time", warning.ToString()));
    }

    [Theory]
    // exporter-toolkit's example, and the three prefixes of the same algorithm.
    [InlineData("test", "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay", true)]
    [InlineData("tesT", "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay", false)]
    [InlineData("test\0", "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay", false)]
    [InlineData("test", "$2y$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay", true)]
    [InlineData("test", "$2a$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay", true)]
    // Valid characters that are no hash: no exception, and no password matches.
    [InlineData("test", "$2b$04$.....................................................", false)]
    [InlineData("test", "$2x$04$zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", false)]
    [InlineData("", "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay", false)]
    public async Task A_password_matches_only_its_hash(string password, string hash, bool matches) =>
        Assert.Equal(matches, await Bcrypt.VerifyAsync(password, hash, Cancellation));

    public void Dispose()
    {
        authority.Dispose();
        directory.Dispose();
    }
}
