using System.Net.Security;
using System.Security.Authentication;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Web;

/// <summary>A web configuration file in exporter-toolkit's format. Immutable.</summary>
/// <param name="Users">User names and bcrypt hashes. Without users, no password is required.</param>
internal sealed record WebConfig(
    TlsSettings? Tls, bool Http2, IReadOnlyDictionary<string, string> Headers, IReadOnlyDictionary<string, Secret> Users,
    RateLimitSettings? RateLimit)
{
    /// <summary>Settings that work but are inefficient.</summary>
    public IReadOnlyList<Problem> Warnings { get; init; } = [];
}

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

/// <summary>PEM text: either inline in the configuration, or in a file that may change at any time.</summary>
internal sealed record Pem(Secret? Text, string? File)
{
    private const int MaxLength = 1 << 20;

    /// <summary>The text, or why it cannot be read.</summary>
    public Parsed<string> Read()
    {
        var (text, problem) = File is null ? (Text!.Reveal(), null) : SmallFile.Read(File, MaxLength, isReadAgain: true);
        return new Parsed<string>(text, problem);
    }
}
