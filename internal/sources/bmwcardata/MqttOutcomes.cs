using MQTTnet.Packets;

namespace Exporter.BmwCarData;

// Reasons are sentences for people. They quote the server's words unchanged: whoever prints them makes one line of them.

/// <summary>The result of connecting.</summary>
internal abstract record ConnectOutcome
{
    private ConnectOutcome() { }

    /// <summary>The caller disposes of the connection.</summary>
    public sealed record Accepted(MqttConnection Connection) : ConnectOutcome;

    /// <summary>An MQTT server answered and rejected the connection.</summary>
    public sealed record Refused(ReasonCode Code, string? ReasonString) : ConnectOutcome
    {
        public string Reason => $"the server refuses the connection: {Quote.Of(Code, ReasonString)}";
    }

    /// <summary>No server answered in time, it isn't trusted, or it doesn't speak MQTT 5.</summary>
    public sealed record Unreachable(string Reason) : ConnectOutcome;
}

/// <summary>The result of subscribing.</summary>
internal abstract record SubscribeOutcome
{
    private SubscribeOutcome() { }

    /// <summary>
    /// Null if it doesn't answer the subscriptions: one code for each, in their order [MQTT-3.9.3-1], and no higher quality than asked for.
    /// </summary>
    public static SubscribeOutcome? Of(IReadOnlyList<Subscription> subscriptions, MqttSubAckPacket ack)
    {
        FilterAnswer[] answers = [.. subscriptions.Zip(ack.ReasonCodes, (asked, code) => new FilterAnswer(asked.Filter, (ReasonCode)code))];
        var tooHigh = answers.Where((answer, i) => !answer.Code.IsFailure() && (int)answer.Code > (int)subscriptions[i].QoS);
        if (ack.ReasonCodes.Count != subscriptions.Count || tooHigh.Any())
        {
            return null;
        }
        return answers.Any(answer => answer.Code.IsFailure()) ? new Refused(answers, ack.ReasonString) : new Granted(answers);
    }

    /// <summary>The server granted every filter, some maybe at a lower quality.</summary>
    public sealed record Granted(IReadOnlyList<FilterAnswer> Answers) : SubscribeOutcome;

    /// <summary>The server rejected at least one filter. The connection stays open and delivers messages for the others.</summary>
    public sealed record Refused(IReadOnlyList<FilterAnswer> Answers, string? ReasonString) : SubscribeOutcome
    {
        public string Reason
        {
            get
            {
                var said = Answers.Where(answer => answer.Code.IsFailure()).Select(answer => Quote.Of(answer.Code, ReasonString)).Distinct();
                return $"the server refuses the subscription: {string.Join(", ", said)}";
            }
        }
    }

    /// <summary>The connection ended before the answer.</summary>
    public sealed record Ended(ConnectionEnd End) : SubscribeOutcome;
}

/// <summary>The server's answer to one filter: a granted quality or a failure.</summary>
internal sealed record FilterAnswer(string Filter, ReasonCode Code);

/// <summary>Why a connection ended.</summary>
internal abstract record ConnectionEnd
{
    private ConnectionEnd(string reason) => Reason = reason;

    public string Reason { get; }

    /// <summary>The server sent DISCONNECT.</summary>
    public sealed record ByServer(ReasonCode Code, string? ReasonString)
        : ConnectionEnd($"the server ended the connection: {Quote.Of(Code, ReasonString)}");

    /// <summary>The server didn't answer a ping in time.</summary>
    public sealed record KeepAliveTimeout() : ConnectionEnd("the server no longer answers");

    /// <summary>The server sent a packet that isn't allowed or can't be read.</summary>
    /// <param name="Code">The reason code of the DISCONNECT that the server got.</param>
    /// <param name="Clause">The clause of MQTT 5, and what broke it.</param>
    public sealed record ProtocolError(ReasonCode Code, string Clause) : ConnectionEnd($"the server does not keep to MQTT 5: {Clause}");

    /// <summary>The network, TLS or the server failed without a DISCONNECT.</summary>
    public sealed record NetworkLost(string Reason) : ConnectionEnd(Reason);

    public sealed record ByUs() : ConnectionEnd("we ended the connection");
}

file static class Quote
{
    public static string Of(ReasonCode code, string? reasonString) =>
        string.IsNullOrEmpty(reasonString) ? code.Say() : $"{code.Say()}, “{reasonString}”";
}
