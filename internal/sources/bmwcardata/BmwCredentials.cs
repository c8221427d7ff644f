using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Exporter.BmwCarData;

/// <summary>The credentials of the stream. Not a record, so that ToString reveals no user name.</summary>
/// <param name="gcid">The user name, and the first level of every topic.</param>
/// <param name="idToken">The password.</param>
/// <param name="accessToken">Identifies the token pair in a renewal request to the token manager.</param>
internal sealed class BmwCredentials(string gcid, Secret idToken, Secret? accessToken)
{
    public string Gcid => gcid;

    public Secret IdToken => idToken;

    public Secret? AccessToken => accessToken;

    /// <summary>When the server closes the connection; null if the ID token has no expiry.</summary>
    public DateTimeOffset? ExpiresAt => Jwt.Expiry(idToken);

    public static (BmwCredentials? Credentials, ApiFailure? Failure) From(TokenState state, DateTimeOffset now) =>
        state.Token is not { } token || (state is not TokenState.Active && token.IdToken is null)
            ? (null, new ApiFailure.NoToken("there is no token for BMW's stream: log in"))
        : token.IdToken is not { } idToken
            ? (null, token.IsUsable(now)
                ? new ApiFailure.MissingScope("the token has no ID token, which is the password of the stream: log in again", "openid")
                : new ApiFailure.NoToken("the token has expired, and the renewal is pending"))
        : token.Members.Text("gcid") is not { Length: > 0 } gcid || gcid.AsSpan().ContainsAny('/', '+', '#')
            ? (null, new ApiFailure.Rejected("the token has no gcid, which is the user name of the stream: log in again"))
        : Jwt.Expiry(idToken) <= now
            ? (null, new ApiFailure.TokenRefused("the ID token, which is the password of the stream, has expired, and the renewal is pending"))
        : (new BmwCredentials(gcid, idToken, token.AccessToken), null);

    /// <summary>One topic for each configured car, or <c>gcid/+</c>. With both, each message would arrive twice.</summary>
    public IReadOnlyList<string> Topics(BmwCarDataOptions options) =>
        options.Vins.Count == 0 ? [$"{Gcid}/+"] : [.. options.Vins.Select(vin => $"{Gcid}/{vin}")];

    public MqttOptions Mqtt(BmwCarDataOptions options) => new()
    {
        Host = options.MqttHost,
        Port = options.MqttPort,
        // The system chooses the TLS version. BMW requires TLS 1.3 since 2026-02, which broke clients with a fixed version.
        Tls = new SslClientAuthenticationOptions { TargetHost = options.MqttHost, CertificateChainPolicy = Trust(options.MqttCertificates) },
        // A constant identifier evicts a stale session of the exporter.
        ClientIdentifier = Gcid,
        UserName = Gcid,
        Password = Encoding.UTF8.GetBytes(IdToken.Reveal()),
        LogPackets = options.MqttLogging,
    };

    private static X509ChainPolicy? Trust(X509Certificate2Collection? certificates)
    {
        if (certificates is null)
        {
            return null;
        }
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(certificates);
        return policy;
    }
}
