using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Exporter.BmwCarData;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>Debian's mosquitto on 127.0.0.1, with TLS, a self-signed certificate and a password file.</summary>
internal sealed class Mosquitto : IAsyncDisposable
{
    public const string User = "gcid";

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("mosquitto-");
    private readonly X509Certificate2 certificate;
    private readonly int port = FreePort.Take();
    private Peer? process;

    private Mosquitto()
    {
        certificate = SelfSigned();
        using var key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(InDirectory("certificate.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(InDirectory("key.pem"), key.ExportPkcs8PrivateKeyPem());
        // `user root`: otherwise mosquitto switches to a user that cannot read this directory.
        File.WriteAllText(InDirectory("mosquitto.conf"), $"""
            user root
            persistence false
            log_dest stderr
            max_queued_messages 0
            allow_anonymous false
            password_file {InDirectory("passwords")}
            listener {port} 127.0.0.1
            certfile {InDirectory("certificate.pem")}
            keyfile {InDirectory("key.pem")}
            """);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public int Port => port;

    /// <summary>The certificate that clients have to trust.</summary>
    public string CertificateFile => InDirectory("certificate.pem");

    public static async Task<Mosquitto> Start(string password)
    {
        Peer.Find("mosquitto");
        Peer.Find("mosquitto_pub");
        var broker = new Mosquitto();
        try
        {
            await broker.ChoosePassword(password);
            await broker.Start();
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    public async Task Start()
    {
        process = Peer.Start("mosquitto", "-c", InDirectory("mosquitto.conf"));
        await process.Says("running", Cancellation);
    }

    /// <summary>Stops the broker with a signal, whose name has no SIG.</summary>
    public async Task Stop(string signal)
    {
        await process!.Signal(signal, Cancellation);
        await process.Ends(Cancellation);
        await process.DisposeAsync();
        process = null;
    }

    /// <summary>Changes the password and lets the broker reload its files.</summary>
    public async Task ChangePassword(string password)
    {
        await ChoosePassword(password);
        await process!.Signal("HUP", Cancellation);
        await process.Says("Reloading config", Cancellation);
    }

    public MqttOptions Options(string password, string clientIdentifier = "") => new()
    {
        Host = "127.0.0.1",
        Port = port,
        ClientIdentifier = clientIdentifier,
        UserName = User,
        Password = Encoding.UTF8.GetBytes(password),
        Tls = Tls([certificate]),
    };

    public static SslClientAuthenticationOptions Tls(X509Certificate2Collection trusted)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(trusted);
        return new() { TargetHost = "127.0.0.1", CertificateChainPolicy = policy };
    }

    /// <summary>A certificate for 127.0.0.1, with its key.</summary>
    public static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=broker of a test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
    }

    /// <summary>Publishes each line at QoS 1 with mosquitto's client, and waits for all acknowledgements.</summary>
    public async Task Publish(string password, string topic, params IEnumerable<string> lines)
    {
        var (exitCode, _, error) = await Peer.Run("mosquitto_pub",
            [
                "-V", "5", "-h", "127.0.0.1", "-p", $"{port}", "--cafile", InDirectory("certificate.pem"),
                "-u", User, "-P", password, "-q", "1", "-t", topic, "-l",
            ],
            Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n"))), Cancellation);
        Assert.True(exitCode == 0, $"mosquitto_pub: {error}");
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }
        certificate.Dispose();
        directory.Delete(recursive: true);
    }

    private string InDirectory(string name) => Path.Combine(directory.FullName, name);

    private async Task ChoosePassword(string password)
    {
        var (exitCode, _, error) = await Peer.Run("mosquitto_passwd", ["-c", "-b", InDirectory("passwords"), User, password], default, Cancellation);
        Assert.True(exitCode == 0, $"mosquitto_passwd: {error}");
    }
}
