using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Exporter.Accounts;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Exporter.Web;

/// <summary>
/// Decides about every TLS handshake by the web configuration of that moment: certificate and key are read again, so that a renewed
/// certificate needs no restart. Where something is no good there is no handshake. Safe for concurrent use.
/// </summary>
internal sealed class TlsHandshake(LiveWebConfig live, ILogger logger)
{
    private readonly Lock gate = new();
    private Material? last;
    private string? complaint;

    public ValueTask<SslServerAuthenticationOptions> DecideAsync(TlsHandshakeCallbackContext context)
    {
        if (live.Current()?.Tls is not { } settings)
        {
            throw new InvalidOperationException("There is no web configuration to shake hands by.");
        }
        lock (gate)
        {
            var (material, problem) = Material.Read(settings, last);
            if (problem != complaint)
            {
                complaint = problem;
                logger.Log(problem is null ? LogLevel.Information : LogLevel.Error, "TLS handshakes {Outcome}", problem is null ? "work again" : $"are refused: {problem}");
            }
            last = material ?? throw new InvalidOperationException("The certificate cannot be used.");
            return ValueTask.FromResult(Options(settings, material));
        }
    }

    private SslServerAuthenticationOptions Options(TlsSettings settings, Material material) => new()
    {
        ServerCertificateContext = material.Context,
        EnabledSslProtocols = settings.Versions,
        CipherSuitesPolicy = settings.Suites is { } suites ? new CipherSuitesPolicy(suites.Concat(CipherSuites.Tls13).Distinct()) : null,
        ApplicationProtocols = live.Initial.Http2 ? [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11] : [SslApplicationProtocol.Http11],
        AllowRenegotiation = false,
        ClientCertificateRequired = settings.ClientAuthentication is not ClientAuthentication.NoClientCert,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            ClientCertificates.Accepts(settings, certificate as X509Certificate2, chain, material.ClientCas, logger),
    };

    /// <summary>Certificate, key and CAs as they were read, and what was made of them.</summary>
    internal sealed record Material(string Certificate, string Key, string? Ca, SslStreamCertificateContext Context, X509Certificate2Collection? ClientCas)
    {
        /// <summary>Reads all files; what is made of them is made anew only where one has changed.</summary>
        public static Parsed<Material> Read(TlsSettings settings, Material? before)
        {
            var (certificate, certificateProblem) = settings.Certificate.Read();
            var (key, keyProblem) = settings.Key.Read();
            var (ca, caProblem) = settings.ClientCa?.Read() ?? default;
            if ((certificateProblem ?? keyProblem ?? caProblem) is { } problem)
            {
                return Parsed.Problem<Material>(problem);
            }
            if (before is not null && before.Certificate == certificate && before.Key == key && before.Ca == ca)
            {
                return Parsed.Value(before);
            }
            try
            {
                var cas = ca is null ? null : Certificates(ca);
                if (cas is { Count: 0 })
                {
                    return Parsed.Problem<Material>("the client CA holds no certificate in PEM; write one into it");
                }
                using var pair = X509Certificate2.CreateFromPem(certificate, key);
                // A copy with its key inside: OpenSSL takes the ephemeral one only while the pair lives.
                var leaf = X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pkcs12), null);
                var chain = Certificates(certificate!);
                return Parsed.Value(new Material(certificate!, key!, ca, SslStreamCertificateContext.Create(leaf, new(chain.Skip(1).ToArray()), offline: true), cas));
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                return Parsed.Problem<Material>("the certificate and the key are no pair in PEM; look whether the files are exchanged, or the key is encrypted");
            }
        }

        private static X509Certificate2Collection Certificates(string pem)
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(pem);
            return certificates;
        }
    }
}
