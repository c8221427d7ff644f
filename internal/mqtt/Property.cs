using System.Text;

namespace Exporter.Mqtt;

/// <summary>The properties of MQTT 5, table 2-4.</summary>
internal enum PropertyId
{
    PayloadFormatIndicator = 0x01,
    MessageExpiryInterval = 0x02,
    ContentType = 0x03,
    ResponseTopic = 0x08,
    CorrelationData = 0x09,
    SubscriptionIdentifier = 0x0B,
    SessionExpiryInterval = 0x11,
    AssignedClientIdentifier = 0x12,
    ServerKeepAlive = 0x13,
    AuthenticationMethod = 0x15,
    AuthenticationData = 0x16,
    RequestProblemInformation = 0x17,
    WillDelayInterval = 0x18,
    RequestResponseInformation = 0x19,
    ResponseInformation = 0x1A,
    ServerReference = 0x1C,
    ReasonString = 0x1F,
    ReceiveMaximum = 0x21,
    TopicAliasMaximum = 0x22,
    TopicAlias = 0x23,
    MaximumQoS = 0x24,
    RetainAvailable = 0x25,
    UserProperty = 0x26,
    MaximumPacketSize = 0x27,
    WildcardSubscriptionAvailable = 0x28,
    SubscriptionIdentifierAvailable = 0x29,
    SharedSubscriptionAvailable = 0x2A,
}

/// <summary>Where a property may stand: a bit per packet type, and one for a will, whose properties stand in CONNECT's payload.</summary>
[Flags]
internal enum PropertyPlace
{
    Will = 1,
    Connect = 1 << PacketType.Connect,
    ConnAck = 1 << PacketType.ConnAck,
    Publish = 1 << PacketType.Publish,
    PubAck = 1 << PacketType.PubAck,
    Subscribe = 1 << PacketType.Subscribe,
    SubAck = 1 << PacketType.SubAck,
    Disconnect = 1 << PacketType.Disconnect,
    Auth = 1 << PacketType.Auth,
    Message = Publish | Will,
    Connecting = Connect | ConnAck,
    Authenticating = Connect | ConnAck | Auth,
    Answer = ConnAck | PubAck | SubAck | Disconnect | Auth,
    Any = Connect | Answer | Message | Subscribe,
}

/// <summary>A property as it stands in a packet; valid as long as the packet's bytes are.</summary>
internal readonly ref struct Property(PropertyId id, uint number, ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;

    public PropertyId Id { get; } = id;

    public uint Number { get; } = number;

    public bool IsSet => Number != 0;

    public string Text => Encoding.UTF8.GetString(bytes);
}

/// <summary>Goes through a packet's properties, checking each: known, at home here, of its type and within its range, there once.</summary>
internal ref struct PropertyReader
{
    private readonly PropertyPlace place;
    private WireReader rest;
    private ulong seen;

    public PropertyReader(ref WireReader packet, PropertyPlace place)
    {
        this.place = place;
        rest = new WireReader(packet.Take(packet.VariableByteInteger()));
    }

    private enum Kind
    {
        Flag,
        TwoBytes,
        PositiveTwoBytes,
        FourBytes,
        PositiveFourBytes,
        PositiveVariable,
        Text,
        Binary,
        Pair,
    }

    public bool Next(out Property property)
    {
        property = default;
        if (rest.IsAtEnd)
        {
            return false;
        }
        var id = (PropertyId)rest.VariableByteInteger();
        var (kind, places) = Rule(id);
        if ((places & place) == 0)
        {
            throw MqttProtocolException.Malformed($"[MQTT 2.2.2.2] the property {id} does not belong into this packet");
        }
        var bit = 1UL << (int)id;
        // A user property may stand anywhere any number of times, a PUBLISH may match many subscriptions.
        if ((seen & bit) != 0 && id != PropertyId.UserProperty && !(id == PropertyId.SubscriptionIdentifier && place == PropertyPlace.Publish))
        {
            throw MqttProtocolException.Error($"[MQTT 2.2.2.2] the property {id} is there twice");
        }
        seen |= bit;
        property = kind switch
        {
            Kind.Flag => new(id, AtMostOne(id, rest.Byte()), default),
            Kind.TwoBytes => new(id, rest.TwoBytes(), default),
            Kind.PositiveTwoBytes => new(id, Positive(id, rest.TwoBytes()), default),
            Kind.FourBytes => new(id, rest.FourBytes(), default),
            Kind.PositiveFourBytes => new(id, Positive(id, rest.FourBytes()), default),
            Kind.PositiveVariable => new(id, Positive(id, rest.VariableByteInteger()), default),
            Kind.Text => new(id, 0, rest.Utf8()),
            Kind.Binary => new(id, 0, rest.Binary()),
            Kind.Pair => Pair(id),
            _ => throw new InvalidOperationException("a property has one of these types"),
        };
        return true;
    }

    /// <summary>For what only has to be right.</summary>
    public void Check()
    {
        while (Next(out _))
        {
        }
    }

    /// <summary>Table 2-4.</summary>
    private static (Kind, PropertyPlace) Rule(PropertyId id) => id switch
    {
        PropertyId.PayloadFormatIndicator => (Kind.Flag, PropertyPlace.Message),
        PropertyId.MessageExpiryInterval => (Kind.FourBytes, PropertyPlace.Message),
        PropertyId.ContentType => (Kind.Text, PropertyPlace.Message),
        PropertyId.ResponseTopic => (Kind.Text, PropertyPlace.Message),
        PropertyId.CorrelationData => (Kind.Binary, PropertyPlace.Message),
        PropertyId.SubscriptionIdentifier => (Kind.PositiveVariable, PropertyPlace.Publish | PropertyPlace.Subscribe),
        PropertyId.SessionExpiryInterval => (Kind.FourBytes, PropertyPlace.Connecting | PropertyPlace.Disconnect),
        PropertyId.AssignedClientIdentifier => (Kind.Text, PropertyPlace.ConnAck),
        PropertyId.ServerKeepAlive => (Kind.TwoBytes, PropertyPlace.ConnAck),
        PropertyId.AuthenticationMethod => (Kind.Text, PropertyPlace.Authenticating),
        PropertyId.AuthenticationData => (Kind.Binary, PropertyPlace.Authenticating),
        PropertyId.RequestProblemInformation => (Kind.Flag, PropertyPlace.Connect),
        PropertyId.WillDelayInterval => (Kind.FourBytes, PropertyPlace.Will),
        PropertyId.RequestResponseInformation => (Kind.Flag, PropertyPlace.Connect),
        PropertyId.ResponseInformation => (Kind.Text, PropertyPlace.ConnAck),
        PropertyId.ServerReference => (Kind.Text, PropertyPlace.ConnAck | PropertyPlace.Disconnect),
        PropertyId.ReasonString => (Kind.Text, PropertyPlace.Answer),
        PropertyId.ReceiveMaximum => (Kind.PositiveTwoBytes, PropertyPlace.Connecting),
        PropertyId.TopicAliasMaximum => (Kind.TwoBytes, PropertyPlace.Connecting),
        PropertyId.TopicAlias => (Kind.TwoBytes, PropertyPlace.Publish),
        PropertyId.MaximumQoS => (Kind.Flag, PropertyPlace.ConnAck),
        PropertyId.RetainAvailable => (Kind.Flag, PropertyPlace.ConnAck),
        PropertyId.UserProperty => (Kind.Pair, PropertyPlace.Any),
        PropertyId.MaximumPacketSize => (Kind.PositiveFourBytes, PropertyPlace.Connecting),
        PropertyId.WildcardSubscriptionAvailable => (Kind.Flag, PropertyPlace.ConnAck),
        PropertyId.SubscriptionIdentifierAvailable => (Kind.Flag, PropertyPlace.ConnAck),
        PropertyId.SharedSubscriptionAvailable => (Kind.Flag, PropertyPlace.ConnAck),
        _ => throw MqttProtocolException.Malformed("[MQTT 2.2.2.2] there is no such property"),
    };

    private static uint AtMostOne(PropertyId id, byte value) =>
        value <= 1 ? value : throw MqttProtocolException.Error($"[MQTT 3.2.2.3] the property {id} is neither 0 nor 1");

    private static uint Positive(PropertyId id, uint value) =>
        value > 0 ? value : throw MqttProtocolException.Error($"[MQTT 3.2.2.3] the property {id} is 0");

    private Property Pair(PropertyId id)
    {
        // [MQTT-1.5.7-1] Name and value are strings like any other.
        rest.Utf8();
        return new(id, 0, rest.Utf8());
    }
}
