namespace Exporter.BmwCarData;

/// <summary>
/// The reason codes of every packet in one table (MQTT 5, 2.4); from 0x80 on they mean a failure. MQTTnet has an enumeration for each packet
/// and none that has them all. A server may send a value without a name: it is kept, and it means success or failure by its range.
/// </summary>
internal enum ReasonCode
{
    /// <summary>Also a normal disconnection, and a subscription granted at QoS 0.</summary>
    Success = 0x00,
    GrantedQoS1 = 0x01,
    GrantedQoS2 = 0x02,
    DisconnectWithWillMessage = 0x04,
    NoMatchingSubscribers = 0x10,
    NoSubscriptionExisted = 0x11,
    ContinueAuthentication = 0x18,
    ReAuthenticate = 0x19,
    UnspecifiedError = 0x80,
    MalformedPacket = 0x81,
    ProtocolError = 0x82,
    ImplementationSpecificError = 0x83,
    UnsupportedProtocolVersion = 0x84,
    ClientIdentifierNotValid = 0x85,
    BadUserNameOrPassword = 0x86,
    NotAuthorized = 0x87,
    ServerUnavailable = 0x88,
    ServerBusy = 0x89,
    Banned = 0x8A,
    ServerShuttingDown = 0x8B,
    BadAuthenticationMethod = 0x8C,
    KeepAliveTimeout = 0x8D,
    SessionTakenOver = 0x8E,
    TopicFilterInvalid = 0x8F,
    TopicNameInvalid = 0x90,
    PacketIdentifierInUse = 0x91,
    PacketIdentifierNotFound = 0x92,
    ReceiveMaximumExceeded = 0x93,
    TopicAliasInvalid = 0x94,
    PacketTooLarge = 0x95,
    MessageRateTooHigh = 0x96,
    QuotaExceeded = 0x97,
    AdministrativeAction = 0x98,
    PayloadFormatInvalid = 0x99,
    RetainNotSupported = 0x9A,
    QoSNotSupported = 0x9B,
    UseAnotherServer = 0x9C,
    ServerMoved = 0x9D,
    SharedSubscriptionsNotSupported = 0x9E,
    ConnectionRateExceeded = 0x9F,
    MaximumConnectTime = 0xA0,
    SubscriptionIdentifiersNotSupported = 0xA1,
    WildcardSubscriptionsNotSupported = 0xA2,
}

internal static class ReasonCodes
{
    public static bool IsFailure(this ReasonCode code) => code >= ReasonCode.UnspecifiedError;

    /// <summary>For people: <c>SessionTakenOver (142)</c>, or only the number if the specification has no name for it.</summary>
    public static string Say(this ReasonCode code) => Enum.IsDefined(code) ? $"{code} ({(int)code})" : $"reason code {(int)code}";
}

/// <summary>The server broke the protocol.</summary>
/// <param name="code">The reason code to disconnect with.</param>
/// <param name="clause">The clause that is broken, and how, in one line that quotes nothing from the server.</param>
internal sealed class MqttProtocolException(ReasonCode code, string clause) : Exception(clause)
{
    public ReasonCode Code { get; } = code;

    public static MqttProtocolException Malformed(string clause) => new(ReasonCode.MalformedPacket, clause);

    public static MqttProtocolException Error(string clause) => new(ReasonCode.ProtocolError, clause);
}
