using System.Text.Json.Serialization;

namespace Exporter.Sandbox;

/// <summary>What a provider does wrong with a request. Written as JSON for the control endpoint: <c>{"kind":"delay","seconds":5}</c>.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(Refuse), "refuse")]
[JsonDerivedType(typeof(Delay), "delay")]
[JsonDerivedType(typeof(Hang), "hang")]
[JsonDerivedType(typeof(TooManyRequests), "too_many_requests")]
[JsonDerivedType(typeof(ServerError), "server_error")]
[JsonDerivedType(typeof(Html), "html")]
[JsonDerivedType(typeof(Garbage), "garbage")]
[JsonDerivedType(typeof(HalfAnswer), "half_answer")]
[JsonDerivedType(typeof(Respond), "respond")]
[JsonDerivedType(typeof(LoseAnswer), "lose_answer")]
[JsonDerivedType(typeof(Drop), "drop")]
public abstract record Fault
{
    private Fault() { }

    /// <summary>What is wrong with the fault itself, in a sentence, or null.</summary>
    internal string? Problem => this switch
    {
        Delay { Seconds: not (>= 0 and <= 86400) } => "seconds is a number from 0 to 86400.",
        ServerError { Status: not (>= 500 and <= 599) } => "status of a server_error is from 500 to 599.",
        Html { Status: not (>= 200 and <= 599) } or Respond { Status: not (>= 200 and <= 599) } => "status is from 200 to 599.",
        TooManyRequests { RetryAfter: { } text } when Unsendable(text) => "retry_after is one line of ASCII.",
        ServerError { RetryAfter: { } text } when Unsendable(text) => "retry_after is one line of ASCII.",
        Respond { RetryAfter: { } text } when Unsendable(text) => "retry_after is one line of ASCII.",
        Respond { ContentType: { } text } when Unsendable(text) => "content_type is one line of ASCII.",
        _ => null,
    };

    /// <summary>Refuses in the endpoint's own shape: an OAuth error at a token endpoint, the provider's error code at its API.</summary>
    public sealed record Refuse(string Error) : Fault;

    /// <summary>Answers rightly, but late. The request takes effect even if the caller has gone by then.</summary>
    public sealed record Delay(double Seconds) : Fault;

    /// <summary>Says nothing until the faults are cleared, and then answers rightly. Without effect if the caller goes first.</summary>
    public sealed record Hang : Fault;

    /// <summary>429 in the endpoint's own shape; <c>RetryAfter</c> is the header as it is sent: seconds, an HTTP date, or nonsense.</summary>
    public sealed record TooManyRequests(string? RetryAfter = null) : Fault;

    /// <summary>A 5xx without a body.</summary>
    public sealed record ServerError(int Status = 503, string? RetryAfter = null) : Fault;

    /// <summary>A gateway's error page, whatever the status says.</summary>
    public sealed record Html(int Status = 502) : Fault;

    /// <summary>200 and application/json, but no JSON.</summary>
    public sealed record Garbage : Fault;

    /// <summary>The first half of the right answer. The request takes effect.</summary>
    public sealed record HalfAnswer : Fault;

    /// <summary>Exactly this, without effect.</summary>
    public sealed record Respond(int Status, string Body, string ContentType = "application/json", string? RetryAfter = null) : Fault;

    /// <summary>The request takes effect (tokens rotate), then the connection is cut without an answer.</summary>
    public sealed record LoseAnswer : Fault;

    /// <summary>The connection is cut before anything happens.</summary>
    public sealed record Drop : Fault;

    private static bool Unsendable(string header) => header.Any(c => c is < ' ' or > '~');
}
