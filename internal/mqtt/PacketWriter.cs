using System.Buffers;

namespace Exporter.Mqtt;

/// <summary>Packets → bytes. Pure, for any thread.</summary>
public static class PacketWriter
{
    /// <exception cref="ArgumentOutOfRangeException">A string or the password has more than 65,535 bytes, or the packet more than can be said.</exception>
    public static void Write(IBufferWriter<byte> output, Packet packet)
    {
        var body = new WireWriter();
        var (type, flags) = packet switch
        {
            Packet.Connect connect => Connect(body, connect),
            Packet.ConnAck ack => ConnAck(body, ack),
            Packet.Publish publish => Publish(body, publish),
            Packet.PubAck ack => PubAck(body, ack),
            Packet.Subscribe subscribe => Subscribe(body, subscribe),
            Packet.SubAck ack => SubAck(body, ack),
            Packet.PingReq => (PacketType.PingReq, 0),
            Packet.PingResp => (PacketType.PingResp, 0),
            Packet.Disconnect disconnect => Disconnect(body, disconnect),
            Packet.Auth auth => Auth(body, auth),
            _ => throw new InvalidOperationException("there is no other packet"),
        };
        Span<byte> header = stackalloc byte[5];
        header[0] = (byte)((int)type << 4 | flags);
        output.Write(header[..(1 + WireWriter.VariableByteInteger(header[1..], (uint)body.Written.Length))]);
        output.Write(body.Written);
    }

    /// <inheritdoc cref="Write"/>
    public static ReadOnlyMemory<byte> Encode(Packet packet)
    {
        var bytes = new ArrayBufferWriter<byte>();
        Write(bytes, packet);
        return bytes.WrittenMemory;
    }

    /// <summary>The one packet that goes out for every message: written in place.</summary>
    public static void WritePubAck(IBufferWriter<byte> output, ushort identifier)
    {
        ReadOnlySpan<byte> packet = [(int)PacketType.PubAck << 4, 2, (byte)(identifier >> 8), (byte)identifier];
        output.Write(packet);
    }

    private static (PacketType, int) Connect(WireWriter body, Packet.Connect connect)
    {
        var flags = (connect.CleanStart ? 0x02 : 0) | (connect.UserName is null ? 0 : 0x80) | (connect.Password is null ? 0 : 0x40);
        body.Text("MQTT").Byte(5).Byte(flags).TwoBytes(connect.KeepAlive);
        body.Counted(new WireWriter()
            .FourBytes(PropertyId.SessionExpiryInterval, connect.SessionExpiryInterval, absent: 0)
            .TwoBytes(PropertyId.ReceiveMaximum, connect.ReceiveMaximum, absent: ushort.MaxValue)
            .FourBytes(PropertyId.MaximumPacketSize, connect.MaximumPacketSize)
            .TwoBytes(PropertyId.TopicAliasMaximum, connect.TopicAliasMaximum, absent: 0)
            .Text(PropertyId.AuthenticationMethod, connect.AuthenticationMethod));
        body.Text(connect.ClientIdentifier);
        if (connect.UserName is { } userName)
        {
            body.Text(userName);
        }
        if (connect.Password is { } password)
        {
            body.Binary(password.Span);
        }
        return (PacketType.Connect, 0);
    }

    private static (PacketType, int) ConnAck(WireWriter body, Packet.ConnAck ack)
    {
        body.Byte(ack.SessionPresent ? 1 : 0).Byte((int)ack.Code).Counted(new WireWriter()
            .FourBytes(PropertyId.SessionExpiryInterval, ack.SessionExpiryInterval)
            .TwoBytes(PropertyId.ReceiveMaximum, ack.ReceiveMaximum, absent: ushort.MaxValue)
            // 3.2.2.3.4: what a server sends only if it is not 2.
            .Byte(PropertyId.MaximumQoS, (int)ack.MaximumQoS, absent: 2)
            .Byte(PropertyId.RetainAvailable, ack.RetainAvailable ? 1 : 0, absent: 1)
            .FourBytes(PropertyId.MaximumPacketSize, ack.MaximumPacketSize)
            .Text(PropertyId.AssignedClientIdentifier, ack.AssignedClientIdentifier)
            .TwoBytes(PropertyId.TopicAliasMaximum, ack.TopicAliasMaximum, absent: 0)
            .Text(PropertyId.ReasonString, ack.ReasonString)
            .Byte(PropertyId.WildcardSubscriptionAvailable, ack.WildcardSubscriptionAvailable ? 1 : 0, absent: 1)
            .Byte(PropertyId.SubscriptionIdentifierAvailable, ack.SubscriptionIdentifierAvailable ? 1 : 0, absent: 1)
            .Byte(PropertyId.SharedSubscriptionAvailable, ack.SharedSubscriptionAvailable ? 1 : 0, absent: 1)
            .TwoBytes(PropertyId.ServerKeepAlive, ack.ServerKeepAlive)
            .Text(PropertyId.ResponseInformation, ack.ResponseInformation)
            .Text(PropertyId.ServerReference, ack.ServerReference)
            .Text(PropertyId.AuthenticationMethod, ack.AuthenticationMethod));
        return (PacketType.ConnAck, 0);
    }

    private static (PacketType, int) Publish(WireWriter body, Packet.Publish publish)
    {
        var message = publish.Message;
        body.Text(message.Topic);
        if (message.QoS != QoS.AtMostOnce)
        {
            body.TwoBytes(publish.Identifier);
        }
        body.Counted(new WireWriter()).Raw(message.Payload.Span);
        return (PacketType.Publish, (message.Duplicate ? 8 : 0) | (int)message.QoS << 1 | (message.Retained ? 1 : 0));
    }

    private static (PacketType, int) PubAck(WireWriter body, Packet.PubAck ack)
    {
        body.TwoBytes(ack.Identifier);
        if (ack.Code != ReasonCode.Success || ack.ReasonString is not null)
        {
            body.Byte((int)ack.Code).Counted(new WireWriter().Text(PropertyId.ReasonString, ack.ReasonString));
        }
        return (PacketType.PubAck, 0);
    }

    private static (PacketType, int) Subscribe(WireWriter body, Packet.Subscribe subscribe)
    {
        body.TwoBytes(subscribe.Identifier).Counted(new WireWriter());
        foreach (var (filter, qos) in subscribe.Subscriptions)
        {
            body.Text(filter).Byte((int)qos);
        }
        // [MQTT-3.8.1-1]
        return (PacketType.Subscribe, 0b0010);
    }

    private static (PacketType, int) SubAck(WireWriter body, Packet.SubAck ack)
    {
        body.TwoBytes(ack.Identifier).Counted(new WireWriter().Text(PropertyId.ReasonString, ack.ReasonString));
        foreach (var code in ack.Codes)
        {
            body.Byte((int)code);
        }
        return (PacketType.SubAck, 0);
    }

    private static (PacketType, int) Disconnect(WireWriter body, Packet.Disconnect disconnect)
    {
        var properties = new WireWriter()
            .FourBytes(PropertyId.SessionExpiryInterval, disconnect.SessionExpiryInterval)
            .Text(PropertyId.ReasonString, disconnect.ReasonString)
            .Text(PropertyId.ServerReference, disconnect.ServerReference);
        if (disconnect.Code != ReasonCode.Success || !properties.Written.IsEmpty)
        {
            body.Byte((int)disconnect.Code).Counted(properties);
        }
        return (PacketType.Disconnect, 0);
    }

    private static (PacketType, int) Auth(WireWriter body, Packet.Auth auth)
    {
        var properties = new WireWriter()
            .Text(PropertyId.AuthenticationMethod, auth.AuthenticationMethod)
            .Text(PropertyId.ReasonString, auth.ReasonString);
        if (auth.Code != ReasonCode.Success || !properties.Written.IsEmpty)
        {
            body.Byte((int)auth.Code).Counted(properties);
        }
        return (PacketType.Auth, 0);
    }

    // A property that has the value which its absence means is left out, as is null.

    private static WireWriter Byte(this WireWriter writer, PropertyId id, int value, int absent) =>
        value == absent ? writer : writer.Byte((int)id).Byte(value);

    private static WireWriter TwoBytes(this WireWriter writer, PropertyId id, ushort? value, ushort? absent = null) =>
        value is not { } present || present == absent ? writer : writer.Byte((int)id).TwoBytes(present);

    private static WireWriter FourBytes(this WireWriter writer, PropertyId id, uint? value, uint? absent = null) =>
        value is not { } present || present == absent ? writer : writer.Byte((int)id).FourBytes(present);

    private static WireWriter Text(this WireWriter writer, PropertyId id, string? value) =>
        value is null ? writer : writer.Byte((int)id).Text(value);
}
