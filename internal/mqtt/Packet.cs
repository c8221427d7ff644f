namespace Exporter.Mqtt;

/// <summary>How surely a message is delivered (MQTT 5, 4.3).</summary>
public enum QoS
{
    AtMostOnce = 0,
    AtLeastOnce = 1,
    ExactlyOnce = 2,
}

/// <summary>What a publisher said. The payload is the message's own and may be kept.</summary>
/// <param name="Retained">The server had kept it for new subscribers.</param>
/// <param name="Duplicate">It may have been delivered before.</param>
public readonly record struct MqttMessage(string Topic, ReadOnlyMemory<byte> Payload, QoS QoS, bool Retained = false, bool Duplicate = false);

/// <summary>A topic filter, and the best quality asked for it.</summary>
public sealed record Subscription(string Filter, QoS QoS = QoS.AtLeastOnce);

/// <summary>
/// The packets that a subscriber and its server exchange, in both directions: the server may be ours too. QoS 2 and unsubscribing are
/// not spoken. Where a property is absent its member is what absence means (null where that is nothing); user properties are
/// checked and dropped.
/// </summary>
public abstract record Packet
{
    private Packet() { }

    /// <summary>Written without a will; a will that is read is checked and dropped.</summary>
    /// <param name="ClientIdentifier">Empty: the server is to assign one.</param>
    /// <param name="KeepAlive">Seconds; 0: none.</param>
    public sealed record Connect(string ClientIdentifier, ushort KeepAlive) : Packet
    {
        public bool CleanStart { get; init; } = true;
        public string? UserName { get; init; }
        public ReadOnlyMemory<byte>? Password { get; init; }

        /// <summary>Seconds that the session outlives the connection.</summary>
        public uint SessionExpiryInterval { get; init; }
        public ushort ReceiveMaximum { get; init; } = ushort.MaxValue;

        /// <summary>Bytes; null: no limit.</summary>
        public uint? MaximumPacketSize { get; init; }
        public ushort TopicAliasMaximum { get; init; }
        public string? AuthenticationMethod { get; init; }
    }

    public sealed record ConnAck(bool SessionPresent, ReasonCode Code) : Packet
    {
        /// <summary>Seconds; null: what CONNECT asked for.</summary>
        public uint? SessionExpiryInterval { get; init; }
        public ushort ReceiveMaximum { get; init; } = ushort.MaxValue;
        public QoS MaximumQoS { get; init; } = QoS.ExactlyOnce;
        public bool RetainAvailable { get; init; } = true;

        /// <summary>Bytes; null: no limit.</summary>
        public uint? MaximumPacketSize { get; init; }
        public string? AssignedClientIdentifier { get; init; }
        public ushort TopicAliasMaximum { get; init; }
        public string? ReasonString { get; init; }
        public bool WildcardSubscriptionAvailable { get; init; } = true;
        public bool SubscriptionIdentifierAvailable { get; init; } = true;
        public bool SharedSubscriptionAvailable { get; init; } = true;

        /// <summary>Seconds; null: what CONNECT asked for.</summary>
        public ushort? ServerKeepAlive { get; init; }
        public string? ResponseInformation { get; init; }
        public string? ServerReference { get; init; }
        public string? AuthenticationMethod { get; init; }
    }

    /// <param name="Identifier">0 if and only if the quality is <see cref="QoS.AtMostOnce"/>.</param>
    public sealed record Publish(MqttMessage Message, ushort Identifier) : Packet;

    public sealed record PubAck(ushort Identifier, ReasonCode Code = ReasonCode.Success, string? ReasonString = null) : Packet;

    public sealed record Subscribe(ushort Identifier, IReadOnlyList<Subscription> Subscriptions) : Packet;

    /// <param name="Codes">In the order of SUBSCRIBE's filters.</param>
    public sealed record SubAck(ushort Identifier, IReadOnlyList<ReasonCode> Codes, string? ReasonString = null) : Packet;

    public sealed record PingReq : Packet;

    public sealed record PingResp : Packet;

    public sealed record Disconnect(ReasonCode Code, string? ReasonString = null) : Packet
    {
        /// <summary>Seconds; null: as it was.</summary>
        public uint? SessionExpiryInterval { get; init; }
        public string? ServerReference { get; init; }
    }

    public sealed record Auth(ReasonCode Code, string? AuthenticationMethod = null, string? ReasonString = null) : Packet;
}

/// <summary>The first four bits of a packet (MQTT 5, table 2-1).</summary>
internal enum PacketType
{
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
    Subscribe = 8,
    SubAck = 9,
    Unsubscribe = 10,
    UnsubAck = 11,
    PingReq = 12,
    PingResp = 13,
    Disconnect = 14,
    Auth = 15,
}
