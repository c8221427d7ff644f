using System.Net.Security;
using System.Security.Authentication;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Web;

/// <summary>The web configuration file, as exporter-toolkit has it. Immutable.</summary>
/// <param name="Users">From name to bcrypt hash; nobody is asked while it is empty.</param>
internal sealed record WebConfig(
    TlsSettings? Tls, bool Http2, IReadOnlyDictionary<string, string> Headers, IReadOnlyDictionary<string, Secret> Users, RateLimitSettings? RateLimit)
{
    /// <summary>What works and costs more than it should.</summary>
    public IReadOnlyList<Problem> Warnings { get; init; } = [];
}

internal sealed record RateLimitSettings(TimeSpan Interval, int Burst);

/// <param name="AllowedSans">A verified client certificate has to hold one of these; null where any will do.</param>
/// <param name="Suites">For TLS 1.2 and older; null leaves the choice to the system. As in Go, those of TLS 1.3 are always on.</param>
internal sealed record TlsSettings(
    Pem Certificate, Pem Key, Pem? ClientCa, ClientAuthentication ClientAuthentication, IReadOnlyList<string>? AllowedSans, SslProtocols Versions,
    IReadOnlyList<TlsCipherSuite>? Suites);

/// <summary>Go's tls.ClientAuthType.</summary>
internal enum ClientAuthentication
{
    NoClientCert,
    RequestClientCert,
    RequireAnyClientCert,
    VerifyClientCertIfGiven,
    RequireAndVerifyClientCert,
}

/// <summary>Text in PEM that stands in the configuration or in a file of its own, which may change at any time.</summary>
internal abstract record Pem
{
    private const int Largest = 1 << 20;

    private Pem() { }

    internal sealed record Inline(Secret Text) : Pem;

    internal sealed record InFile(string Path) : Pem;

    /// <summary>The text, or why there is none.</summary>
    public Parsed<string> Read() => this switch
    {
        Inline(var text) => Parsed.Value(text.Reveal()),
        InFile(var path) => SmallFile.Read(path, Largest) switch { var (text, problem) => new Parsed<string>(text, problem) },
        _ => throw new InvalidOperationException("PEM stands nowhere else"),
    };
}
