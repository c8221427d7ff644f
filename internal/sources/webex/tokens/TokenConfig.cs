using System.Text;
using System.Text.Json;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>
/// The service app and the integration in <c>token-config.json</c>. Every call reads the file again, because both you and the token manager
/// of the personal access token change it.
/// </summary>
/// <param name="settings">Override fields of the file.</param>
internal sealed class TokenConfig(string path, ServiceAppSettings settings)
{
    private const int LargestFile = 1 << 20;
    private const string Section = "serviceApp";
    private static readonly string[] Names = ["appId", "clientId", "clientSecret", "targetOrgId"];

    public string Path => path;

    /// <summary>The service app, or one sentence that lists everything that is missing.</summary>
    public (ServiceApp? App, string? Problem) ServiceApp()
    {
        var (file, problem) = Read();
        var section = file?.Inner(Section);
        string?[] configured = [settings.AppId, settings.ClientId, settings.ClientSecret?.Reveal(), settings.TargetOrgId];
        string?[] values = [.. Names.Zip(configured, (name, value) => value ?? section?.Text(name))];
        if (values is [{ } appId, { } clientId, { } secret, { } organization])
        {
            return (new ServiceApp(appId, clientId, new Secret(secret), organization), null);
        }
        var missing = string.Join(", ", Names.Where((_, i) => values[i] is null).Select(name => $"{Section}.{name}"));
        return (null, problem is not null ? $"{problem}; it must contain {missing}"
            : section is null ? $"{path} has no section {Section}; add {missing}"
            : $"{path} is missing {missing}");
    }

    /// <summary>Why the service app cannot be used. Null without a file and settings, because a login can create the file later.</summary>
    public string? Problem => File.Exists(path) || settings != ServiceAppSettings.None ? ServiceApp().Problem : null;

    /// <summary>The integration in the file; null if it is incomplete.</summary>
    public OAuthClient? Integration() => Manager() is { } manager && IntegrationShape.Of(manager) is var shape
        && shape.MembersIn(manager) is var members && members.Text(shape.ClientId) is { } id && members.Text(shape.ClientSecret) is { } secret
            ? new OAuthClient(id, new Secret(secret))
            : null;

    /// <summary>What makes a level unusable, in sentences. The program still runs.</summary>
    public IEnumerable<string> Warnings()
    {
        if (Manager() is not { } manager)
        {
            yield break;
        }
        var shape = IntegrationShape.Of(manager);
        var missing = shape.Names.Where(name => shape.MembersIn(manager).Text(name) is null).ToList();
        if (missing.Count == 3 && manager.Text(TokenConfigFormat.PersonalAccessToken) is null)
        {
            yield return $"{path} is missing {TokenConfigFormat.Section}.{TokenConfigFormat.PersonalAccessToken}: "
                + "without it or an integration, you must log in when Webex rejects the service app's refresh token";
        }
        else if (missing.Count is 1 or 2)
        {
            yield return $"{path} is missing {string.Join(", ", missing.Select(shape.QualifiedName))}: the integration is not used";
        }
    }

    private JsonMembers? Manager() => Read().File?.Inner(TokenConfigFormat.Section);

    private (JsonMembers? File, string? Problem) Read()
    {
        var (text, problem) = SmallFile.Read(path, LargestFile, isReadAgain: true);
        if (text is null)
        {
            return (null, problem);
        }
        try
        {
            return (JsonMembers.Parse(Encoding.UTF8.GetBytes(text)), null);
        }
        catch (JsonException e)
        {
            return (null, $"{path} is not JSON{(e.LineNumber is { } line ? $" (line {line + 1})" : "")}; fix it");
        }
    }
}

/// <summary>The service app's fields in the settings; null uses the file's.</summary>
internal sealed record ServiceAppSettings(string? AppId, string? ClientId, Secret? ClientSecret, string? TargetOrgId)
{
    public static ServiceAppSettings None { get; } = new(null, null, null, null);
}
