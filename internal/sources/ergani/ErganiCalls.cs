namespace Exporter.Ergani;

/// <summary>Counts calls, because Ergani limits them.</summary>
internal sealed class ErganiCalls : ApiCalls
{
    public ErganiCalls(AccountContext context) : base(context, "ergani", "Ergani") => CountLimited(0);

    /// <summary>One of a fixed set, because the operation is a label.</summary>
    protected override string OperationOf(HttpRequestMessage request) => request.RequestUri?.Segments[^1].TrimEnd('/').ToLowerInvariant() switch
    {
        "authentication" => "login",
        "refresh" => "refresh",
        "logout" => "logout",
        "submissions" => "submissions",
        "serviceslist" => "services",
        "executeservice" => "execute_service",
        _ => "other",
    };

    protected override void Count(string operation, string code, TimeSpan took, TimeSpan? retryAfter)
    {
        base.Count(operation, code, took, retryAfter);
        CountLimited(code == "429" ? 1 : 0);
    }

    private void CountLimited(int calls) =>
        Counter("ergani_api_rate_limited_total", "Calls that Ergani answered with 429. As of the last poll.").Inc(calls);
}
