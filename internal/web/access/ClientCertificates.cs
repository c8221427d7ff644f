using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Exporter.Web;

/// <summary>Validates client certificates by Go's client authentication types and exporter-toolkit's list of allowed names.</summary>
internal static class ClientCertificates
{
    private const string ClientAuthenticationUsage = "1.3.6.1.5.5.7.3.2";
    private const string SubjectAlternativeName = "2.5.29.17";

    /// <param name="sent">The chain as the handshake built it, with the intermediate certificates that the client sent.</param>
    public static bool Accepts(TlsSettings settings, X509Certificate2? certificate, X509Chain? sent, X509Certificate2Collection? cas, ILogger logger)
    {
        if (certificate is null)
        {
            return settings.ClientAuthentication
                is not (ClientAuthentication.RequireAnyClientCert or ClientAuthentication.RequireAndVerifyClientCert);
        }
        if (settings.ClientAuthentication < ClientAuthentication.VerifyClientCertIfGiven)
        {
            return true;
        }
        using var chain = Chain(sent, cas);
        var problem = !chain.Build(certificate)
            ? Sanitize.Line(chain.ChainStatus.FirstOrDefault().StatusInformation ?? "it is not issued by the client CA")
            : settings.AllowedSans is { } allowed && !Names(certificate).Any(allowed.Contains)
                ? "client_allowed_sans contains none of its names"
                : null;
        if (problem is not null)
        {
            logger.LogWarning("client certificate rejected: {Problem}", problem);
        }
        return problem is null;
    }

    private static X509Chain Chain(X509Chain? sent, X509Certificate2Collection? cas)
    {
        var chain = new X509Chain { ChainPolicy = { RevocationMode = X509RevocationMode.NoCheck } };
        chain.ChainPolicy.ApplicationPolicy.Add(new(ClientAuthenticationUsage));
        if (cas is not null)
        {
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(cas);
        }
        chain.ChainPolicy.ExtraStore.AddRange(sent?.ChainPolicy.ExtraStore ?? []);
        chain.ChainPolicy.ExtraStore.AddRange(sent?.ChainElements.Select(e => e.Certificate).ToArray() ?? []);
        return chain;
    }

    /// <summary>All names of RFC 5280, section 4.2.1.6, that exporter-toolkit compares: DNS, IP, email, URI. .NET reads the first two only.</summary>
    private static IEnumerable<string> Names(X509Certificate2 certificate)
    {
        foreach (var extension in certificate.Extensions.Where(e => e.Oid?.Value == SubjectAlternativeName))
        {
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                var (type, content) = (names.PeekTag().TagValue, names.PeekContentBytes());
                names.ReadEncodedValue();
                if (type is 1 or 2 or 6)
                {
                    yield return Encoding.ASCII.GetString(content.Span);
                }
                else if (type is 7 && content.Length is 4 or 16)
                {
                    yield return new IPAddress(content.Span).ToString();
                }
            }
        }
    }
}
