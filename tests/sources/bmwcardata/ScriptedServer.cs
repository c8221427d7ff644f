using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Channels;
using Exporter.BmwCarData;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Implementations;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>A TLS server on 127.0.0.1 for one client. A test sends packets through it and gets the packets that it received.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 certificate = Mosquitto.SelfSigned();
    private readonly Channel<MqttMessage> messages = Channel.CreateUnbounded<MqttMessage>();
    private readonly Task<SslStream> accepted;
    private MqttChannelAdapter? adapter;

    public ScriptedServer()
    {
        listener.Start();
        accepted = AcceptAsync();
    }

    public ManualTime Time { get; } = new();

    public MqttOptions Options => new()
    {
        Host = "127.0.0.1",
        Port = ((IPEndPoint)listener.LocalEndpoint).Port,
        Tls = Mosquitto.Tls([certificate]),
        ClientIdentifier = "me",
        UserName = "user",
        Password = "password"u8.ToArray(),
        KeepAlive = TimeSpan.FromSeconds(40),
        ReceiveMaximum = 4,
        MaximumPacketSize = 300_000,
    };

    /// <summary>Of the client.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Runs in the client before it processes a message.</summary>
    public Action BeforeMessage { get; init; } = () => { };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static MqttConnAckPacket ConnAck(int code = 0, string? reasonString = null) =>
        new() { ReasonCode = (MqttConnectReasonCode)code, ReasonString = reasonString };

    public static MqttSubAckPacket SubAck(MqttSubscribePacket subscribe, IEnumerable<int> codes, string? reasonString = null) => new()
    {
        PacketIdentifier = subscribe.PacketIdentifier,
        ReasonCodes = [.. codes.Select(code => (MqttSubscribeReasonCode)code)],
        ReasonString = reasonString,
    };

    public static MqttDisconnectPacket Disconnect(int code, string? reasonString = null) =>
        new() { ReasonCode = (MqttDisconnectReasonCode)code, ReasonString = reasonString };

    /// <param name="identifier">Zero publishes at QoS 0, any other at QoS 1.</param>
    public static MqttPublishPacket Publish(string topic, string text, int identifier = 0) => new()
    {
        Topic = topic,
        Payload = new(Encoding.UTF8.GetBytes(text)),
        PacketIdentifier = (ushort)identifier,
        QualityOfServiceLevel = identifier == 0 ? MqttQualityOfServiceLevel.AtMostOnce : MqttQualityOfServiceLevel.AtLeastOnce,
    };

    public static byte[] Encode(MqttPacket packet)
    {
        var buffer = NewFormatter().Encode(packet);
        return buffer.ToArray();
    }

    /// <summary>Bytes from hexadecimal text; spaces are for readability.</summary>
    public static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    public Task<(MqttConnection? Connection, ConnectionEnd? Failure)> Connect(CancellationToken? cancellationToken = null) =>
        MqttConnection.ConnectAsync(Options, OnMessage, Time, Logger, cancellationToken ?? Cancellation);

    /// <summary>Why there is no connection.</summary>
    public static async Task<ConnectionEnd> Failure(Task<(MqttConnection? Connection, ConnectionEnd? Failure)> connecting)
    {
        var (connection, failure) = await connecting;
        Assert.Null(connection);
        return Assert.IsType<ConnectionEnd>(failure, exactMatch: false);
    }

    /// <summary>A connection after its CONNACK.</summary>
    public async Task<MqttConnection> Accept(MqttConnAckPacket? ack = null)
    {
        var connecting = Connect();
        await Receive<MqttConnectPacket>();
        await Send(ack ?? ConnAck());
        return Assert.IsType<MqttConnection>((await connecting).Connection);
    }

    /// <summary>The text of the next message that the client processed.</summary>
    public async Task<string> NextMessage() => Encoding.UTF8.GetString((await messages.Reader.ReadAsync(Cancellation)).Payload.Span);

    /// <summary>Receives a packet of this type.</summary>
    public async Task<T> Receive<T>() where T : MqttPacket
    {
        await accepted;
        return Assert.IsType<T>(await adapter!.ReceivePacketAsync(Cancellation));
    }

    public async Task ReceiveNothingMore()
    {
        try
        {
            Assert.Null(await adapter!.ReceivePacketAsync(Cancellation));
        }
        catch (MqttCommunicationException)
        {
            // The client closed the connection before it read all bytes.
        }
    }

    public Task Send(params IEnumerable<MqttPacket> packets) => SendBytes([.. packets.SelectMany(Encode)]);

    public async Task SendBytes(byte[] bytes) => await (await accepted).WriteAsync(bytes, Cancellation);

    public async Task Close() => await (await accepted).DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        listener.Dispose();
        try
        {
            await Close();
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            // No client connected, or it has disconnected.
        }
        adapter?.Dispose();
        certificate.Dispose();
    }

    private static MqttPacketFormatterAdapter NewFormatter() =>
        new(MqttProtocolVersion.V500, new MqttBufferWriter(bufferSize: 4096, maxBufferSize: ushort.MaxValue));

    private void OnMessage(MqttMessage message)
    {
        BeforeMessage();
        messages.Writer.TryWrite(message);
    }

    private async Task<SslStream> AcceptAsync()
    {
        var tls = new SslStream(new NetworkStream(await listener.AcceptSocketAsync(Cancellation), ownsSocket: true));
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, Cancellation);
        adapter = new MqttChannelAdapter(new MqttTcpChannel(tls, null, null, null), NewFormatter(), MqttNetNullLogger.Instance);
        return tls;
    }
}
