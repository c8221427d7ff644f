using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Exporter.Sandbox;
using Exporter.Tests.BmwCarData;
using Exporter.Tests.Support;
using Exporter.Tests.Web;
using Xunit;

namespace Exporter.Tests.Program;

/// <summary>
/// Connections of the real program over TLS, as server and as client. Its published forms use OpenSSL in different ways, so the scripts in
/// tests/install run these tests with each of them.
/// </summary>
[Trait("Suite", "slow")]
public sealed class SecureConnectionTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly Authority authority = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_login_by_redirect_over_HTTPS_survives_a_kill()
    {
        var port = FreePort.Take();
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), Cancellation);
        sandbox.Netatmo.RegisterRedirectUri($"https://localhost:{port}/auth/callback");
        var hash = await HashAsync("correct-horse");
        var file = Configure(sandbox, port, $"basic_auth_users:\n  me: \"{hash}\"\n");
        using var browser = Client(credentials: "me:correct-horse", port: port);
        using var stranger = Client(credentials: "me:wrong", port: port);

        await using (var exporter = await RunningExporter.StartAsync(["--config", file], Cancellation))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.GetAsync("/metrics", Cancellation)).StatusCode);
            using var start = await browser.GetAsync("/auth", Cancellation);
            var callback = await WebBench.ConsentAtAsync(sandbox, start.Headers.Location!.OriginalString);
            using var end = await browser.GetAsync(callback, Cancellation);
            Assert.Equal(HttpStatusCode.SeeOther, end.StatusCode);
            await exporter.Says("reading succeeded", Cancellation);
            await exporter.KillAsync(Cancellation);
        }
        var requests = sandbox.Netatmo.Token.Requests;

        await using var again = await RunningExporter.StartAsync(["--config", file], Cancellation);
        await again.Says("reading succeeded", Cancellation);
        Assert.Contains("\nnetatmo_sensor_temperature_celsius{", await browser.GetStringAsync("/metrics", Cancellation), StringComparison.Ordinal);
        Assert.Equal(requests, sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task Only_a_client_with_a_certificate_of_the_authority_connects()
    {
        var port = FreePort.Take();
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), Cancellation);
        var file = Configure(sandbox, port, "", "\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem");
        using var other = new Authority();
        using var trusted = authority.Client("spiffe://home/prometheus");
        using var untrusted = other.Client("spiffe://home/prometheus");
        await using var exporter = await RunningExporter.StartAsync(["--config", file], Cancellation);

        using var client = Client(trusted, port: port);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/metrics", Cancellation)).StatusCode);
        foreach (var certificate in new[] { null, untrusted })
        {
            using var rejected = Client(certificate, port: port);
            await Assert.ThrowsAsync<HttpRequestException>(() => rejected.GetAsync("/metrics", Cancellation));
        }
    }

    [Fact]
    public async Task A_car_sends_its_values_over_TLS()
    {
        var car = new BmwExampleAccount();
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions { Providers = [car.Provider] }, Cancellation);
        var account = car.Configure(sandbox, directory).ReplaceLineEndings("\n  ");
        await using var exporter = await RunningExporter.StartAsync(
            ["--config", directory.Write("exporter.yml", $"accounts:\n  {account}\n"), "-a", "127.0.0.1:0"], Cancellation);

        await car.SendAsync(sandbox, Cancellation);

        await exporter.Shows($"\n{car.LastSeries}{{", Cancellation);
    }

    public void Dispose()
    {
        authority.Dispose();
        directory.Dispose();
    }

    private static async Task<string> HashAsync(string password)
    {
        var (code, output, error) = await Peer.Run(RunningExporter.Binary, ["hash-password"], Encoding.UTF8.GetBytes(password + "\n"), Cancellation);
        Assert.True(code == 0, error);
        return Encoding.UTF8.GetString(output).Trim();
    }

    private string Configure(SandboxServer sandbox, int port, string web, string tls = "")
    {
        authority.Write(directory);
        directory.Write("ca.pem", authority.Pem);
        directory.Write("web.yml", $"tls_server_config:\n  cert_file: server.pem\n  key_file: server.key{tls}\n{web}");
        return directory.Write("exporter.yml", $"""
            addr: 127.0.0.1:{port}
            external_url: https://localhost:{port}
            web_config_file: web.yml
            accounts:
              home:
                source: netatmo
                client_id: {sandbox.Netatmo.ClientId}
                client_secret: {sandbox.Netatmo.ClientSecret}
                api_url: {sandbox.Address}
                token_file: home-token.json
            """);
    }

    /// <summary>Trusts the authority only, and does not follow redirects.</summary>
    private HttpClient Client(X509Certificate2? certificate = null, string? credentials = null, int port = 0)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { authority.Root },
        };
        handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate!;
        var client = new HttpClient(handler) { BaseAddress = new Uri($"https://localhost:{port}") };
        if (credentials is not null)
        {
            client.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials)));
        }
        return client;
    }
}
