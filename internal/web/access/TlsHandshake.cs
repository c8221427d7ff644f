using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Exporter.Web;

/// <summary>
/// Configures every TLS handshake from the current web configuration. It reads certificate and key again, so that a renewed certificate needs
/// no restart. With an invalid configuration, the handshake fails. Safe for concurrent use.
/// </summary>
internal sealed class TlsHandshake(LiveWebConfig live, ILogger logger)
{
    private readonly Lock gate = new();
    private Material? last;
    private string? lastProblem;

    public ValueTask<SslServerAuthenticationOptions> GetOptionsAsync(TlsHandshakeCallbackContext context)
    {
        if (live.Current()?.Tls is not { } settings)
        {
            throw new InvalidOperationException("The web configuration is invalid.");
        }
        lock (gate)
        {
            var (material, problem) = Material.Read(settings, last);
            if (problem != lastProblem)
            {
                lastProblem = problem;
                logger.Log(problem is null ? LogLevel.Information : LogLevel.Error, "TLS handshakes {Outcome}",
                    problem is null ? "work again" : $"fail: {problem}");
            }
            last = material ?? throw new InvalidOperationException("The certificate is invalid.");
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

    /// <summary>Certificate, key and CAs as PEM text, and the objects parsed from them.</summary>
    internal sealed record Material(
        string Certificate, string Key, string? Ca, SslStreamCertificateContext Context, X509Certificate2Collection? ClientCas)
    {
        /// <summary>Reads all files, and parses them if one has changed since <paramref name="previous"/>.</summary>
        public static Result<Material, string> Read(TlsSettings settings, Material? previous)
        {
            var (certificate, certificateProblem) = settings.Certificate();
            var (key, keyProblem) = settings.Key();
            var (ca, caProblem) = settings.ClientCa?.Invoke() ?? default;
            if ((certificateProblem ?? keyProblem ?? caProblem) is { } problem)
            {
                return problem;
            }
            if (previous is not null && previous.Certificate == certificate && previous.Key == key && previous.Ca == ca)
            {
                return previous;
            }
            try
            {
                var cas = ca is null ? null : Certificates(ca);
                if (cas is { Count: 0 })
                {
                    return "the client CA contains no certificate in PEM; add one";
                }
                var chain = Certificates(certificate!);
                if (chain is [var first, ..] && first.PublicKey.Oid.Value is "1.3.101.112" or "1.3.101.113")
                {
                    return "the certificate has a key for Ed25519 or Ed448, which .NET does not support; use one for ECDSA (P-256) or RSA";
                }
                if (PairProblem(chain, key!) is { } unusable)
                {
                    return unusable;
                }
                using var pair = X509Certificate2.CreateFromPem(certificate, key);
                // A copy that contains its key: OpenSSL uses an ephemeral key only until its certificate is disposed.
                var leaf = X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pkcs12), null);
                var context = SslStreamCertificateContext.Create(leaf, new(chain.Skip(1).ToArray()), offline: true);
                return new Material(certificate!, key!, ca, context, cas);
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                return "the certificate and the key are not a pair in PEM; name the certificate and the private key that belong together";
            }
        }

        private static string? PairProblem(X509Certificate2Collection chain, string key) =>
            chain.Count == 0 ? "the file of cert_file contains no certificate in PEM; check that cert_file and key_file are not swapped"
            : key.Contains("ENCRYPTED", StringComparison.Ordinal)
                ? "the private key is encrypted; decrypt it with openssl pkey -in KEY -out NEW, and name the new file"
            : !key.Contains("PRIVATE KEY-----", StringComparison.Ordinal)
                ? "the file of key_file contains no private key in PEM; check that cert_file and key_file are not swapped"
            : null;

        private static X509Certificate2Collection Certificates(string pem)
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(pem);
            return certificates;
        }
    }
}
