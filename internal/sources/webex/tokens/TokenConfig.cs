using System.Text;
using System.Text.Json;

namespace Exporter.Webex;

/// <summary>
/// The service app and the integration in <c>token-config.json</c>. Every call reads the file again, because both you and the token manager
/// of the personal access token change it.
/// </summary>
/// <param name="settings">Override fields of the service app in the file.</param>
internal sealed class TokenConfig(string path, JsonMembers settings)
{
    private const int LargestFile = 1 << 20;
    private const string Section = "serviceApp";
    private static readonly string[] Names = ["appId", "clientId", "clientSecret", "targetOrgId"];

    public string Path => path;

    /// <summary>The service app, or one sentence that lists everything that is missing.</summary>
    public Result<ServiceApp, string> ServiceApp()
    {
        var (file, problem) = Read();
        var section = file?.Inner(Section);
        var merged = section?.Merge(settings) ?? settings;
        string?[] values = [.. Names.Select(merged.Value)];
        if (values is [{ } appId, { } clientId, { } secret, { } organization])
        {
            return new ServiceApp(appId, clientId, new Secret(secret), organization);
        }
        var missing = string.Join(", ", Names.Where((_, i) => values[i] is null).Select(name => $"{Section}.{name}"));
        return problem is not null ? $"{problem}; it must contain {missing}"
            : section is null ? $"{path} has no section {Section}; add {missing}"
            : Names.Any(name => merged.Value(name) is null && merged.Text(name) is not null)
                ? $"{path} still contains the placeholders of its template; write your values into {missing}"
            : $"{path} is missing {missing}";
    }

    /// <summary>Why the service app cannot be used; otherwise null.</summary>
    public string? Problem => ServiceApp().Failure;

    /// <summary>The integration in the file; null if it is incomplete.</summary>
    public OAuthClient? Integration() => Manager() is { } manager && IntegrationShape.Of(manager) is var (shape, members)
        && members.Value(shape.ClientId) is { } id && members.Value(shape.ClientSecret) is { } secret ? new(id, new Secret(secret)) : null;

    /// <summary>What makes a level unusable, in sentences. The program still runs.</summary>
    public IEnumerable<string> Warnings()
    {
        if (Manager() is not { } manager)
        {
            yield break;
        }
        var (shape, members) = IntegrationShape.Of(manager);
        var missing = shape.Names.Where(name => members.Value(name) is null).ToList();
        if (missing.Count == 3 && manager.Value(TokenConfigFormat.PersonalAccessToken) is null)
        {
            yield return $"{path} is missing {TokenConfigFormat.Section}.{TokenConfigFormat.PersonalAccessToken}: "
                + "without it or an integration, you must log in when Webex rejects the service app's refresh token";
        }
        else if (missing.Count is 1 or 2)
        {
            yield return $"{path} is missing {string.Join(", ", missing.Select(shape.QualifiedName))}: the integration is not used";
        }
    }

    private JsonMembers? Manager() => Read().Value?.Inner(TokenConfigFormat.Section);

    private Result<JsonMembers, string> Read()
    {
        var (text, problem) = SmallFile.Read(path, LargestFile, isReadAgain: true);
        if (text is null)
        {
            return problem!;
        }
        try
        {
            return JsonMembers.Parse(Encoding.UTF8.GetBytes(text));
        }
        catch (JsonException e)
        {
            return $"{path} is not JSON{(e.LineNumber is { } line ? $" (line {line + 1})" : "")}; fix it";
        }
    }
}

internal static class TokenConfigValues
{
    /// <summary>
    /// A value without white space at its ends; null for a placeholder of the template (<c>your_service_app_id</c>) or of an example.
    /// </summary>
    public static string? Value(this JsonMembers members, string name) =>
        members.Text(name)?.Trim() is { Length: > 0 } text && !IsPlaceholder(text) ? text : null;

    private static bool IsPlaceholder(string text) => text is ['<', .., '>']
        || text.StartsWith("your_", StringComparison.OrdinalIgnoreCase) || text.StartsWith("your-", StringComparison.OrdinalIgnoreCase)
        || text.Contains('…', StringComparison.Ordinal) || text.Contains("...", StringComparison.Ordinal);
}
