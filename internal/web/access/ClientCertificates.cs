using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Web;

/// <summary>Whether a client may connect, by Go's client authentication types and exporter-toolkit's list of names.</summary>
internal static class ClientCertificates
{
    private const string ClientAuthenticationUsage = "1.3.6.1.5.5.7.3.2";
    private const string SubjectAlternativeName = "2.5.29.17";

    public static bool Accepts(TlsSettings settings, X509Certificate2? certificate, X509Chain? sent, X509Certificate2Collection? cas, ILogger logger)
    {
        var (asked, verified) = settings.ClientAuthentication switch
        {
            ClientAuthentication.NoClientCert or ClientAuthentication.RequestClientCert => (false, false),
            ClientAuthentication.RequireAnyClientCert => (true, false),
            ClientAuthentication.VerifyClientCertIfGiven => (false, true),
            ClientAuthentication.RequireAndVerifyClientCert => (true, true),
            _ => throw new InvalidOperationException("there is no other type"),
        };
        if (certificate is null)
        {
            return !asked;
        }
        if (!verified)
        {
            return true;
        }
        using var chain = Chain(sent, cas);
        if (!chain.Build(certificate))
        {
            logger.LogWarning("a client's certificate is not accepted: {Reason}", Sanitize.Line(chain.ChainStatus.FirstOrDefault().StatusInformation ?? "it does not lead to the client CA"));
            return false;
        }
        if (settings.AllowedSans is { } allowed && !Names(certificate).Any(allowed.Contains))
        {
            logger.LogWarning("a client's certificate is not accepted: none of its names is in client_allowed_sans");
            return false;
        }
        return true;
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
        // The intermediates that came with the certificate.
        chain.ChainPolicy.ExtraStore.AddRange(sent?.ChainPolicy.ExtraStore ?? []);
        chain.ChainPolicy.ExtraStore.AddRange(sent?.ChainElements.Select(e => e.Certificate).ToArray() ?? []);
        return chain;
    }

    /// <summary>All names of RFC 5280, section 4.2.1.6, that exporter-toolkit compares: DNS, IP, e-mail, URI. .NET reads the first two only.</summary>
    internal static IEnumerable<string> Names(X509Certificate2 certificate)
    {
        foreach (var extension in certificate.Extensions.Where(e => e.Oid?.Value == SubjectAlternativeName))
        {
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                var tag = names.PeekTag();
                var content = names.PeekContentBytes();
                names.ReadEncodedValue();
                switch (tag.TagValue)
                {
                    case 1 or 2 or 6:
                        yield return Encoding.ASCII.GetString(content.Span);
                        break;
                    case 7 when content.Length is 4 or 16:
                        yield return new IPAddress(content.Span).ToString();
                        break;
                }
            }
        }
    }
}
