using System.Net;

namespace Exporter.Web;

/// <summary>Protects the pages against DNS rebinding, framing, content from other sites, and leaking referrers.</summary>
internal sealed class BrowserProtection(WebOptions options, ExternalUrl external, ApiPaths? api = null)
{
    private const string Policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <summary>Domains without public names: multicast DNS (RFC 6762) and home networks (RFC 8375).</summary>
    private static readonly string[] LocalDomains = [".local", ".home.arpa"];

    public static Task AddHeadersAsync(HttpContext context, RequestDelegate next)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        return next(context);
    }

    /// <summary>With an admin address, the other addresses serve only the paths for programs.</summary>
    public Task CheckListenerAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<Listeners.AdminFeature>() is not null || IsForPrograms(context.Request.Path))
        {
            return next(context);
        }
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    /// <summary>
    /// Rejects unknown host names. An attacker can point a domain at this exporter, and a browser then treats the exporter as part of the
    /// attacker's site (DNS rebinding). Such a name has a dot and is in the public DNS. Programs use names that the exporter cannot predict, so
    /// their paths accept any.
    /// </summary>
    public Task CheckHostAsync(HttpContext context, RequestDelegate next)
    {
        if (IsForPrograms(context.Request.Path) || IsReload(context.Request.Path) || IsApi(context.Request.Path)
            || IsAllowed(context.Request.Host.Host))
        {
            return next(context);
        }
        var host = context.Request.Host;
        var name = Uri.CheckHostName(host.Host) is UriHostNameType.Unknown ? "NAME" : host.Host;
        var url = $"{context.Request.Scheme}://{name}{(host.Port is { } port ? $":{port}" : "")}";
        return Layout.Message(StatusCodes.Status421MisdirectedRequest, "Unknown host name", "/",
            $"The exporter is not configured for the host name {Sanitize.Line(host.Host, 253)}. "
            + "It rejects unknown names, because an attacker could misuse them.",
            $"""
            <p>If the name is yours, start the exporter with <code>{WebOptions.ExternalUrlSetting.Flag} {url}</code>.
            In a container, set <code>-e {WebOptions.ExternalUrlSetting.Variable}={url}</code>.
            If the exporter has another external URL, start it with <code>--web.allowed-host {name}</code> instead.</p>
            """)
            .ExecuteAsync(context);
    }

    private bool IsForPrograms(PathString path) =>
        path.Equals(options.TelemetryPath, StringComparison.Ordinal) || StatusEndpoints.ForPrograms.Contains(path.Value);

    /// <summary>A reload rejects browsers itself.</summary>
    private static bool IsReload(PathString path) => path.Equals(StatusEndpoints.Reload, StringComparison.OrdinalIgnoreCase);

    /// <summary>The API rejects browsers itself, too.</summary>
    private bool IsApi(PathString path) => api is not null && ApiPaths.Contains(path);

    private bool IsAllowed(string host) =>
        host.Length > 0
        && (IPAddress.TryParse(host.Trim('[', ']'), out _)
            || !host.Contains('.', StringComparison.Ordinal)
            || LocalDomains.Any(domain => host.EndsWith(domain, StringComparison.OrdinalIgnoreCase))
            || options.AllowedHosts.Append(external.Value.Host).Contains(host, StringComparer.OrdinalIgnoreCase));
}
