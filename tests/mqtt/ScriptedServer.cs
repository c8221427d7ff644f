using System.IO.Pipelines;
using Exporter.Mqtt;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Mqtt;

/// <summary>A server in memory that says what a test has it say, and hands out what it was told.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly Pipe toClient = new();
    private readonly Pipe toServer = new();

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

    public Task<ConnectOutcome> Connect() =>
        MqttConnection.ConnectAsync(
            _ => Task.FromResult<Stream>(new ClientEnd(toClient.Reader, toServer.Writer)), Options, Time, NullLogger.Instance, Cancellation);

    /// <summary>A connection with everything that comes before it.</summary>
    public async Task<MqttConnection> Accept(Packet.ConnAck? ack = null)
    {
        var connecting = Connect();
        await Hears<Packet.Connect>();
        await Says(ack ?? new Packet.ConnAck(false, ReasonCode.Success));
        return Assert.IsType<ConnectOutcome.Accepted>(await connecting).Connection;
    }

    /// <summary>The next packet is of this kind.</summary>
    public async Task<T> Hears<T>() where T : Packet => Assert.IsType<T>(await Next());

    public async Task HearsNothingMore() => Assert.Null(await Next());

    public Task Says(params IEnumerable<Packet> packets) => SaysBytes([.. packets.SelectMany(Packets.Encode)]);

    public async Task SaysBytes(byte[] bytes) => await toClient.Writer.WriteAsync(bytes, Cancellation);

    /// <summary>What is sent to it from now on fails.</summary>
    public void StopsListening() => toServer.Reader.Complete();

    public void Closes() => toClient.Writer.Complete();

    public ValueTask DisposeAsync()
    {
        Closes();
        return toServer.Reader.CompleteAsync();
    }

    private async Task<Packet?> Next()
    {
        while (true)
        {
            var read = await toServer.Reader.ReadAsync(Cancellation);
            var buffer = read.Buffer;
            if (PacketReader.TryRead(ref buffer, Packets.Limit, out var packet))
            {
                toServer.Reader.AdvanceTo(buffer.Start);
                return packet;
            }
            toServer.Reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                return null;
            }
        }
    }

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
