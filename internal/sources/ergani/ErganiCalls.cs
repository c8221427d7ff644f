using Exporter.Accounts;

namespace Exporter.Ergani;

/// <summary>Ergani watches how it is used.</summary>
internal static class ErganiCalls
{
    public static ApiCalls Create(TimeProvider time) => new(request => Operation(request.RequestUri), time);

    /// <summary>Known operations only: a label has few values, whatever is asked for.</summary>
    private static string Operation(Uri? address) => address?.Segments[^1].TrimEnd('/').ToLowerInvariant() switch
    {
        "authentication" => "login",
        "refresh" => "refresh",
        "logout" => "logout",
        "submissions" => "submissions",
        "serviceslist" => "services",
        "executeservice" => "execute_service",
        _ => "other",
    };
}
