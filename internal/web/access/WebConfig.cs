using System.Net.Security;
using System.Security.Authentication;

namespace Exporter.Web;

/// <summary>A web configuration file in exporter-toolkit's format. Immutable.</summary>
/// <param name="Users">User names and bcrypt hashes. Without users, no password is required.</param>
/// <param name="Warnings">Settings that work but are inefficient.</param>
internal sealed record WebConfig(
    TlsSettings? Tls, bool Http2, IReadOnlyDictionary<string, string> Headers, IReadOnlyDictionary<string, Secret> Users,
    RateLimitSettings? RateLimit, IReadOnlyList<Problem> Warnings);

internal sealed record RateLimitSettings(TimeSpan Interval, int Burst);

/// <param name="AllowedSans">A verified client certificate must contain one of these names; null allows any.</param>
/// <param name="Suites">For TLS 1.2 and older; null uses the system's defaults. As in Go, those of TLS 1.3 are always enabled.</param>
internal sealed record TlsSettings(
    Pem Certificate, Pem Key, Pem? ClientCa, ClientAuthentication ClientAuthentication, IReadOnlyList<string>? AllowedSans, SslProtocols Versions,
    IReadOnlyList<TlsCipherSuite>? Suites);

/// <summary>Go's tls.ClientAuthType. Certificates are verified from <see cref="VerifyClientCertIfGiven"/> on.</summary>
internal enum ClientAuthentication
{
    NoClientCert,
    RequestClientCert,
    RequireAnyClientCert,
    VerifyClientCertIfGiven,
    RequireAndVerifyClientCert,
}

/// <summary>Reads PEM text, or returns why it cannot be read. It is inline in the configuration, or in a file that may change at any time.</summary>
internal delegate Result<string, string> Pem();
