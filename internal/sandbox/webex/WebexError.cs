using System.Text.Json.Nodes;

namespace Exporter.Sandbox;

/// <summary>Webex's shape of an error, and the number under which it can be asked about.</summary>
internal static class WebexError
{
    private const string Header = "Trackingid";

    public static Answer Of(int status, string message, params IReadOnlyList<string> descriptions)
    {
        var tracking = Tracking();
        return Answer.Json(status, new JsonObject
        {
            ["message"] = message,
            ["errors"] = new JsonArray([.. (descriptions.Count == 0 ? [message] : descriptions).Select(d => new JsonObject { ["description"] = d })]),
            ["trackingId"] = tracking,
        }.ToJsonString()).With(Header, tracking);
    }

    /// <summary>A good answer has a number too.</summary>
    public static Answer Tracked(Answer answer) => answer.Headers.Any(h => h.Name == Header) ? answer : answer.With(Header, Tracking());

    private static string Tracking() => $"SANDBOX_{Guid.NewGuid()}";
}
