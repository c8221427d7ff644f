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
/// BMW's stream on MQTTnet's server: MQTT 5 over TLS with a self-signed certificate. Each account has one connection. Its password is a valid
/// ID token, and the connection ends when the token expires. The broker stores no messages.
/// Thread-safe.
/// </summary>
public sealed class BmwBroker : IAsyncDisposable
{
    /// <summary>The key of our session in MQTTnet's session items.</summary>
    private const string SessionKey = "session";

    private readonly ConcurrentDictionary<BrokerSession, int> sessions = new();
    private readonly X509Certificate2 certificate = SelfSigned();
    private readonly BrokerRules rules;
    private readonly MqttServerOptions options;
    private readonly MqttServer server;
    private int connects;
    private bool disposed;

    private BmwBroker(IPEndPoint listen, BrokerRules rules)
    {
        this.rules = rules;
        options = new MqttServerOptionsBuilder().WithoutDefaultEndpoint().WithEncryptedEndpoint().WithEncryptedEndpointPort(listen.Port)
            .WithEncryptedEndpointBoundIPAddress(listen.Address).WithEncryptedEndpointBoundIPV6Address(IPAddress.None)
            // The system chooses the TLS version.
            .WithEncryptionSslProtocol(SslProtocols.None).WithEncryptionCertificate(new X509CertificateProvider(certificate))
            .WithMaxPendingMessagesPerClient(100_000).Build();
        // MQTTnet's monitor uses the wall clock. Each session monitors the keep-alive with the clock of the rules instead.
        options.KeepAliveOptions.MonitorInterval = TimeSpan.FromDays(1);
        server = new MqttServerFactory().CreateMqttServer(options);
        server.ValidatingConnectionAsync += ValidateAsync;
        server.ClientConnectedAsync += OnConnectedAsync;
        server.ClientDisconnectedAsync += OnDisconnectedAsync;
        server.InterceptingInboundPacketAsync += OnPacketAsync;
        server.InterceptingSubscriptionAsync += AuthorizeAsync;
        server.InterceptingOutboundPacketAsync += OnSubAckAsync;
        EndPoint = listen;
    }

    public IPEndPoint EndPoint { get; private set; }

    /// <summary>The certificate that a client has to trust.</summary>
    public string CertificatePem => certificate.ExportCertificatePem();

    /// <summary>The number of accepted connections.</summary>
    public int Connects => connects;

    /// <summary>The topic filters of all connected clients.</summary>
    public IReadOnlyList<string> Subscriptions => [.. sessions.Keys.SelectMany(s => s.Filters)];

    /// <summary>When a connected client last sent a packet; null if no client is connected.</summary>
    public DateTimeOffset? LastPacketAt => sessions.Keys.Max(s => (DateTimeOffset?)s.LastPacketAt);

    /// <summary>A reason code that rejects every new connection; null accepts them again.</summary>
    public byte? RejectionCode { get => rules.RejectionCode; set => rules.RejectionCode = value; }

    /// <param name="listen">Port 0 selects a free port.</param>
    /// <exception cref="IOException">The address is in use.</exception>
    internal static async Task<BmwBroker> StartAsync(IPEndPoint listen, BrokerRules rules)
    {
        var broker = new BmwBroker(listen, rules);
        try
        {
            await broker.server.StartAsync();
            broker.EndPoint = new IPEndPoint(listen.Address, broker.options.TlsEndpointOptions.Port);
            return broker;
        }
        catch (Exception e)
        {
            await broker.DisposeAsync();
            if (e is SocketException)
            {
                throw new IOException($"BMW's stream needs {listen}: {e.Message}.", e);
            }
            throw;
        }
    }

    /// <summary>Sends a message to the current subscribers of the topic.</summary>
    /// <param name="topic"><c>GCID/VIN</c>.</param>
    /// <returns>The number of those clients.</returns>
    public async Task<int> PublishAsync(string topic, ReadOnlyMemory<byte> payload)
    {
        var followers = sessions.Keys.Count(session => session.IsSubscribed(topic));
        if (followers > 0)
        {
            var message = new MqttApplicationMessageBuilder().WithTopic(topic).WithPayload(payload.ToArray())
                .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build();
            await server.InjectApplicationMessage(new InjectedMqttApplicationMessage(message) { SenderClientId = "bmw" }, CancellationToken.None);
        }
        return followers;
    }

    /// <summary>Closes every connection without a DISCONNECT, as a broken network does.</summary>
    public void DropConnections()
    {
        foreach (var session in sessions.Keys)
        {
            session.Drop();
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
        var end = rules.ExpiryOf(user, password);
        connecting.ReasonCode = rules.RejectionCode is { } code ? (MqttConnectReasonCode)code
            : connecting.ProtocolVersion != MqttProtocolVersion.V500 ? MqttConnectReasonCode.UnsupportedProtocolVersion
            : end is not null ? MqttConnectReasonCode.Success
            : user.Length == 0 || password.Length == 0 ? MqttConnectReasonCode.BadUserNameOrPassword : MqttConnectReasonCode.NotAuthorized;
        if (connecting.ReasonCode == MqttConnectReasonCode.Success)
        {
            connecting.AssignedClientIdentifier = Guid.NewGuid().ToString("N");
            var client = connecting.ClientId is { Length: > 0 } given ? given : connecting.AssignedClientIdentifier;
            // The timers of the session start before the client gets the CONNACK.
            var keepAlive = TimeSpan.FromSeconds(connecting.KeepAlivePeriod ?? 0);
            var session = new BrokerSession(client, user, connecting.ChannelAdapter, end!.Value, keepAlive, rules.Time);
            connecting.SessionItems[SessionKey] = session;
        }
        return Task.CompletedTask;
    }

    /// <summary>
    /// Allows one connection for each account (MQTT 5, 3.14.2.1: session taken over). MQTTnet ensures it only for equal client identifiers.
    /// Runs after the CONNACK, because no DISCONNECT may precede it (MQTT 5, 3.14).
    /// </summary>
    private async Task OnConnectedAsync(ClientConnectedEventArgs connected)
    {
        var session = (BrokerSession)connected.SessionItems[SessionKey]!;
        sessions[session] = Interlocked.Increment(ref connects);
        foreach (var other in sessions.Keys.Where(other => other.Account == session.Account && other.ClientId != session.ClientId))
        {
            var older = sessions.GetValueOrDefault(other) < sessions.GetValueOrDefault(session) ? other : session;
            await older.DisconnectAsync(MqttDisconnectReasonCode.SessionTakenOver);
        }
    }

    private Task OnDisconnectedAsync(ClientDisconnectedEventArgs disconnected)
    {
        var session = (BrokerSession)disconnected.SessionItems[SessionKey]!;
        sessions.TryRemove(session, out _);
        session.Dispose();
        return Task.CompletedTask;
    }

    private async Task OnPacketAsync(InterceptingPacketEventArgs received)
    {
        var session = (BrokerSession)received.SessionItems[SessionKey]!;
        session.OnPacket();
        if (received.Packet is not (MqttSubscribePacket or MqttPingReqPacket or MqttPubAckPacket or MqttDisconnectPacket))
        {
            // Clients of BMW's stream can only subscribe.
            received.ProcessPacket = false;
            await session.DisconnectAsync(MqttDisconnectReasonCode.NotAuthorized);
        }
    }

    private Task AuthorizeAsync(InterceptingSubscriptionEventArgs requested)
    {
        var session = (BrokerSession)requested.SessionItems[SessionKey]!;
        if (!session.IsAllowed(requested.TopicFilter.Topic))
        {
            requested.Response.ReasonCode = MqttSubscribeReasonCode.NotAuthorized;
            return Task.CompletedTask;
        }
        if (requested.TopicFilter.QualityOfServiceLevel > MqttQualityOfServiceLevel.AtLeastOnce)
        {
            requested.TopicFilter.QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce;
            requested.Response.ReasonCode = MqttSubscribeReasonCode.GrantedQoS1;
        }
        session.Add(requested.TopicFilter.Topic);
        return Task.CompletedTask;
    }

    /// <summary>Closes the connection after the SUBACK if the topic belongs to another account, as BMW does.</summary>
    private static async Task OnSubAckAsync(InterceptingPacketEventArgs sent)
    {
        if (sent.Packet is MqttSubAckPacket ack && ack.ReasonCodes.Contains(MqttSubscribeReasonCode.NotAuthorized))
        {
            sent.ProcessPacket = false;
            await ((BrokerSession)sent.SessionItems[SessionKey]!).DisconnectAsync(MqttDisconnectReasonCode.NotAuthorized, first: ack);
        }
    }

    /// <summary>Uses the system clock, because clients check certificates with it.</summary>
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
