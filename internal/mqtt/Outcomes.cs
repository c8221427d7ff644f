namespace Exporter.Mqtt;

// Reasons are sentences for people. What a server says is quoted in them as it came: whoever prints them makes one line of it.

/// <summary>What came of connecting.</summary>
public abstract record ConnectOutcome
{
    private ConnectOutcome() { }

    /// <summary>The connection is the caller's to dispose of.</summary>
    public sealed record Accepted(MqttConnection Connection) : ConnectOutcome;

    /// <summary>There is an MQTT server, and it does not want us.</summary>
    public sealed record Refused(ReasonCode Code, string? ReasonString) : ConnectOutcome
    {
        public string Reason => $"the server refuses the connection: {Quote.Of(Code, ReasonString)}";
    }

    /// <summary>There is no server, not in time, not a trusted one, or none that speaks MQTT 5.</summary>
    public sealed record Unreachable(string Reason) : ConnectOutcome;
}

/// <summary>What came of subscribing.</summary>
public abstract record SubscribeOutcome
{
    private SubscribeOutcome() { }

    /// <summary>Every filter is subscribed to, if need be at a lower quality than asked for.</summary>
    public sealed record Granted(IReadOnlyList<FilterAnswer> Answers) : SubscribeOutcome;

    /// <summary>At least one filter is not subscribed to; the connection stays, and delivers for those that are.</summary>
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

    /// <summary>The connection ended before there was an answer.</summary>
    public sealed record Ended(ConnectionEnd End) : SubscribeOutcome;
}

/// <summary>What the server says to one filter: a granted quality or a failure.</summary>
public sealed record FilterAnswer(string Filter, ReasonCode Code);

/// <summary>Why a connection ended.</summary>
public abstract record ConnectionEnd
{
    private ConnectionEnd(string reason) => Reason = reason;

    public string Reason { get; }

    /// <summary>The server said DISCONNECT.</summary>
    public sealed record ByServer(ReasonCode Code, string? ReasonString) : ConnectionEnd($"the server ended the connection: {Quote.Of(Code, ReasonString)}");

    /// <summary>A ping was not answered in time.</summary>
    public sealed record KeepAliveTimeout() : ConnectionEnd("the server no longer answers");

    /// <summary>The server sent what must not be sent; we said so and left.</summary>
    /// <param name="Code">What we said.</param>
    /// <param name="Clause">The clause of MQTT 5 that it broke, and how.</param>
    public sealed record ProtocolError(ReasonCode Code, string Clause) : ConnectionEnd($"the server does not keep to MQTT 5: {Clause}");

    /// <summary>The network, TLS or the server went away without a DISCONNECT.</summary>
    public sealed record NetworkLost(string Reason) : ConnectionEnd(Reason);

    public sealed record ByUs() : ConnectionEnd("we ended the connection");
}

file static class Quote
{
    public static string Of(ReasonCode code, string? reasonString) => string.IsNullOrEmpty(reasonString) ? code.Say() : $"{code.Say()}, “{reasonString}”";
}
