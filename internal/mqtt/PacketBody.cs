using System.Text;

namespace Exporter.Mqtt;

/// <summary>What follows the fixed header of each packet (MQTT 5, chapter 3). Whether anything is left over afterwards is the caller's to see.</summary>
internal static class PacketBody
{
    public static Packet.PingReq PingReq { get; } = new();

    public static Packet.PingResp PingResp { get; } = new();

    public static Packet.Connect Connect(ref WireReader wire)
    {
        if (!wire.Utf8().SequenceEqual("MQTT"u8))
        {
            throw new MqttProtocolException(ReasonCode.UnsupportedProtocolVersion, "[MQTT-3.1.2-1] the protocol's name is not MQTT");
        }
        if (wire.Byte() != 5)
        {
            throw new MqttProtocolException(ReasonCode.UnsupportedProtocolVersion, "[MQTT-3.1.2-2] the protocol's version is not 5");
        }
        var flags = wire.Byte();
        var will = (flags & 0x04) != 0;
        if ((flags & 0x01) != 0 || (flags & 0x18) == 0x18 || (!will && (flags & 0x38) != 0))
        {
            throw MqttProtocolException.Malformed("[MQTT-3.1.2-3, -11, -12, -13] the connect flags contradict themselves");
        }
        var connect = new Packet.Connect("", wire.TwoBytes()) { CleanStart = (flags & 0x02) != 0 };
        var properties = new PropertyReader(ref wire, PropertyPlace.Connect);
        while (properties.Next(out var p))
        {
            connect = p.Id switch
            {
                PropertyId.SessionExpiryInterval => connect with { SessionExpiryInterval = p.Number },
                PropertyId.ReceiveMaximum => connect with { ReceiveMaximum = (ushort)p.Number },
                PropertyId.MaximumPacketSize => connect with { MaximumPacketSize = p.Number },
                PropertyId.TopicAliasMaximum => connect with { TopicAliasMaximum = (ushort)p.Number },
                PropertyId.AuthenticationMethod => connect with { AuthenticationMethod = p.Text },
                _ => connect,
            };
        }
        // [MQTT-3.1.3-1] In this order.
        connect = connect with { ClientIdentifier = wire.Text() };
        if (will)
        {
            new PropertyReader(ref wire, PropertyPlace.Will).Check();
            wire.Utf8();
            wire.Binary();
        }
        return connect with
        {
            UserName = (flags & 0x80) != 0 ? wire.Text() : null,
            Password = (flags & 0x40) != 0 ? wire.Binary().ToArray() : (ReadOnlyMemory<byte>?)null,
        };
    }

    public static Packet.ConnAck ConnAck(ref WireReader wire)
    {
        var flags = wire.Byte();
        if (flags > 1)
        {
            throw MqttProtocolException.Malformed("[MQTT-3.2.2-1] the reserved connect acknowledge flags are not 0");
        }
        var ack = new Packet.ConnAck(flags == 1, (ReasonCode)wire.Byte());
        var properties = new PropertyReader(ref wire, PropertyPlace.ConnAck);
        while (properties.Next(out var p))
        {
            ack = p.Id switch
            {
                PropertyId.SessionExpiryInterval => ack with { SessionExpiryInterval = p.Number },
                PropertyId.ReceiveMaximum => ack with { ReceiveMaximum = (ushort)p.Number },
                PropertyId.MaximumQoS => ack with { MaximumQoS = (QoS)p.Number },
                PropertyId.RetainAvailable => ack with { RetainAvailable = p.IsSet },
                PropertyId.MaximumPacketSize => ack with { MaximumPacketSize = p.Number },
                PropertyId.AssignedClientIdentifier => ack with { AssignedClientIdentifier = p.Text },
                PropertyId.TopicAliasMaximum => ack with { TopicAliasMaximum = (ushort)p.Number },
                PropertyId.ReasonString => ack with { ReasonString = p.Text },
                PropertyId.WildcardSubscriptionAvailable => ack with { WildcardSubscriptionAvailable = p.IsSet },
                PropertyId.SubscriptionIdentifierAvailable => ack with { SubscriptionIdentifierAvailable = p.IsSet },
                PropertyId.SharedSubscriptionAvailable => ack with { SharedSubscriptionAvailable = p.IsSet },
                PropertyId.ServerKeepAlive => ack with { ServerKeepAlive = (ushort)p.Number },
                PropertyId.ResponseInformation => ack with { ResponseInformation = p.Text },
                PropertyId.ServerReference => ack with { ServerReference = p.Text },
                PropertyId.AuthenticationMethod => ack with { AuthenticationMethod = p.Text },
                _ => ack,
            };
        }
        return ack;
    }

    public static Packet.Publish Publish(ref WireReader wire, int flags)
    {
        var qos = (QoS)((flags >> 1) & 0b11);
        var duplicate = (flags & 0b1000) != 0;
        if (qos > QoS.ExactlyOnce)
        {
            throw MqttProtocolException.Malformed("[MQTT-3.3.1-4] a PUBLISH has both QoS bits set");
        }
        if (duplicate && qos == QoS.AtMostOnce)
        {
            throw MqttProtocolException.Malformed("[MQTT-3.3.1-2] a PUBLISH of QoS 0 is marked as a duplicate");
        }
        var topic = wire.Utf8();
        if (topic.ContainsAny((byte)'+', (byte)'#'))
        {
            throw new MqttProtocolException(ReasonCode.TopicNameInvalid, "[MQTT-3.3.2-2] a topic name holds a wildcard");
        }
        var identifier = qos == QoS.AtMostOnce ? (ushort)0 : Identifier(ref wire);
        var properties = new PropertyReader(ref wire, PropertyPlace.Publish);
        while (properties.Next(out var p))
        {
            if (p.Id == PropertyId.TopicAlias)
            {
                // Neither side of ours ever allows one: the Topic Alias Maximum is 0 by its absence.
                throw new MqttProtocolException(ReasonCode.TopicAliasInvalid, "[MQTT-3.1.2-27] a PUBLISH has a topic alias, and none was allowed");
            }
        }
        if (topic.IsEmpty)
        {
            throw MqttProtocolException.Error("[MQTT-4.7.3-1] a topic name is empty");
        }
        var message = new MqttMessage(Encoding.UTF8.GetString(topic), wire.Rest().ToArray(), qos, (flags & 1) != 0, duplicate);
        return new Packet.Publish(message, identifier);
    }

    public static Packet.PubAck PubAck(ref WireReader wire)
    {
        var identifier = Identifier(ref wire);
        // 3.4.2.1: code and properties may be left out where there is nothing to say.
        var code = wire.IsAtEnd ? ReasonCode.Success : (ReasonCode)wire.Byte();
        return new(identifier, code, wire.IsAtEnd ? null : Reason(ref wire, PropertyPlace.PubAck));
    }

    public static Packet.Subscribe Subscribe(ref WireReader wire)
    {
        var identifier = Identifier(ref wire);
        new PropertyReader(ref wire, PropertyPlace.Subscribe).Check();
        var subscriptions = new List<Subscription>();
        while (!wire.IsAtEnd)
        {
            var filter = wire.Text();
            var options = wire.Byte();
            if ((options & 0xC0) != 0 || (options & 0x03) == 3 || (options & 0x30) == 0x30)
            {
                throw MqttProtocolException.Malformed("[MQTT-3.8.3-5] subscription options hold what is reserved");
            }
            if (filter.Length == 0)
            {
                throw MqttProtocolException.Malformed("[MQTT-4.7.3-1] a topic filter is empty");
            }
            subscriptions.Add(new Subscription(filter, (QoS)(options & 0x03)));
        }
        return subscriptions.Count > 0
            ? new(identifier, subscriptions)
            : throw MqttProtocolException.Error("[MQTT-3.8.3-2] a SUBSCRIBE names no topic filter");
    }

    public static Packet.SubAck SubAck(ref WireReader wire)
    {
        var identifier = Identifier(ref wire);
        var reason = Reason(ref wire, PropertyPlace.SubAck);
        var bytes = wire.Rest();
        var codes = new ReasonCode[bytes.Length];
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = (ReasonCode)bytes[i];
            if (codes[i] is > ReasonCode.GrantedQoS2 and < ReasonCode.UnspecifiedError)
            {
                throw MqttProtocolException.Malformed("[MQTT-3.9.3-2] a SUBACK's code neither grants nor refuses");
            }
        }
        return new(identifier, codes, reason);
    }

    public static Packet.Disconnect Disconnect(ref WireReader wire)
    {
        // 3.14.2.1 and 3.14.2.2.1: what is left out at the end is normal.
        var disconnect = new Packet.Disconnect(wire.IsAtEnd ? ReasonCode.Success : (ReasonCode)wire.Byte());
        if (wire.IsAtEnd)
        {
            return disconnect;
        }
        var properties = new PropertyReader(ref wire, PropertyPlace.Disconnect);
        while (properties.Next(out var p))
        {
            disconnect = p.Id switch
            {
                PropertyId.SessionExpiryInterval => disconnect with { SessionExpiryInterval = p.Number },
                PropertyId.ReasonString => disconnect with { ReasonString = p.Text },
                PropertyId.ServerReference => disconnect with { ServerReference = p.Text },
                _ => disconnect,
            };
        }
        return disconnect;
    }

    public static Packet.Auth Auth(ref WireReader wire)
    {
        // 3.15.2.1: code and properties may be left out where it is Success.
        var auth = new Packet.Auth(wire.IsAtEnd ? ReasonCode.Success : (ReasonCode)wire.Byte());
        if (wire.IsAtEnd)
        {
            return auth;
        }
        var properties = new PropertyReader(ref wire, PropertyPlace.Auth);
        while (properties.Next(out var p))
        {
            auth = p.Id switch
            {
                PropertyId.AuthenticationMethod => auth with { AuthenticationMethod = p.Text },
                PropertyId.ReasonString => auth with { ReasonString = p.Text },
                _ => auth,
            };
        }
        return auth;
    }

    private static string? Reason(ref WireReader wire, PropertyPlace place)
    {
        string? reason = null;
        var properties = new PropertyReader(ref wire, place);
        while (properties.Next(out var p))
        {
            reason = p.Id == PropertyId.ReasonString ? p.Text : reason;
        }
        return reason;
    }

    private static ushort Identifier(ref WireReader wire) =>
        wire.TwoBytes() is var identifier and not 0 ? identifier : throw MqttProtocolException.Error("[MQTT-2.2.1-3, -4] a packet identifier is 0");
}
