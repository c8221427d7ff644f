using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Formatter;
using MQTTnet.Packets;

namespace Exporter.BmwCarData;

/// <summary>
/// MQTTnet's packets over a stream, for one reader and any number of writers. This is below MQTTnet's client, whose queue of received messages
/// has no bound and whose pings follow the wall clock, the configured keep-alive and not the server's.
/// </summary>
internal sealed class MqttLink(Stream stream, MqttOptions options, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly MqttChannelAdapter adapter = new(
        new MqttChannel(stream, options.MaximumPacketSize), NewFormatter(), MqttNetNullLogger.Instance);
    private readonly SemaphoreSlim turn = new(1, 1);
    private long lastSent = time.GetTimestamp();
    private bool saidLast;

    /// <summary>The time since the last packet was sent.</summary>
    public TimeSpan Silence => time.GetElapsedTime(Volatile.Read(ref lastSent));

    public static int LengthOf(MqttPacket packet) => NewFormatter().Encode(packet).Length;

    /// <summary>Null at the end of the stream, also if the end cuts a packet off.</summary>
    /// <exception cref="MqttProtocolException">The bytes aren't a packet that MQTT 5 allows.</exception>
    public async Task<MqttPacket?> ReceiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            var packet = await adapter.ReceivePacketAsync(cancellationToken);
            Log("received", packet);
            return packet;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // MQTTnet wraps what the stream throws. What its decoder throws depends on the byte that it can't read.
            for (var cause = e; cause is not null; cause = cause.InnerException)
            {
                if (cause is MqttProtocolException or IOException or SocketException)
                {
                    ExceptionDispatchInfo.Throw(cause);
                }
            }
            throw MqttProtocolException.Malformed("[MQTT 4.13] a packet cannot be read");
        }
    }

    /// <param name="last">Sends nothing after this packet [MQTT-3.14.4-1].</param>
    public async Task SendAsync(MqttPacket packet, bool last, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            if (saidLast)
            {
                return;
            }
            saidLast = last;
            Log("sent", packet);
            Volatile.Write(ref lastSent, time.GetTimestamp());
            await adapter.SendPacketAsync(packet, cancellationToken);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Ends everything that waits for the stream.</summary>
    public ValueTask DisposeAsync() => stream.DisposeAsync();

    private static MqttPacketFormatterAdapter NewFormatter() =>
        new(MqttProtocolVersion.V500, new MqttBufferWriter(bufferSize: 4096, maxBufferSize: ushort.MaxValue));

    private void Log(string done, MqttPacket? packet)
    {
        if (packet is not null && logger.IsEnabled(LogLevel.Debug))
        {
            // MqttPingReqPacket is logged as PingReq.
            logger.LogDebug("{Endpoint}: {Done} {Packet}", options.Endpoint, done, packet.GetType().Name["Mqtt".Length..^"Packet".Length]);
        }
    }
}
