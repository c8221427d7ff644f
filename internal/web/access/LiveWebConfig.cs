using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Web;

/// <summary>
/// The web configuration as it is at this moment: read again for every request, as exporter-toolkit does, so that a changed password
/// counts at once. While the file is no good there is none, and everything is refused. Safe for concurrent use.
/// </summary>
internal sealed class LiveWebConfig(string path, WebConfig initial, ILogger logger)
{
    private readonly Lock gate = new();
    private string? text;
    private WebConfig? config = initial;
    private string? complaint;

    /// <summary>What it was at the start; the listeners and the rate limit were made from that.</summary>
    public WebConfig Initial { get; } = initial;

    /// <summary>Null while the file cannot be used.</summary>
    public WebConfig? Current()
    {
        var (read, problem) = SmallFile.Read(path, YamlFile.Largest);
        lock (gate)
        {
            if (read is null)
            {
                text = null;
                config = null;
                Complain(problem);
            }
            else if (read != text)
            {
                text = read;
                (config, var problems) = WebConfigReader.Read(path, read);
                // A listener cannot begin to speak TLS: whoever asks for it now must not be served without.
                if (config is not null && (config.Tls is null) != (Initial.Tls is null))
                {
                    (config, problems) = (null, [new Problem(path, "tls_server_config came or went, and that takes a new start; restart the exporter")]);
                }
                Complain(problems.Count > 0 ? string.Join("; ", problems) : null);
            }
            return config;
        }
    }

    private void Complain(string? reason)
    {
        if (reason == complaint)
        {
            return;
        }
        complaint = reason;
        if (reason is null)
        {
            logger.LogInformation("the web configuration file is good again");
        }
        else
        {
            logger.LogError("every request is refused until the web configuration file is mended: {Reason}", reason);
        }
    }
}
