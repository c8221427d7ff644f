using System.Text.Json;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>
/// What <c>token-config.json</c> says of the service app and of the integration. It is read anew each time: a person mends it, and the
/// token manager of the personal access token writes it.
/// </summary>
/// <param name="settings">What the configuration says instead, field by field.</param>
internal sealed class TokenConfig(string path, ServiceAppSettings settings)
{
    private const int Largest = 1 << 20;
    private const string Section = "serviceApp";

    public string Path => path;

    /// <summary>The service app, or all that is missing of it in one sentence.</summary>
    public (ServiceApp? App, string? Problem) ServiceApp()
    {
        var (file, problem) = Read();
        var section = file?.Inner(Section);
        string?[] found =
        [
            settings.AppId ?? section?.Text("appId"),
            settings.ClientId ?? section?.Text("clientId"),
            settings.ClientSecret?.Reveal() ?? section?.Text("clientSecret"),
            settings.TargetOrgId ?? section?.Text("targetOrgId"),
        ];
        if (found is [{ } appId, { } clientId, { } secret, { } organisation])
        {
            return (new ServiceApp(appId, clientId, new Secret(secret), organisation), null);
        }
        var missing = string.Join(", ", ServiceAppSettings.Names.Where((_, i) => found[i] is null).Select(name => $"{Section}.{name}"));
        return (null, problem is not null ? $"{problem}; it has to hold {missing}"
            : section is null ? $"{path} has no section {Section}; write {missing} into it"
            : $"{path} is missing {missing}");
    }

    /// <summary>Whether there is a file, be it good or not.</summary>
    public bool Exists => File.Exists(path);

    /// <summary>What is wrong with it as it is: no JSON, or a service app that is not whole. A file that is not there yet may come from a login.</summary>
    public string? Problem => Exists || settings.IsBegun ? ServiceApp().Problem : null;

    /// <summary>The integration of the file as a client; null where it is not whole.</summary>
    public OAuthClient? Integration() => Manager() is { } manager && IntegrationShape.Of(manager) is var shape && shape.In(manager) is var held
        && held.Text(shape.ClientId) is { } id && held.Text(shape.ClientSecret) is { } secret
            ? new OAuthClient(id, new Secret(secret))
            : null;

    /// <summary>What keeps a level from being used, in sentences: none of it ends the program.</summary>
    public IEnumerable<string> Gaps()
    {
        if (Manager() is not { } manager)
        {
            yield break;
        }
        var shape = IntegrationShape.Of(manager);
        var held = shape.In(manager);
        var missing = shape.Names.Where(name => held.Text(name) is null).ToList();
        if (missing.Count == 3 && manager.Text(TokenConfigFormat.PersonalAccessToken) is null)
        {
            yield return $"{path} is missing {TokenConfigFormat.Section}.{TokenConfigFormat.PersonalAccessToken}: without it and without an integration nothing is left once the service app's refresh token is refused";
        }
        else if (missing.Count is 1 or 2)
        {
            yield return $"{path} is missing {string.Join(", ", missing.Select(shape.Dotted))}: the integration is not used";
        }
    }

    private JsonMembers? Manager() => Read().File?.Inner(TokenConfigFormat.Section);

    private (JsonMembers? File, string? Problem) Read()
    {
        var (text, problem) = SmallFile.Read(path, Largest);
        if (text is null)
        {
            return (null, problem);
        }
        try
        {
            return (JsonMembers.Parse(System.Text.Encoding.UTF8.GetBytes(text)), null);
        }
        catch (JsonException e)
        {
            return (null, $"{path} is not JSON{(e.LineNumber is { } line ? $" (line {line + 1})" : "")}; correct it");
        }
    }
}

/// <summary>The service app as far as the configuration names it; null is left to the file.</summary>
internal sealed record ServiceAppSettings(string? AppId, string? ClientId, Secret? ClientSecret, string? TargetOrgId)
{
    public static IReadOnlyList<string> Names { get; } = ["appId", "clientId", "clientSecret", "targetOrgId"];

    public static ServiceAppSettings None { get; } = new(null, null, null, null);

    public bool IsBegun => (AppId ?? ClientId ?? ClientSecret ?? TargetOrgId as object) is not null;
}
