using System.Text.Json.Nodes;

namespace Exporter.Sandbox;

/// <summary>Webex's error format, and the tracking ID for support requests.</summary>
internal static class WebexError
{
    private const string Header = "Trackingid";

    public static ProviderResponse Of(int status, string message, params IReadOnlyList<string> descriptions)
    {
        var tracking = NewTrackingId();
        return ProviderResponse.Json(status, new JsonObject
        {
            ["message"] = message,
            ["errors"] = new JsonArray([.. (descriptions.Count == 0 ? [message] : descriptions).Select(d => new JsonObject { ["description"] = d })]),
            ["trackingId"] = tracking,
        }.ToJsonString()).With(Header, tracking);
    }

    /// <summary>Successful responses have a tracking ID too.</summary>
    public static ProviderResponse Tracked(ProviderResponse response) =>
        response.Headers.Any(h => h.Name == Header) ? response : response.With(Header, NewTrackingId());

    private static string NewTrackingId() => $"SANDBOX_{Guid.NewGuid()}";
}
