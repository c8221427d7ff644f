using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.BmwCarData;

/// <summary>What opens the stream: whatever MQTT client has it. A class and no record, so that nothing prints whose it is.</summary>
internal sealed class BmwCredentials
{
    private BmwCredentials(string gcid, Secret idToken, Secret? accessToken) => (Gcid, IdToken, AccessToken, Ends) = (gcid, idToken, accessToken, Jwt.Expiry(idToken));

    /// <summary>The user name, and the first level of every topic.</summary>
    public string Gcid { get; }

    /// <summary>The password, as it is.</summary>
    public Secret IdToken { get; }

    /// <summary>The one that came with the id token; by it the token manager knows which pair is refused.</summary>
    public Secret? AccessToken { get; }

    /// <summary>When the server closes a connection that was opened with it; null where the id token does not say.</summary>
    public DateTimeOffset? Ends { get; }

    /// <summary>Those that the token manager holds, or why there are none.</summary>
    public static (BmwCredentials? Found, ApiFailure? Failure) Of(TokenState state, DateTimeOffset now)
    {
        if (state.Token is not { } token || state is not TokenState.Active && token.IdToken is null)
        {
            return (null, new ApiFailure.NoToken("there is no token for BMW's stream: log in"));
        }
        if (token.IdToken is not { } idToken)
        {
            return token.IsUsable(now)
                ? (null, new ApiFailure.MissingScope("the token came without an id token, which is the stream's password: log in again", "openid"))
                : (null, new ApiFailure.NoToken("the token has ended, and there is no new one yet"));
        }
        if (token.Members.Text("gcid") is not { Length: > 0 } gcid || gcid.AsSpan().ContainsAny('/', '+', '#'))
        {
            return (null, new ApiFailure.Rejected("the token does not say the account's gcid, which is the stream's user name: log in again"));
        }
        var credentials = new BmwCredentials(gcid, idToken, token.AccessToken);
        return credentials.Ends <= now ? (null, new ApiFailure.TokenRefused("the id token, which is the stream's password, has ended, and there is no new one yet")) : (credentials, null);
    }

    /// <summary>One for each car that was asked for; with <c>gcid/+</c> beside them, each message would come twice.</summary>
    public IReadOnlyList<string> Topics(BmwCarDataOptions options) => options.Vins.Count == 0 ? [$"{Gcid}/+"] : [.. options.Vins.Select(vin => $"{Gcid}/{vin}")];

    public MqttOptions Mqtt(BmwCarDataOptions options) => new()
    {
        Host = options.MqttHost,
        Port = options.MqttPort,
        // The protocol version is the system's: BMW has wanted TLS 1.3 since 2026-02, and cut off those who had pinned another.
        Tls = new SslClientAuthenticationOptions { TargetHost = options.MqttHost, CertificateChainPolicy = Trusting(options.MqttTrusted) },
        // The same as the last time, so that a session which the server has not given up yet is evicted and is not in the way.
        ClientIdentifier = Gcid,
        UserName = Gcid,
        Password = Encoding.UTF8.GetBytes(IdToken.Reveal()),
    };

    private static X509ChainPolicy? Trusting(X509Certificate2Collection? certificates)
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
