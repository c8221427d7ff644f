namespace Exporter.Web;

/// <summary>The paths of the API. Only a program with shared accounts registers it.</summary>
internal sealed class ApiPaths(WebOptions options)
{
    public const string Accounts = "/api/accounts";
    public const string Document = "/api/openapi.json";

    /// <summary>The path of the external URL, which the server removes from requests.</summary>
    private readonly PathString below = options.ExternalUrl.AbsolutePath.TrimEnd('/');

    /// <summary>Whether a path without that of the external URL belongs to the API.</summary>
    public static bool Contains(PathString path) => HasKeys(path) || path.Equals(Document);

    /// <summary>Whether a path, as the client sent it, is authorized by an API key and not by a password.</summary>
    public bool NeedsKey(PathString path) =>
        HasKeys(below.HasValue && path.StartsWithSegments(below, out var remaining) ? remaining : path);

    /// <summary>Routing ignores case, like this comparison.</summary>
    public static bool HasKeys(PathString path) => path.StartsWithSegments(Accounts);
}
