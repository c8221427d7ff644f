namespace Exporter.Web;

/// <summary>
/// The current web configuration. It is read again for every request, as in exporter-toolkit, so that a changed password applies immediately.
/// While the file is invalid, every request is rejected. Safe for concurrent use.
/// </summary>
internal sealed class LiveWebConfig
{
    private readonly string path;
    private readonly LiveFile<WebConfig> file;
    private WebConfig accepted;

    public LiveWebConfig(string path, WebConfig initial, ILogger logger)
    {
        this.path = path;
        Initial = accepted = initial;
        file = new LiveFile<WebConfig>(path, initial, Parse, "every request", "the web configuration file", logger);
    }

    /// <summary>The configuration at startup, which determines the listeners and the rate limit.</summary>
    public WebConfig Initial { get; }

    /// <summary>Null while the file is invalid.</summary>
    public WebConfig? Current() => file.Current();

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
}
