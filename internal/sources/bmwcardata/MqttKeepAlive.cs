using MQTTnet.Packets;

namespace Exporter.BmwCarData;

/// <summary>Pings before the keep-alive ends [MQTT-3.1.2-20], and notices a server that doesn't answer (3.1.2.10).</summary>
internal sealed class MqttKeepAlive(MqttLink link, MqttInbox inbox, TimeProvider time)
{
    private bool unanswered;

    /// <summary>A PINGRESP came.</summary>
    public void Answered() => Volatile.Write(ref unanswered, false);

    /// <summary>Completes when a ping has no answer within <paramref name="patience"/>, or within the keep-alive if that is shorter.</summary>
    /// <param name="ping">Sends a ping; must not fail.</param>
    public async Task WatchAsync(TimeSpan keepAlive, TimeSpan patience, Func<MqttPacket, Task> ping, CancellationToken cancellationToken)
    {
        // A quarter of the time is left for a late timer and a slow network.
        var interval = 0.75 * keepAlive;
        patience = patience < interval ? patience : interval;
        while (true)
        {
            while (interval - link.Silence is { } left && left > TimeSpan.Zero)
            {
                await Task.Delay(left, time, cancellationToken);
            }
            Volatile.Write(ref unanswered, true);
            var asked = time.GetTimestamp();
            var waiting = Task.Delay(patience, time, cancellationToken);
            var sent = ping(MqttPingReqPacket.Instance);
            await waiting;
            // While a slow reader keeps the network waiting, the answer can't arrive: that time doesn't count against the server.
            while (Volatile.Read(ref unanswered) && patience - inbox.TimeOpenSince(asked) is { } more && more > TimeSpan.Zero)
            {
                await Task.Delay(more, time, cancellationToken);
            }
            if (Volatile.Read(ref unanswered))
            {
                return;
            }
            await sent;
        }
    }
}
