using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using MQTTnet;
using MQTTnet.Exceptions;
using ConnectCode = MQTTnet.Protocol.MqttConnectReasonCode;
using DisconnectCode = MQTTnet.Protocol.MqttDisconnectReasonCode;

namespace Exporter.BmwCarData;

/// <summary>Why a connection ended or was not established. <see cref="Classify"/> is the table of MQTT's reason codes.</summary>
/// <param name="Label">The value of a metric's label.</param>
/// <param name="Failure">For the log and the status page; null if the end is expected, and the exporter connects again.</param>
internal sealed record ConnectionEnd(string Label, ApiFailure? Failure)
{
    /// <summary>The label if another program uses the only connection of the account.</summary>
    public const string TakenOver = "taken_over";

    /// <summary>All values of <see cref="Label"/>.</summary>
    public static IReadOnlyList<string> Labels { get; } =
        ["new_token", "maximum_connect_time", "network", "server", "protocol", "token_refused", "limited", TakenOver, "refused"];

    /// <summary>The exporter closed the connection, because the token manager has a new ID token.</summary>
    public static ConnectionEnd NewToken { get; } = new("new_token", null);

    /// <summary>The network failed, or the server does not respond.</summary>
    public static ConnectionEnd Network(string reason) => new("network", new ApiFailure.Unavailable(Sanitize.Line(reason)));

    public static ConnectionEnd Protocol(string reason) => new("protocol", new ApiFailure.Unavailable(reason));

    /// <summary>Null if the server accepted the connection.</summary>
    public static ConnectionEnd? Of(MqttClientConnectResult result) => result.ResultCode == MqttClientConnectResultCode.Success
        ? null
        : Classify((int)result.ResultCode, $"the server rejected the connection: {Quote(result.ResultCode, result.ReasonString)}");

    /// <summary>Null if the server granted every filter.</summary>
    public static ConnectionEnd? Of(MqttClientSubscribeResult result)
    {
        var codes = result.Items.Select(item => item.ResultCode).Where(code => IsFailure((int)code)).Distinct().ToList();
        return codes.Count == 0 ? null : Classify((int)codes[0],
            $"the server rejected the subscription: {string.Join(", ", codes.Select(code => Quote(code, result.ReasonString)))}", subscribing: true);
    }

    /// <summary>MQTTnet reports a DISCONNECT with the code 0 and a connection that closes without DISCONNECT alike.</summary>
    public static ConnectionEnd Of(MqttClientDisconnectedEventArgs disconnected, string endpoint) =>
        disconnected is { Exception: null, Reason: not MqttClientDisconnectReason.NormalDisconnection }
            ? Classify((int)disconnected.Reason,
                $"the server closed the connection: {Quote(disconnected.Reason, disconnected.ReasonString)}")
            : Of(disconnected.Exception, endpoint);

    /// <summary>MQTTnet wraps exceptions of the stream. The exception of its decoder depends on the invalid byte.</summary>
    public static ConnectionEnd Of(Exception? failure, string endpoint) => failure switch
    {
        MqttCommunicationTimedOutException => Network("the server stopped responding"),
        InvalidDataException => Protocol($"the server violates MQTT 5: {failure.Message}"),
        AuthenticationException => Network($"the TLS handshake with {endpoint} failed: {NetworkFailure.Describe(failure)}"),
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            Network($"{endpoint} cannot be resolved"),
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } =>
            Network($"{endpoint} refused the connection: no server listens there"),
        SocketException { SocketErrorCode: SocketError.ConnectionReset } => Network($"{endpoint} reset the connection"),
        SocketException => Network($"{endpoint} cannot be reached: {NetworkFailure.Describe(failure)}"),
        { InnerException: { } inner } => Of(inner, endpoint),
        IOException => Network($"the connection to {endpoint} failed: {failure.Message}"),
        null or MqttCommunicationException or OperationCanceledException or ObjectDisposedException =>
            Network($"{endpoint} closed the connection without a reason"),
        _ => Protocol("the server violates MQTT 5: [MQTT 4.13] it sent an invalid or unexpected packet"),
    };

    /// <summary>The reason codes of MQTT 5 (2.4), which are the same in every packet, and their meaning at BMW.</summary>
    /// <param name="subscribing">Whether the code rejects a subscription of a working connection.</param>
    private static ConnectionEnd Classify(int code, string details, bool subscribing = false)
    {
        details = Sanitize.Line(details);
        return code switch
        {
            (int)DisconnectCode.SessionTakenOver => new(TakenOver, new ApiFailure.Rejected(
                $"another program took over BMW's stream ({details}): BMW allows one connection for each account; stop the other program")),
            (int)DisconnectCode.QuotaExceeded or (int)DisconnectCode.ConnectionRateExceeded or (int)DisconnectCode.MessageRateTooHigh =>
                new("limited", new ApiFailure.RateLimited($"BMW's stream limits the connection rate: {details}")),
            // The connection stays open after a rejected subscription, but it never delivers a message.
            _ when subscribing && IsFailure(code) => new("refused", new ApiFailure.Rejected(
                $"BMW's stream: {details}: as the primary user, select the data to stream in the portal; check that vin names your cars")),
            (int)DisconnectCode.MaximumConnectTime => new("maximum_connect_time", null),
            (int)ConnectCode.BadUserNameOrPassword or (int)DisconnectCode.NotAuthorized => new("token_refused", new ApiFailure.TokenRefused(
                $"BMW's stream rejected the ID token: {details}; if this persists, subscribe to CarData Stream in the portal and log in again")),
            (int)ConnectCode.Banned or (int)ConnectCode.UnsupportedProtocolVersion or (int)ConnectCode.ClientIdentifierNotValid
                or (int)ConnectCode.BadAuthenticationMethod or (int)DisconnectCode.TopicFilterInvalid
                or (int)DisconnectCode.WildcardSubscriptionsNotSupported => new("refused", new ApiFailure.Rejected($"BMW's stream: {details}")),
            (int)DisconnectCode.MalformedPacket or (int)DisconnectCode.ProtocolError
                or (int)DisconnectCode.PacketTooLarge or (int)DisconnectCode.ReceiveMaximumExceeded =>
                Protocol($"BMW's stream: {details}"),
            _ => new("server", new ApiFailure.Unavailable($"BMW's stream: {details}")),
        };
    }

    /// <summary>MQTT 5, 2.4; also for codes without a name.</summary>
    private static bool IsFailure(int code) => code >= 0x80;

    /// <summary><c>SessionTakenOver (142)</c>, or the number if MQTTnet has no name for it, and the server's reason string.</summary>
    private static string Quote<T>(T code, string? reason) where T : struct, Enum
    {
        var number = Convert.ToInt32(code, CultureInfo.InvariantCulture);
        var name = Enum.IsDefined(code) ? $"{code} ({number})" : $"reason code {number}";
        return string.IsNullOrEmpty(reason) ? name : $"{name}, “{reason}”";
    }
}
