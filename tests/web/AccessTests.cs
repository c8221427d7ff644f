using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Exporter.Tests.Support;
using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Access by the web configuration file: passwords, TLS, client certificates and rates. An invalid file rejects every request.</summary>
public sealed class AccessTests : IDisposable
{
    private static readonly string Users = $"basic_auth_users:\n  bob: {Bcrypt.Hash("right")}\n";

    private readonly Authority authority = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/metrics")]
    [InlineData("/")]
    [InlineData("/-/healthy")]
    [InlineData("/healthz")]
    [InlineData("/api/status")]
    [InlineData("/auth/authorize")]
    [InlineData("/nothing")]
    public async Task With_users_every_request_needs_a_password(string path)
    {
        await using var bench = await WebBench.StartAsync(webConfig: Users);

        var reply = await bench.Get(path);
        Assert.Equal((HttpStatusCode.Unauthorized, "Basic realm=\"exporter\", charset=\"UTF-8\""), (reply.Status, reply.Header("WWW-Authenticate")));
        Assert.Equal(HttpStatusCode.Unauthorized, (await bench.Get(path, Basic("bob:wrong"))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await bench.Get(path, Basic("eve:right"))).Status);
        Assert.NotEqual(HttpStatusCode.Unauthorized, (await bench.Get(path, Basic("bob:right"))).Status);
        Assert.NotEqual(HttpStatusCode.Unauthorized, (await bench.Get(path, Basic("bob:right"))).Status);
    }

    [Theory]
    [InlineData("Basic")]
    [InlineData("Basic ???")]
    [InlineData("Basic Ym9i")]
    [InlineData("Bearer Ym9iOnJpZ2h0")]
    public async Task Authorization_other_than_Basic_is_rejected(string header)
    {
        await using var bench = await WebBench.StartAsync(webConfig: Users);

        Assert.Equal(HttpStatusCode.Unauthorized, (await bench.Get("/metrics", ("Authorization", header))).Status);
    }

    [Fact]
    public async Task A_changed_password_applies_immediately_and_an_invalid_file_rejects_every_request_until_it_is_fixed()
    {
        await using var bench = await WebBench.StartAsync(webConfig: Users);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics", Basic("bob:right"))).Status);

        bench.DirectoryPath.Write("web.yml", $"basic_auth_users:\n  bob: {Bcrypt.Hash("new")}\n");
        Assert.Equal(HttpStatusCode.Unauthorized, (await bench.Get("/metrics", Basic("bob:right"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics", Basic("bob:new"))).Status);

        bench.DirectoryPath.Write("web.yml", "basic_auth_users:\n  bob: oops\n");
        Assert.Equal(HttpStatusCode.InternalServerError, (await bench.Get("/metrics", Basic("bob:new"))).Status);
        File.Delete(bench.DirectoryPath["web.yml"]);
        Assert.Equal(HttpStatusCode.InternalServerError, (await bench.Get("/-/healthy")).Status);
        Assert.Contains("every request is rejected until you fix the web configuration file", bench.Log, StringComparison.Ordinal);

        bench.DirectoryPath.Write("web.yml", Users);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics", Basic("bob:right"))).Status);
    }

    [Fact]
    public async Task An_emptied_file_opens_nothing_before_the_restart()
    {
        await using var bench = await WebBench.StartAsync(webConfig: Users);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics", Basic("bob:right"))).Status);

        bench.DirectoryPath.Write("web.yml", "");

        Assert.Equal(HttpStatusCode.InternalServerError, (await bench.Get("/metrics")).Status);
        Assert.Contains("basic_auth_users was removed, which requires a restart", bench.Log, StringComparison.Ordinal);
        bench.DirectoryPath.Write("web.yml", Users);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics", Basic("bob:right"))).Status);
    }

    [Fact]
    public async Task A_flood_of_wrong_passwords_does_not_delay_a_right_one()
    {
        await using var bench = await WebBench.StartAsync(webConfig: Users);
        var wrong = Enumerable.Range(0, 64).Select(i => bench.Get("/metrics", Basic($"bob:{i}"))).ToList();

        var right = await bench.Get("/metrics", Basic("bob:right"));

        Assert.Contains(right.Status, new[] { HttpStatusCode.OK, HttpStatusCode.TooManyRequests });
        var answered = await Task.WhenAll(wrong);
        Assert.Contains(answered, reply => reply.Status == HttpStatusCode.TooManyRequests && reply.Header("Retry-After") == "1");
        Assert.DoesNotContain(answered, reply => reply.Status == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics", Basic("bob:right"))).Status);
    }

    [Fact]
    public async Task Adding_TLS_at_run_time_rejects_every_request_until_the_restart()
    {
        await using var bench = await WebBench.StartAsync(webConfig: "");
        authority.Write(bench.DirectoryPath);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics")).Status);

        bench.DirectoryPath.Write("web.yml", "tls_server_config: {cert_file: server.pem, key_file: server.key}\n");

        Assert.Equal(HttpStatusCode.InternalServerError, (await bench.Get("/metrics")).Status);
        Assert.Contains("restart the exporter", bench.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_above_the_rate_limit_are_rejected_until_time_passes()
    {
        await using var bench = await WebBench.StartAsync(webConfig: "rate_limit: {interval: 1s, burst: 2}\n");

        Assert.Equal((200, 200, 429, 429), (await Status(), await Status(), await Status(), await Status()));
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((200, 429), (await Status(), await Status()));

        async Task<int> Status() => (int)(await bench.Get("/metrics")).Status;
    }

    [Fact]
    public async Task The_files_headers_replace_the_default_headers()
    {
        await using var bench = await WebBench.StartAsync(
            webConfig: "http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n    Strict-Transport-Security: max-age=9\n");

        var reply = await bench.Get("/");

        Assert.Equal("sameorigin", reply.Header("X-Frame-Options"));
        Assert.Equal("max-age=9", reply.Header("Strict-Transport-Security"));
        Assert.Equal("nosniff", reply.Header("X-Content-Type-Options"));
    }

    [Theory]
    [InlineData(true, "2.0")]
    [InlineData(false, "1.1")]
    public async Task TLS_connections_use_HTTP_2_unless_it_is_disabled(bool http2, string version)
    {
        await using var bench = await TlsAsync(more: $"http_server_config: {{http2: {(http2 ? "true" : "false")}}}\n");
        using var client = Client();
        client.DefaultRequestVersion = HttpVersion.Version20;

        using var response = await client.GetAsync(new Uri(bench.Address, "/metrics"), Cancellation);

        Assert.Equal((HttpStatusCode.OK, version), (response.StatusCode, response.Version.ToString()));
        Assert.Equal("https", bench.Address.Scheme);
    }

    [Fact]
    public async Task A_client_that_does_not_trust_the_authority_does_not_connect()
    {
        await using var bench = await TlsAsync();
        using var client = WebBench.NewBrowser();

        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri(bench.Address, "/metrics"), Cancellation));
    }

    [Fact]
    public async Task A_renewed_certificate_is_used_at_the_next_handshake_and_an_invalid_one_never()
    {
        await using var bench = await TlsAsync();
        Assert.Equal("CN=server", await Subject(bench));

        var (certificate, key) = authority.Server("renewed");
        bench.DirectoryPath.Write("server.pem", certificate);
        bench.DirectoryPath.Write("server.key", key);
        Assert.Equal("CN=renewed", await Subject(bench));

        bench.DirectoryPath.Write("server.key", "nonsense");
        await Assert.ThrowsAnyAsync<Exception>(() => Subject(bench));
        Assert.Contains("TLS handshakes fail", bench.Log, StringComparison.Ordinal);

        bench.DirectoryPath.Write("server.key", key);
        Assert.Equal("CN=renewed", await Subject(bench));
    }

    [Fact]
    public async Task Versions_and_cipher_suites_are_those_of_the_file()
    {
        await using var bench = await TlsAsync(
            "min_version: TLS12\n  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]");

        await using var stream = await Connect(bench, SslProtocols.None);

        Assert.Equal(SslProtocols.Tls12, stream.SslProtocol);
        Assert.Equal(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, stream.NegotiatedCipherSuite);
        await Assert.ThrowsAnyAsync<Exception>(() => Connect(bench, SslProtocols.Tls13));
    }

    [Theory]
    [InlineData("RequireAndVerifyClientCert", false, true, true)]
    [InlineData("VerifyClientCertIfGiven", true, true, true)]
    [InlineData("RequireAnyClientCert", false, true, false)]
    [InlineData("RequestClientCert", true, true, false)]
    public async Task Client_authentication_types_accept_the_same_clients_as_in_Go(string type, bool acceptsNone, bool acceptsTrusted, bool verifies)
    {
        await using var bench = await TlsAsync($"client_auth_type: {type}{(verifies ? "\n  client_ca_file: ca.pem" : "")}");
        using var otherAuthority = new Authority();
        using var trusted = authority.Client("spiffe://home/prometheus");
        using var untrusted = otherAuthority.Client("spiffe://home/prometheus");

        Assert.Equal(acceptsNone, await CanConnect(bench, null));
        Assert.Equal(acceptsTrusted, await CanConnect(bench, trusted));
        Assert.Equal(!verifies, await CanConnect(bench, untrusted));
    }

    [Fact]
    public async Task A_verified_client_needs_one_of_the_allowed_names()
    {
        await using var bench = await TlsAsync("client_auth_type: RequireAndVerifyClientCert\n"
            + "  client_ca_file: ca.pem\n  client_allowed_sans: [\"spiffe://home/prometheus\"]");
        using var named = authority.Client("spiffe://home/prometheus");
        using var other = authority.Client("spiffe://home/other");

        Assert.True(await CanConnect(bench, named));
        Assert.False(await CanConnect(bench, other));
    }

    [Fact, Trait("Suite", "slow")]
    public async Task A_real_Prometheus_scrapes_over_TLS_with_a_password_and_not_with_a_wrong_one()
    {
        await using var bench = await TlsAsync(more: Users);
        using var directory = new TemporaryDirectory();
        var ca = directory.Write("ca.pem", authority.Pem);

        Assert.Equal([1.0], await Up("right", ca, "up == 1"));
        Assert.Equal([0.0], await Up("wrong", ca));
        using var otherAuthority = new Authority();
        Assert.Equal([0.0], await Up("right", directory.Write("other.pem", otherAuthority.Pem)));

        async Task<IReadOnlyList<double>> Up(string password, string authorities, string query = "up")
        {
            using var data = new TemporaryDirectory();
            await using var prometheus = await PrometheusPeer.StartAsync(data, bench.Address.Authority, Cancellation,
                "scheme: https", $"basic_auth: {{username: bob, password: {password}}}", $"tls_config: {{ca_file: {authorities}}}");
            return await prometheus.ValuesAsync(query, Cancellation);
        }
    }

    public void Dispose() => authority.Dispose();

    private static (string, string) Basic(string pair) => ("Authorization", $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(pair))}");

    /// <param name="tls">Additional lines of tls_server_config.</param>
    /// <param name="more">Additional sections of the file.</param>
    private Task<WebBench> TlsAsync(string tls = "min_version: TLS12", string more = "")
    {
        var (certificate, key) = authority.Server();
        return WebBench.StartAsync(
            webConfig: $"tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  {tls}\n{more}",
            files: [("server.pem", certificate), ("server.key", key), ("ca.pem", authority.Pem)]);
    }

    private HttpClient Client(X509Certificate2? certificate = null)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, presented, _, _) => IsTrusted(presented as X509Certificate2);
        handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate!;
        return new HttpClient(handler);
    }

    private bool IsTrusted(X509Certificate2? presented)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority.Root);
        return presented is not null && chain.Build(presented);
    }

    private async Task<bool> CanConnect(WebBench bench, X509Certificate2? certificate)
    {
        using var client = Client(certificate);
        try
        {
            using var response = await client.GetAsync(new Uri(bench.Address, "/metrics"), Cancellation);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task<SslStream> Connect(WebBench bench, SslProtocols versions)
    {
        var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, bench.Address.Port, Cancellation);
        var stream = new SslStream(socket.GetStream(), leaveInnerStreamOpen: false);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = versions,
            RemoteCertificateValidationCallback = (_, presented, _, _) => IsTrusted(presented as X509Certificate2),
        };
        await stream.AuthenticateAsClientAsync(options, Cancellation);
        return stream;
    }

    private async Task<string> Subject(WebBench bench)
    {
        await using var stream = await Connect(bench, SslProtocols.None);
        return stream.RemoteCertificate!.Subject;
    }
}
