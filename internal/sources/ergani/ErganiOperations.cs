namespace Exporter.Ergani;

/// <summary>Ergani watches how it is used, so calls are counted by operation, those for tokens too.</summary>
internal static class ErganiOperations
{
    /// <summary>Known operations only: a label has few values, whatever is asked for.</summary>
    public static string Of(HttpRequestMessage request) => request.RequestUri?.Segments[^1].TrimEnd('/').ToLowerInvariant() switch
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
