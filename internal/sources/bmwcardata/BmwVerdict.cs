using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.BmwCarData;

/// <summary>What the end of a connection, or of the try to have one, means: a closed set, and <see cref="Judge"/> the one table behind it.</summary>
/// <param name="Word">A word for a metric's label.</param>
/// <param name="Reason">A sentence for log and page, with the remedy where there is one.</param>
internal abstract record BmwVerdict(string Word, string Reason)
{
    /// <summary>Nothing is wrong: connect again.</summary>
    public sealed record Expected(string Word, string Reason) : BmwVerdict(Word, Reason);

    /// <summary>It may pass by itself: the network, a busy or restarting server.</summary>
    public sealed record Passing(string Word, string Reason) : BmwVerdict(Word, Reason);

    /// <summary>The id token is not accepted; a fresh one may be.</summary>
    public sealed record TokenRefused(string Reason) : BmwVerdict("token_refused", Reason);

    /// <summary>We connected or asked too often.</summary>
    public sealed record Limited(string Reason) : BmwVerdict("limited", Reason);

    /// <summary>Another program has the one connection that an account may have.</summary>
    public sealed record TakenOver(string Reason) : BmwVerdict("taken_over", Reason);

    /// <summary>The server understood and says no; a person has to change something.</summary>
    public sealed record Refused(string Reason) : BmwVerdict("refused", Reason);

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

    /// <summary>We ended the connection, because the keeper has a new id token.</summary>
    public static BmwVerdict NewToken { get; } = new Expected("new_token", "connecting anew with the new id token");

    public static BmwVerdict Of(ConnectOutcome outcome) => outcome switch
    {
        ConnectOutcome.Refused refused => Judge(refused.Code, refused.Reason, subscribing: false),
        ConnectOutcome.Unreachable(var reason) => new Passing("network", Plain.Line(reason)),
        _ => throw new InvalidOperationException("a connection that is accepted is not judged"),
    };

    public static BmwVerdict Of(SubscribeOutcome outcome) => outcome switch
    {
        SubscribeOutcome.Refused refused => Judge(refused.Answers.First(answer => answer.Code.IsFailure()).Code, refused.Reason, subscribing: true),
        SubscribeOutcome.Ended(var end) => Of(end),
        _ => throw new InvalidOperationException("a subscription that is granted is not judged"),
    };

    public static BmwVerdict Of(ConnectionEnd end) => end switch
    {
        ConnectionEnd.ByServer by => Judge(by.Code, by.Reason, subscribing: false),
        ConnectionEnd.KeepAliveTimeout or ConnectionEnd.NetworkLost => new Passing("network", Plain.Line(end.Reason)),
        ConnectionEnd.ProtocolError => new Passing("protocol", Plain.Line(end.Reason)),
        ConnectionEnd.ByUs => NewToken,
        _ => throw new InvalidOperationException("a connection ends in no other way"),
    };

    /// <summary>The table: MQTT 5's reason codes (2.4) and what BMW means by them.</summary>
    /// <param name="said">What the server said, in words.</param>
    /// <param name="subscribing">It is the answer to a subscription; the connection was fine.</param>
    private static BmwVerdict Judge(ReasonCode code, string said, bool subscribing) => code switch
    {
        ReasonCode.SessionTakenOver => new TakenOver(
            $"another program has taken BMW's stream over ({Plain.Line(said)}): there is one connection for an account; end the other program"),
        ReasonCode.QuotaExceeded or ReasonCode.ConnectionRateExceeded or ReasonCode.MessageRateTooHigh => new Limited($"BMW's stream limits us: {Plain.Line(said)}"),
        // A subscription that is refused leaves the connection as it is, and silent for ever.
        _ when subscribing && code.IsFailure() => new Refused(
            $"BMW's stream: {Plain.Line(said)}: choose the data to stream in the portal, as the car's primary user, and look whether the VIN is one of this login's"),
        ReasonCode.MaximumConnectTime => new Expected("maximum_connect_time", "BMW's stream ended the connection because it was long enough"),
        ReasonCode.BadUserNameOrPassword or ReasonCode.NotAuthorized => new TokenRefused(
            $"BMW's stream does not accept the id token: {Plain.Line(said)}; if this stays, subscribe CarData Stream in the portal and log in again"),
        ReasonCode.Banned or ReasonCode.UnsupportedProtocolVersion or ReasonCode.ClientIdentifierNotValid or ReasonCode.BadAuthenticationMethod
            or ReasonCode.TopicFilterInvalid or ReasonCode.WildcardSubscriptionsNotSupported => new Refused($"BMW's stream: {Plain.Line(said)}"),
        ReasonCode.MalformedPacket or ReasonCode.ProtocolError or ReasonCode.PacketTooLarge or ReasonCode.ReceiveMaximumExceeded => new Passing("protocol", $"BMW's stream: {Plain.Line(said)}"),
        _ => new Passing("server", $"BMW's stream: {Plain.Line(said)}"),
    };
}
