using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace Exporter.Mqtt;

/// <summary>
/// Packets over a stream: one reader, and writers that take turns. Fails as the stream does, or with an <see cref="MqttProtocolException"/>.
/// </summary>
internal sealed class Link(Stream stream, MqttOptions options, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly PipeReader input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));
    private readonly SemaphoreSlim turn = new(1, 1);
    private long lastSent = time.GetTimestamp();
    private bool saidLast;

    /// <summary>How long nothing has been sent.</summary>
    public TimeSpan Silence => time.GetElapsedTime(Volatile.Read(ref lastSent));

    /// <summary>Null at the end of the stream; a packet that the end cuts off is none.</summary>
    public async ValueTask<Packet?> ReceiveAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellation);
            var buffer = read.Buffer;
            if (PacketReader.TryRead(ref buffer, options.MaximumPacketSize, out var packet))
            {
                input.AdvanceTo(buffer.Start);
                if (logger.IsEnabled(LogLevel.Debug))
                {
                    logger.LogDebug("{Endpoint}: received {Packet}", options.Endpoint, packet.GetType().Name);
                }
                return packet;
            }
            input.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                return null;
            }
        }
    }

    /// <param name="last">Nothing is sent after it.</param>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> packet, bool last, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation);
        try
        {
            if (saidLast)
            {
                // [MQTT-3.14.4-1]
                return;
            }
            saidLast = last;
            if (logger.IsEnabled(LogLevel.Debug))
            {
                logger.LogDebug("{Endpoint}: sent {Packet}", options.Endpoint, (PacketType)(packet.Span[0] >> 4));
            }
            Volatile.Write(ref lastSent, time.GetTimestamp());
            await stream.WriteAsync(packet, cancellation);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>For the one who received, when it has ended: gives the buffers back.</summary>
    public void StopReceiving() => input.Complete();

    /// <summary>Ends whatever waits for the stream.</summary>
    public ValueTask DisposeAsync() => stream.DisposeAsync();
}
