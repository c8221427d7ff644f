using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Exporter.Tests.Support;
using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Who is let in by the web configuration file: passwords, TLS, client certificates, rates; and that it fails closed.</summary>
public sealed class AccessTests : IDisposable
{
    private static readonly string Users = $"basic_auth_users:\n  bob: {Bcrypt.Hash("right")}\n";

    private readonly Authority authority = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/metrics")]
    [InlineData("/")]
    [InlineData("/-/healthy")]
    [InlineData("/auth/authorize")]
    [InlineData("/nothing")]
    public async Task With_users_nothing_at_all_is_answered_without_a_password(string path)
    {
        await using var bench = await WebBench.StartAsync(webConfig: Users);

        var asked = await bench.Get(path);
        Assert.Equal((HttpStatusCode.Unauthorized, "Basic realm=\"exporter\", charset=\"UTF-8\""), (asked.Status, asked.Header("WWW-Authenticate")));
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
    public async Task What_is_no_Basic_authorization_is_refused(string header)
    {
        await using var bench = await WebBench.StartAsync(webConfig: Users);

        Assert.Equal(HttpStatusCode.Unauthorized, (await bench.Get("/metrics", ("Authorization", header))).Status);
    }

    [Fact]
    public async Task A_changed_password_counts_at_once_and_a_broken_file_shuts_everybody_out_until_it_is_mended()
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
        Assert.Contains("every request is refused until the web configuration file is mended", bench.Log, StringComparison.Ordinal);

        bench.DirectoryPath.Write("web.yml", Users);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics", Basic("bob:right"))).Status);
    }

    [Fact]
    public async Task Who_adds_TLS_while_it_runs_is_not_served_without()
    {
        await using var bench = await WebBench.StartAsync(webConfig: "");
        authority.Write(bench.DirectoryPath);
        Assert.Equal(HttpStatusCode.OK, (await bench.Get("/metrics")).Status);

        bench.DirectoryPath.Write("web.yml", "tls_server_config: {cert_file: server.pem, key_file: server.key}\n");

        Assert.Equal(HttpStatusCode.InternalServerError, (await bench.Get("/metrics")).Status);
        Assert.Contains("restart the exporter", bench.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_requests_than_the_rate_limit_allows_are_refused_and_time_lets_more_in()
    {
        await using var bench = await WebBench.StartAsync(webConfig: "rate_limit: {interval: 1s, burst: 2}\n");

        Assert.Equal((200, 200, 429, 429), (await Status(), await Status(), await Status(), await Status()));
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((200, 429), (await Status(), await Status()));

        async Task<int> Status() => (int)(await bench.Get("/metrics")).Status;
    }

    [Fact]
    public async Task The_files_headers_take_the_place_of_ours()
    {
        await using var bench = await WebBench.StartAsync(webConfig: "http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n    Strict-Transport-Security: max-age=9\n");

        var reply = await bench.Get("/");

        Assert.Equal(("sameorigin", "max-age=9", "nosniff"), (reply.Header("X-Frame-Options"), reply.Header("Strict-Transport-Security"), reply.Header("X-Content-Type-Options")));
    }

    [Theory]
    [InlineData(true, "2.0")]
    [InlineData(false, "1.1")]
    public async Task Over_TLS_HTTP_2_is_spoken_unless_it_is_switched_off(bool http2, string version)
    {
        await using var bench = await TlsAsync(more: $"http_server_config: {{http2: {(http2 ? "true" : "false")}}}\n");
        using var client = Client();
        client.DefaultRequestVersion = HttpVersion.Version20;

        using var response = await client.GetAsync(new Uri(bench.Address, "/metrics"), Cancellation);

        Assert.Equal((HttpStatusCode.OK, version), (response.StatusCode, response.Version.ToString()));
        Assert.Equal("https", bench.Address.Scheme);
    }

    [Fact]
    public async Task Who_does_not_know_the_authority_does_not_connect()
    {
        await using var bench = await TlsAsync();
        using var stranger = WebBench.Visitor();

        await Assert.ThrowsAsync<HttpRequestException>(() => stranger.GetAsync(new Uri(bench.Address, "/metrics"), Cancellation));
    }

    [Fact]
    public async Task A_renewed_certificate_is_shown_at_the_next_handshake_and_a_broken_one_to_nobody()
    {
        await using var bench = await TlsAsync();
        Assert.Equal("CN=server", await Subject(bench));

        var (certificate, key) = authority.Server("renewed");
        bench.DirectoryPath.Write("server.pem", certificate);
        bench.DirectoryPath.Write("server.key", key);
        Assert.Equal("CN=renewed", await Subject(bench));

        bench.DirectoryPath.Write("server.key", "nonsense");
        await Assert.ThrowsAnyAsync<Exception>(() => Subject(bench));
        Assert.Contains("TLS handshakes are refused", bench.Log, StringComparison.Ordinal);

        bench.DirectoryPath.Write("server.key", key);
        Assert.Equal("CN=renewed", await Subject(bench));
    }

    [Fact]
    public async Task Versions_and_cipher_suites_are_those_of_the_file()
    {
        await using var bench = await TlsAsync("min_version: TLS12\n  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]");

        await using var stream = await Connect(bench, SslProtocols.None);

        Assert.Equal((SslProtocols.Tls12, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384), (stream.SslProtocol, stream.NegotiatedCipherSuite));
        await Assert.ThrowsAnyAsync<Exception>(() => Connect(bench, SslProtocols.Tls13));
    }

    [Theory]
    [InlineData("RequireAndVerifyClientCert", false, true, true)]
    [InlineData("VerifyClientCertIfGiven", true, true, true)]
    [InlineData("RequireAnyClientCert", false, true, false)]
    [InlineData("RequestClientCert", true, true, false)]
    public async Task A_client_is_let_in_by_the_types_that_Go_has(string type, bool withNone, bool withOurs, bool verified)
    {
        await using var bench = await TlsAsync($"client_auth_type: {type}{(verified ? "\n  client_ca_file: ca.pem" : "")}");
        using var elsewhere = new Authority();
        using var ours = authority.Client("spiffe://home/prometheus");
        using var theirs = elsewhere.Client("spiffe://home/prometheus");

        Assert.Equal(withNone, await Enters(bench, null));
        Assert.Equal(withOurs, await Enters(bench, ours));
        Assert.Equal(!verified, await Enters(bench, theirs));
    }

    [Fact]
    public async Task A_verified_client_needs_one_of_the_allowed_names()
    {
        await using var bench = await TlsAsync("client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  client_allowed_sans: [\"spiffe://home/prometheus\"]");
        using var named = authority.Client("spiffe://home/prometheus");
        using var other = authority.Client("spiffe://home/somebody");

        Assert.True(await Enters(bench, named));
        Assert.False(await Enters(bench, other));
    }

    [Fact]
    public async Task A_real_Prometheus_scrapes_over_TLS_with_a_password_and_not_with_a_wrong_one()
    {
        await using var bench = await TlsAsync(more: Users);
        using var directory = new TemporaryDirectory();
        var ca = directory.Write("ca.pem", authority.Pem);

        Assert.Equal([1.0], await Up("right", ca, "up == 1"));
        Assert.Equal([0.0], await Up("wrong", ca));
        using var elsewhere = new Authority();
        Assert.Equal([0.0], await Up("right", directory.Write("other.pem", elsewhere.Pem)));

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

    /// <param name="tls">Further lines of tls_server_config.</param>
    /// <param name="more">Further sections of the file.</param>
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
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => IsOurs(shown as X509Certificate2);
        handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate!;
        return new HttpClient(handler);
    }

    private bool IsOurs(X509Certificate2? shown)
    {
        using var chain = new X509Chain { ChainPolicy = { RevocationMode = X509RevocationMode.NoCheck, TrustMode = X509ChainTrustMode.CustomRootTrust } };
        chain.ChainPolicy.CustomTrustStore.Add(authority.Root);
        return shown is not null && chain.Build(shown);
    }

    private async Task<bool> Enters(WebBench bench, X509Certificate2? certificate)
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
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", EnabledSslProtocols = versions, RemoteCertificateValidationCallback = (_, shown, _, _) => IsOurs(shown as X509Certificate2) }, Cancellation);
        return stream;
    }

    private async Task<string> Subject(WebBench bench)
    {
        await using var stream = await Connect(bench, SslProtocols.None);
        return stream.RemoteCertificate!.Subject;
    }
}
