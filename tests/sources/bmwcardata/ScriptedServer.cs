using System.IO.Pipelines;
using System.Text;
using Exporter.BmwCarData;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>A server in memory that sends what a test tells it to, and returns what it received. MQTTnet encodes and decodes for it.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly Pipe toClient = new();
    private readonly Pipe toServer = new();
    private readonly MqttChannelAdapter adapter;

    public ScriptedServer() => adapter = new MqttChannelAdapter(
        new MqttChannel(toServer.Reader.AsStream(), maximumPacketSize: 1024 * 1024), NewFormatter(), MqttNetNullLogger.Instance);

    public ManualTime Time { get; } = new();

    public MqttOptions Options { get; init; } = new()
    {
        Host = "memory",
        Port = 1,
        ClientIdentifier = "me",
        KeepAlive = TimeSpan.FromSeconds(40),
        ReceiveMaximum = 4,
        MaximumPacketSize = 10_000,
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static MqttConnAckPacket ConnAck(ReasonCode code = ReasonCode.Success) => new() { ReasonCode = (MqttConnectReasonCode)code };

    public static MqttSubAckPacket SubAck(MqttSubscribePacket subscribe, IEnumerable<ReasonCode> codes, string? reasonString = null) => new()
    {
        PacketIdentifier = subscribe.PacketIdentifier,
        ReasonCodes = [.. codes.Select(code => (MqttSubscribeReasonCode)code)],
        ReasonString = reasonString,
    };

    public static MqttDisconnectPacket Disconnect(ReasonCode code, string? reasonString = null) =>
        new() { ReasonCode = (MqttDisconnectReasonCode)code, ReasonString = reasonString };

    /// <param name="identifier">Zero publishes at QoS 0, any other at QoS 1.</param>
    public static MqttPublishPacket Publish(string topic, string text, int identifier = 0) => new()
    {
        Topic = topic,
        Payload = new(Encoding.UTF8.GetBytes(text)),
        PacketIdentifier = (ushort)identifier,
        QualityOfServiceLevel = identifier == 0 ? MqttQualityOfServiceLevel.AtMostOnce : MqttQualityOfServiceLevel.AtLeastOnce,
    };

    public static byte[] Encode(MqttPacket packet) => NewFormatter().Encode(packet).ToArray();

    /// <summary>Bytes from hexadecimal text; spaces are for readability.</summary>
    public static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    public Task<ConnectOutcome> Connect() =>
        MqttConnection.ConnectAsync(
            _ => Task.FromResult<Stream>(new ClientEnd(toClient.Reader, toServer.Writer)), Options, Time, NullLogger.Instance, Cancellation);

    /// <summary>A connection after its CONNACK.</summary>
    public async Task<MqttConnection> Accept(MqttConnAckPacket? ack = null)
    {
        var connecting = Connect();
        await Hears<MqttConnectPacket>();
        await Says(ack ?? ConnAck());
        return Assert.IsType<ConnectOutcome.Accepted>(await connecting).Connection;
    }

    /// <summary>The next packet is of this kind.</summary>
    public async Task<T> Hears<T>() where T : MqttPacket => Assert.IsType<T>(await adapter.ReceivePacketAsync(Cancellation));

    public async Task<ReasonCode> HearsDisconnect() => (ReasonCode)(await Hears<MqttDisconnectPacket>()).ReasonCode;

    public async Task HearsNothingMore() => Assert.Null(await adapter.ReceivePacketAsync(Cancellation));

    public Task Says(params IEnumerable<MqttPacket> packets) => SaysBytes([.. packets.SelectMany(Encode)]);

    public async Task SaysBytes(byte[] bytes) => await toClient.Writer.WriteAsync(bytes, Cancellation);

    /// <summary>Sending to it fails from now on.</summary>
    public void StopsListening() => toServer.Reader.Complete();

    public void Closes() => toClient.Writer.Complete();

    public ValueTask DisposeAsync()
    {
        Closes();
        return toServer.Reader.CompleteAsync();
    }

    private static MqttPacketFormatterAdapter NewFormatter() =>
        new(MqttProtocolVersion.V500, new MqttBufferWriter(bufferSize: 4096, maxBufferSize: ushort.MaxValue));

    private sealed class ClientEnd(PipeReader input, PipeWriter output) : Stream
    {
        private readonly Stream reading = input.AsStream();

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            reading.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if ((await output.WriteAsync(buffer, cancellationToken)).IsCompleted)
            {
                throw new IOException("Broken pipe");
            }
        }

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            output.Complete();
            reading.Dispose();
            base.Dispose(disposing);
        }
    }
}
