using System.Collections.Concurrent;

namespace Exporter.Mqtt;

/// <summary>A CONNECT on its way, and its CONNACK.</summary>
internal sealed class PendingConnect
{
    private readonly TaskCompletionSource<Packet.ConnAck> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<Packet.ConnAck> Answered => answer.Task;

    /// <exception cref="MqttProtocolException">It is no answer to what we ask for: a new session, without extended authentication.</exception>
    public void Take(Packet.ConnAck ack)
    {
        if (ack.SessionPresent)
        {
            throw MqttProtocolException.Error("[MQTT-3.2.2-2, -4, -6] a CONNACK speaks of a session, and there is none");
        }
        if (ack.Code is not ReasonCode.Success && !ack.Code.IsFailure())
        {
            throw MqttProtocolException.Error("[MQTT-3.2.2-8] a CONNACK's code neither accepts nor refuses");
        }
        if (ack.AuthenticationMethod is not null)
        {
            throw MqttProtocolException.Error("[MQTT-4.12.0-6] a CONNACK names an authentication method, and CONNECT did not");
        }
        if (!answer.TrySetResult(ack))
        {
            throw MqttProtocolException.Error("[MQTT-3.2.0-2] a second CONNACK came");
        }
    }
}

/// <summary>The SUBSCRIBEs on their way, by their packet identifiers. For any thread.</summary>
internal sealed class PendingSubscriptions
{
    private readonly ConcurrentDictionary<ushort, PendingSubscription> pending = new();
    private int last;

    public (ushort Identifier, PendingSubscription Pending) Add(IReadOnlyList<Subscription> subscriptions)
    {
        var added = new PendingSubscription(subscriptions);
        ushort identifier;
        do
        {
            // [MQTT-2.2.1-3]: not zero, not in use.
            identifier = (ushort)Interlocked.Increment(ref last);
        }
        while (identifier == 0 || !pending.TryAdd(identifier, added));
        return (identifier, added);
    }

    /// <summary>It was not sent after all.</summary>
    public void Remove(ushort identifier) => pending.TryRemove(identifier, out _);

    /// <exception cref="MqttProtocolException">It answers nothing, or not what was asked.</exception>
    public void Take(Packet.SubAck ack)
    {
        if (!pending.TryRemove(ack.Identifier, out var answered))
        {
            throw MqttProtocolException.Error("[MQTT-3.8.4-2] a SUBACK answers no SUBSCRIBE");
        }
        answered.Take(ack);
    }
}

/// <summary>A SUBSCRIBE on its way, and what its SUBACK comes to.</summary>
internal sealed class PendingSubscription(IReadOnlyList<Subscription> subscriptions)
{
    private readonly TaskCompletionSource<SubscribeOutcome> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<SubscribeOutcome> Answered => answer.Task;

    /// <exception cref="MqttProtocolException">It is no answer to this.</exception>
    public void Take(Packet.SubAck ack)
    {
        if (ack.Codes.Count != subscriptions.Count)
        {
            throw MqttProtocolException.Error("[MQTT-3.8.4-6] a SUBACK has not one code for each topic filter");
        }
        // [MQTT-3.9.3-1]: in their order.
        FilterAnswer[] answers = [.. subscriptions.Zip(ack.Codes, (subscription, code) => new FilterAnswer(subscription.Filter, code))];
        if (answers.Where((given, i) => !given.Code.IsFailure() && (int)given.Code > (int)subscriptions[i].QoS).Any())
        {
            throw MqttProtocolException.Error("[MQTT 3.8.4] a SUBACK grants a higher QoS than was asked for");
        }
        answer.TrySetResult(answers.Any(given => given.Code.IsFailure())
            ? new SubscribeOutcome.Refused(answers, ack.ReasonString)
            : new SubscribeOutcome.Granted(answers));
    }
}
