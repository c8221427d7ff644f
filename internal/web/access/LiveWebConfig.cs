namespace Exporter.Web;

/// <summary>
/// The current web configuration. It is read again for every request, as in exporter-toolkit, so that a changed password applies immediately.
/// While the file is invalid, every request is rejected. Safe for concurrent use.
/// </summary>
internal sealed class LiveWebConfig(string path, WebConfig initial, ILogger logger)
{
    private readonly Lock gate = new();
    private string? text;
    private WebConfig? config = initial;
    private WebConfig accepted = initial;
    private string? lastProblem;

    /// <summary>The configuration at startup, which determines the listeners and the rate limit.</summary>
    public WebConfig Initial { get; } = initial;

    /// <summary>Null while the file is invalid.</summary>
    public WebConfig? Current()
    {
        var (read, problem) = SmallFile.Read(path, YamlFile.Largest, isReadAgain: true);
        lock (gate)
        {
            if (read is null || read != text)
            {
                text = read;
                (config, problem) = read is null ? new(null, problem) : Parse(read);
                Log(problem);
            }
            return config;
        }
    }

    private Result<WebConfig, string> Parse(string yaml)
    {
        var (parsed, problems) = WebConfigReader.Read(path, yaml);
        if (parsed is null)
        {
            return string.Join("; ", problems);
        }
        // A listener cannot switch between plain text and TLS. An emptied file must not open what a password or a certificate protected.
        var change = (parsed.Tls is null) != (Initial.Tls is null) ? "tls_server_config was added or removed"
            : accepted.Users.Count > 0 && parsed.Users.Count == 0 ? "basic_auth_users was removed"
            : accepted.Tls?.ClientAuthentication > parsed.Tls?.ClientAuthentication ? "client_auth_type accepts more clients than before"
            : accepted.Tls?.ClientCa is not null && parsed.Tls?.ClientCa is null ? "client_ca was removed"
            : accepted.Tls?.AllowedSans is not null && parsed.Tls?.AllowedSans is null ? "client_allowed_sans was removed"
            : null;
        if (change is not null)
        {
            return $"{path}: {change}, which requires a restart; restart the exporter";
        }
        accepted = parsed;
        return parsed;
    }

    private void Log(string? problem)
    {
        if (problem is null && lastProblem is not null)
        {
            logger.LogInformation("the web configuration file is valid again");
        }
        else if (problem != lastProblem)
        {
            logger.LogError("every request is rejected until you fix the web configuration file: {Problem}", problem);
        }
        lastProblem = problem;
    }
}
