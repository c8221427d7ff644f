using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using Exporter.Accounts;
using Exporter.Tokens;
using MQTTnet;
using MQTTnet.Exceptions;
using AtConnect = MQTTnet.Protocol.MqttConnectReasonCode;
using AtEnd = MQTTnet.Protocol.MqttDisconnectReasonCode;

namespace Exporter.BmwCarData;

/// <summary>What the end of a connection, or of the try to have one, means: a closed set, and <see cref="Classify"/> the one table behind it.</summary>
/// <param name="Word">A word for a metric's label.</param>
/// <param name="Reason">A sentence for log and page, with the remedy where there is one.</param>
internal abstract record BmwFailure(string Word, string Reason)
{
    /// <summary>Nothing is wrong: connect again.</summary>
    public sealed record Expected(string Word, string Reason) : BmwFailure(Word, Reason);

    /// <summary>It may pass by itself: the network, a busy or restarting server.</summary>
    public sealed record Passing(string Word, string Reason) : BmwFailure(Word, Reason);

    /// <summary>The id token is not accepted; a fresh one may be.</summary>
    public sealed record TokenRefused(string Reason) : BmwFailure("token_refused", Reason);

    /// <summary>We connected or asked too often.</summary>
    public sealed record Limited(string Reason) : BmwFailure("limited", Reason);

    /// <summary>Another program has the one connection that an account may have.</summary>
    public sealed record TakenOver(string Reason) : BmwFailure("taken_over", Reason);

    /// <summary>The server understood and says no; a person has to change something.</summary>
    public sealed record Refused(string Reason) : BmwFailure("refused", Reason);

    /// <summary>Every word that <see cref="Word"/> can be.</summary>
    public static IReadOnlyList<string> Words { get; } =
        ["new_token", "maximum_connect_time", "network", "server", "protocol", "token_refused", "limited", "taken_over", "refused"];

    /// <summary>As the page tells of it; null where nothing is wrong.</summary>
    public ApiFailure? Failure => this switch
    {
        Expected => null,
        Passing => new ApiFailure.Unavailable(Reason),
        TokenRefused => new ApiFailure.TokenRefused(Reason),
        Limited => new ApiFailure.RateLimited(Reason),
        TakenOver or Refused => new ApiFailure.Rejected(Reason),
        _ => throw new InvalidOperationException("a connection ends in no other way"),
    };

    /// <summary>We ended the connection, because the token manager has a new id token.</summary>
    public static BmwFailure NewToken { get; } = new Expected("new_token", "connecting anew with the new id token");

    /// <summary>Null: the server accepted the connection.</summary>
    public static BmwFailure? Of(MqttClientConnectResult result) => result.ResultCode == MqttClientConnectResultCode.Success
        ? null
        : Classify((int)result.ResultCode, $"the server refuses the connection: {Quote(result.ResultCode, result.ReasonString)}", subscribing: false);

    /// <summary>Null: the server granted every filter.</summary>
    public static BmwFailure? Of(MqttClientSubscribeResult result)
    {
        var codes = result.Items.Select(item => item.ResultCode).Where(code => IsFailure((int)code)).Distinct().ToList();
        return codes.Count == 0 ? null : Classify((int)codes[0],
            $"the server refuses the subscription: {string.Join(", ", codes.Select(code => Quote(code, result.ReasonString)))}", subscribing: true);
    }

    /// <summary>MQTTnet doesn't tell a DISCONNECT that gives no reason from a connection that ends without one.</summary>
    public static BmwFailure Of(MqttClientDisconnectedEventArgs gone, string endpoint) => gone is { Exception: null, Reason: not MqttClientDisconnectReason.NormalDisconnection }
        ? Classify((int)gone.Reason, $"the server ended the connection: {Quote(gone.Reason, gone.ReasonString)}", subscribing: false)
        : Of(gone.Exception, endpoint);

    /// <summary>MQTTnet wraps what the stream throws. What its decoder throws depends on the byte that it can't read.</summary>
    public static BmwFailure Of(Exception? failure, string endpoint) => failure switch
    {
        MqttCommunicationTimedOutException => new Passing("network", "the server no longer answers"),
        InvalidDataException => new Passing("protocol", $"the server does not keep to MQTT 5: {failure.Message}"),
        AuthenticationException => new Passing("network", Sanitize.Line($"no TLS with {endpoint}: {failure.InnerException?.Message ?? failure.Message}")),
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            new Passing("network", $"{endpoint} cannot be found: the name is not resolved"),
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => new Passing("network", $"{endpoint} refuses the connection: nothing listens there"),
        SocketException { SocketErrorCode: SocketError.ConnectionReset } => new Passing("network", $"{endpoint} broke the connection off"),
        SocketException => new Passing("network", Sanitize.Line($"{endpoint} cannot be reached: {failure.Message}")),
        { InnerException: { } inner } => Of(inner, endpoint),
        IOException => new Passing("network", Sanitize.Line($"the connection to {endpoint} failed: {failure.Message}")),
        null or MqttCommunicationException or OperationCanceledException or ObjectDisposedException =>
            new Passing("network", $"{endpoint} closed the connection without a word"),
        _ => new Passing("protocol", "the server does not keep to MQTT 5: [MQTT 4.13] a packet came that cannot be read or was not expected"),
    };

    /// <summary>The table: MQTT 5's reason codes (2.4), the same numbers in every packet, and what BMW means by them.</summary>
    /// <param name="said">What the server said, in words.</param>
    /// <param name="subscribing">It is the answer to a subscription; the connection was fine.</param>
    private static BmwFailure Classify(int code, string said, bool subscribing) => code switch
    {
        (int)AtEnd.SessionTakenOver => new TakenOver(
            $"another program has taken BMW's stream over ({Sanitize.Line(said)}): there is one connection for an account; end the other program"),
        (int)AtEnd.QuotaExceeded or (int)AtEnd.ConnectionRateExceeded or (int)AtEnd.MessageRateTooHigh =>
            new Limited($"BMW's stream limits us: {Sanitize.Line(said)}"),
        // A subscription that is refused leaves the connection as it is, and silent for ever.
        _ when subscribing && IsFailure(code) => new Refused(
            $"BMW's stream: {Sanitize.Line(said)}: choose the data to stream in the portal, as the car's primary user, and look whether the VIN is one of this login's"),
        (int)AtEnd.MaximumConnectTime => new Expected("maximum_connect_time", "BMW's stream ended the connection because it was long enough"),
        (int)AtConnect.BadUserNameOrPassword or (int)AtEnd.NotAuthorized => new TokenRefused(
            $"BMW's stream does not accept the id token: {Sanitize.Line(said)}; if this stays, subscribe CarData Stream in the portal and log in again"),
        (int)AtConnect.Banned or (int)AtConnect.UnsupportedProtocolVersion or (int)AtConnect.ClientIdentifierNotValid
            or (int)AtConnect.BadAuthenticationMethod or (int)AtEnd.TopicFilterInvalid or (int)AtEnd.WildcardSubscriptionsNotSupported => new Refused($"BMW's stream: {Sanitize.Line(said)}"),
        (int)AtEnd.MalformedPacket or (int)AtEnd.ProtocolError
            or (int)AtEnd.PacketTooLarge or (int)AtEnd.ReceiveMaximumExceeded => new Passing("protocol", $"BMW's stream: {Sanitize.Line(said)}"),
        _ => new Passing("server", $"BMW's stream: {Sanitize.Line(said)}"),
    };

    /// <summary>MQTT 5, 2.4: also for a value that has no name.</summary>
    private static bool IsFailure(int code) => code >= 0x80;

    /// <summary>For people: <c>SessionTakenOver (142)</c>, or only the number if MQTTnet has no name for it, and the server's own words.</summary>
    private static string Quote<T>(T code, string? said) where T : struct, Enum
    {
        var number = Convert.ToInt32(code, CultureInfo.InvariantCulture);
        var name = Enum.IsDefined(code) ? $"{code} ({number})" : $"reason code {number}";
        return string.IsNullOrEmpty(said) ? name : $"{name}, “{said}”";
    }
}
