namespace Exporter.Mqtt;

/// <summary>Never silent for longer than the keep alive [MQTT-3.1.2-20], and not left without an answer for ever (3.1.2.10).</summary>
internal sealed class KeepAlive(Link link, Inbox inbox, TimeProvider time)
{
    private bool unanswered;

    /// <summary>A PINGRESP came.</summary>
    public void Answered() => Volatile.Write(ref unanswered, false);

    /// <summary>Completes when the server has let a ping go unanswered for <paramref name="patience"/>, or for the keep alive where that is shorter.</summary>
    /// <param name="send">Must not fail.</param>
    public async Task WatchAsync(TimeSpan keepAlive, TimeSpan patience, Func<ReadOnlyMemory<byte>, ValueTask> send, CancellationToken cancellation)
    {
        // A quarter in hand for a late timer and a slow network.
        var interval = 0.75 * keepAlive;
        patience = patience < interval ? patience : interval;
        var ping = PacketWriter.Encode(new Packet.PingReq());
        while (true)
        {
            while (interval - link.Silence is { } left && left > TimeSpan.Zero)
            {
                await Task.Delay(left, time, cancellation);
            }
            Volatile.Write(ref unanswered, true);
            var asked = time.GetTimestamp();
            var waiting = Task.Delay(patience, time, cancellation);
            var sent = send(ping).AsTask();
            await waiting;
            // Who does not read hears no answer: the server is not to blame while our own reader keeps us from it.
            while (Volatile.Read(ref unanswered) && patience - inbox.TimeOpenSince(asked) is { } more && more > TimeSpan.Zero)
            {
                await Task.Delay(more, time, cancellation);
            }
            if (Volatile.Read(ref unanswered))
            {
                return;
            }
            await sent;
        }
    }
}
