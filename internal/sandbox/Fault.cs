using System.Text.Json.Serialization;

namespace Exporter.Sandbox;

/// <summary>How a provider fails a request. As JSON for the control endpoint: <c>{"kind":"delay","seconds":5}</c>.</summary>
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

    /// <summary>Why the fault is invalid, in a sentence; null if it is valid.</summary>
    internal string? Problem => this switch
    {
        Delay { Seconds: not (>= 0 and <= 86400) } => "seconds must be a number from 0 to 86400.",
        ServerError { Status: not (>= 500 and <= 599) } => "status of a server_error must be from 500 to 599.",
        Html { Status: not (>= 200 and <= 599) } or Respond { Status: not (>= 200 and <= 599) } => "status must be from 200 to 599.",
        TooManyRequests { RetryAfter: { } text } when IsInvalidHeader(text) => "retry_after must be one line of ASCII.",
        ServerError { RetryAfter: { } text } when IsInvalidHeader(text) => "retry_after must be one line of ASCII.",
        Respond { RetryAfter: { } text } when IsInvalidHeader(text) => "retry_after must be one line of ASCII.",
        Respond { ContentType: { } text } when IsInvalidHeader(text) => "content_type must be one line of ASCII.",
        _ => null,
    };

    /// <summary>An error in the endpoint's own format: an OAuth error at a token endpoint, the provider's error code at its API.</summary>
    public sealed record Refuse(string Error) : Fault;

    /// <summary>The correct response, but late. The request takes effect even if the caller has disconnected.</summary>
    public sealed record Delay(double Seconds) : Fault;

    /// <summary>No response until the faults are cleared, then the correct one. No effect if the caller disconnects before.</summary>
    public sealed record Hang : Fault;

    /// <summary>429 in the endpoint's own format. <c>RetryAfter</c> is the raw header: seconds, an HTTP date, or an invalid value.</summary>
    public sealed record TooManyRequests(string? RetryAfter = null) : Fault;

    /// <summary>A 5xx without a body.</summary>
    public sealed record ServerError(int Status = 503, string? RetryAfter = null) : Fault;

    /// <summary>A gateway's error page, with any status.</summary>
    public sealed record Html(int Status = 502) : Fault;

    /// <summary>200 and application/json, but the body is not JSON.</summary>
    public sealed record Garbage : Fault;

    /// <summary>The first half of the correct response. The request takes effect.</summary>
    public sealed record HalfAnswer : Fault;

    /// <summary>Exactly this response. The request has no effect.</summary>
    public sealed record Respond(int Status, string Body, string ContentType = "application/json", string? RetryAfter = null) : Fault;

    /// <summary>The request takes effect (tokens rotate), then the connection closes without a response.</summary>
    public sealed record LoseAnswer : Fault;

    /// <summary>The connection closes before the request takes effect.</summary>
    public sealed record Drop : Fault;

    private static bool IsInvalidHeader(string header) => header.Any(c => c is < ' ' or > '~');
}
