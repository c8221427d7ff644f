using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Certificates;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace Exporter.Sandbox;

/// <summary>
/// BMW's stream on MQTTnet's server: MQTT 5 over TLS with a self-signed certificate. An account has one connection, whose password is an ID
/// token that hasn't expired, and the connection ends when the token expires. Messages go to the clients that are connected, and are not kept.
/// Thread-safe.
/// </summary>
public sealed class BmwBroker : IAsyncDisposable
{
    /// <summary>Where MQTTnet's session keeps ours.</summary>
    private const string Own = "session";

    private readonly ConcurrentDictionary<BrokerSession, long> sessions = new();
    private readonly X509Certificate2 certificate = SelfSigned();
    private readonly BrokerRules rules;
    private readonly MqttServerOptions options;
    private readonly MqttServer server;
    private long began;
    private int connects;
    private bool disposed;

    private BmwBroker(IPEndPoint listen, BrokerRules rules)
    {
        this.rules = rules;
        options = new MqttServerOptionsBuilder().WithoutDefaultEndpoint().WithEncryptedEndpoint().WithEncryptedEndpointPort(listen.Port)
            .WithEncryptedEndpointBoundIPAddress(listen.Address).WithEncryptedEndpointBoundIPV6Address(IPAddress.None)
            // The protocol versions are the system's.
            .WithEncryptionSslProtocol(SslProtocols.None).WithEncryptionCertificate(new X509CertificateProvider(certificate))
            .WithMaxPendingMessagesPerClient(100_000).Build();
        // MQTTnet's own monitor uses the wall clock; each session watches the keep-alive by the rules' clock.
        options.KeepAliveOptions.MonitorInterval = TimeSpan.FromDays(1);
        server = new MqttServerFactory().CreateMqttServer(options);
        server.ValidatingConnectionAsync += ValidateAsync;
        server.ClientConnectedAsync += WelcomeAsync;
        server.ClientDisconnectedAsync += ForgetAsync;
        server.InterceptingInboundPacketAsync += HearAsync;
        server.InterceptingSubscriptionAsync += GrantAsync;
        server.InterceptingOutboundPacketAsync += AnswerAsync;
        EndPoint = listen;
    }

    public IPEndPoint EndPoint { get; private set; }

    /// <summary>The certificate that a client has to trust.</summary>
    public string CertificatePem => certificate.ExportCertificatePem();

    /// <summary>How many connections it has accepted.</summary>
    public int Connects => connects;

    /// <summary>The topic filters of everyone who is connected.</summary>
    public IReadOnlyList<string> Subscriptions => [.. sessions.Keys.SelectMany(s => s.Filters)];

    /// <summary>When a connected client last sent something; null if none is connected.</summary>
    public DateTimeOffset? LastHeard => sessions.Keys.Max(s => (DateTimeOffset?)s.LastHeard);

    /// <summary>A reason code that rejects every new connection; null accepts them again.</summary>
    public byte? Refusal { get => rules.Refusal; set => rules.Refusal = value; }

    /// <param name="listen">Port 0 takes a free one.</param>
    /// <exception cref="SocketException">The address is taken.</exception>
    internal static async Task<BmwBroker> StartAsync(IPEndPoint listen, BrokerRules rules)
    {
        var broker = new BmwBroker(listen, rules);
        try
        {
            await broker.server.StartAsync();
            broker.EndPoint = new IPEndPoint(listen.Address, broker.options.TlsEndpointOptions.Port);
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends a message to the clients that are subscribed to its topic now.</summary>
    /// <param name="topic"><c>GCID/VIN</c>.</param>
    /// <returns>The number of those clients.</returns>
    public async Task<int> PublishAsync(string topic, ReadOnlyMemory<byte> payload)
    {
        var followers = sessions.Keys.Count(session => session.Follows(topic));
        if (followers > 0)
        {
            var message = new MqttApplicationMessageBuilder().WithTopic(topic).WithPayload(payload.ToArray())
                .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build();
            await server.InjectApplicationMessage(new InjectedMqttApplicationMessage(message) { SenderClientId = "bmw" }, CancellationToken.None);
        }
        return followers;
    }

    /// <summary>Closes every connection without a DISCONNECT, as a broken network does.</summary>
    public void Cut()
    {
        foreach (var session in sessions.Keys)
        {
            session.Cut();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, true))
        {
            return;
        }
        if (server.IsStarted)
        {
            await server.StopAsync(new MqttServerStopOptions());
        }
        server.Dispose();
        certificate.Dispose();
    }

    private Task ValidateAsync(ValidatingConnectionEventArgs connecting)
    {
        var (user, password) = (connecting.UserName ?? "", connecting.Password ?? "");
        var end = rules.EndOf(user, password);
        connecting.ReasonCode = rules.Refusal is { } refusal ? (MqttConnectReasonCode)refusal
            : connecting.ProtocolVersion != MqttProtocolVersion.V500 ? MqttConnectReasonCode.UnsupportedProtocolVersion
            : end is not null ? MqttConnectReasonCode.Success
            : user.Length == 0 || password.Length == 0 ? MqttConnectReasonCode.BadUserNameOrPassword : MqttConnectReasonCode.NotAuthorized;
        if (connecting.ReasonCode == MqttConnectReasonCode.Success)
        {
            connecting.AssignedClientIdentifier = Guid.NewGuid().ToString("N");
            var client = connecting.ClientId is { Length: > 0 } given ? given : connecting.AssignedClientIdentifier;
            // Its timers start before the client gets the CONNACK.
            var keepAlive = TimeSpan.FromSeconds(connecting.KeepAlivePeriod ?? 0);
            var session = new BrokerSession(client, user, connecting.ChannelAdapter, end!.Value, keepAlive, rules.Time);
            connecting.SessionItems[Own] = session;
            sessions[session] = Interlocked.Increment(ref began);
        }
        return Task.CompletedTask;
    }

    /// <summary>
    /// An account has one connection (MQTT 5, 3.14.2.1: session taken over). MQTTnet ensures that for equal client identifiers, this for different ones.
    /// </summary>
    private async Task WelcomeAsync(ClientConnectedEventArgs connected)
    {
        Interlocked.Increment(ref connects);
        var session = (BrokerSession)connected.SessionItems[Own]!;
        foreach (var other in sessions.Keys.Where(other => other.Account == session.Account && other.ClientId != session.ClientId))
        {
            var older = sessions.GetValueOrDefault(other) < sessions.GetValueOrDefault(session) ? other : session;
            await older.EndAsync(MqttDisconnectReasonCode.SessionTakenOver);
        }
    }

    private Task ForgetAsync(ClientDisconnectedEventArgs gone)
    {
        var session = (BrokerSession)gone.SessionItems[Own]!;
        sessions.TryRemove(session, out _);
        session.Dispose();
        return Task.CompletedTask;
    }

    private async Task HearAsync(InterceptingPacketEventArgs heard)
    {
        var session = (BrokerSession)heard.SessionItems[Own]!;
        session.Hears();
        if (heard.Packet is not (MqttSubscribePacket or MqttPingReqPacket or MqttPubAckPacket or MqttDisconnectPacket))
        {
            // Clients only subscribe at BMW.
            heard.ProcessPacket = false;
            await session.EndAsync(MqttDisconnectReasonCode.NotAuthorized);
        }
    }

    private Task GrantAsync(InterceptingSubscriptionEventArgs asked)
    {
        var session = (BrokerSession)asked.SessionItems[Own]!;
        if (!session.Owns(asked.TopicFilter.Topic))
        {
            asked.Response.ReasonCode = MqttSubscribeReasonCode.NotAuthorized;
            return Task.CompletedTask;
        }
        if (asked.TopicFilter.QualityOfServiceLevel > MqttQualityOfServiceLevel.AtLeastOnce)
        {
            asked.TopicFilter.QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce;
            asked.Response.ReasonCode = MqttSubscribeReasonCode.GrantedQoS1;
        }
        session.Add(asked.TopicFilter.Topic);
        return Task.CompletedTask;
    }

    /// <summary>A topic of another account costs the connection, as at BMW: the client gets the SUBACK first.</summary>
    private static async Task AnswerAsync(InterceptingPacketEventArgs answered)
    {
        if (answered.Packet is MqttSubAckPacket ack && ack.ReasonCodes.Contains(MqttSubscribeReasonCode.NotAuthorized))
        {
            answered.ProcessPacket = false;
            await ((BrokerSession)answered.SessionItems[Own]!).EndAsync(MqttDisconnectReasonCode.NotAuthorized, first: ack);
        }
    }

    /// <summary>Clients check certificates by the machine's clock, not by the sandbox's.</summary>
    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=sandbox of BMW's stream", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddYears(1));
    }
}
