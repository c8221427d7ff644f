using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Exporter.Tests.Support;

namespace Exporter.Tests.Web;

/// <summary>A certificate authority for one test, and the certificates that it issues.</summary>
internal sealed class Authority : IDisposable
{
    private static readonly DateTimeOffset From = TimeProvider.System.GetUtcNow().AddDays(-1);

    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public Authority()
    {
        var request = new CertificateRequest("CN=Test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        Root = request.CreateSelfSigned(From, From.AddYears(1));
    }

    public X509Certificate2 Root { get; }

    public string Pem => Root.ExportCertificatePem();

    /// <summary>For a server at 127.0.0.1 and localhost.</summary>
    public (string Certificate, string Key) Server(string name = "server") => Pems(Issue(name, "1.3.6.1.5.5.7.3.1", san =>
    {
        san.AddIpAddress(IPAddress.Loopback);
        san.AddDnsName("localhost");
    }));

    /// <summary>For a client with this URI as one of its names.</summary>
    public X509Certificate2 Client(string uri)
    {
        using var issued = Issue("client", "1.3.6.1.5.5.7.3.2", san =>
        {
            san.AddUri(new Uri(uri));
            san.AddEmailAddress("client@example.org");
        });
        return X509CertificateLoader.LoadPkcs12(issued.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>Writes a certificate and its key to <c>NAME.pem</c> and <c>NAME.key</c>.</summary>
    public void Write(TemporaryDirectory directory, string name = "server")
    {
        var (certificate, privateKey) = Server(name);
        directory.Write($"{name}.pem", certificate);
        directory.Write($"{name}.key", privateKey);
    }

    public void Dispose()
    {
        Root.Dispose();
        key.Dispose();
    }

    private X509Certificate2 Issue(string name, string usage, Action<SubjectAlternativeNameBuilder> names)
    {
        var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", own, HashAlgorithmName.SHA256);
        var san = new SubjectAlternativeNameBuilder();
        names(san);
        request.CertificateExtensions.Add(san.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        using var issued = request.Create(Root, From, From.AddMonths(6), RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(own);
    }

    private static (string Certificate, string Key) Pems(X509Certificate2 issued) =>
        (issued.ExportCertificatePem(), issued.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
}
