using System.Net;
using Microsoft.AspNetCore.Http;

namespace Exporter.Web;

/// <summary>What browsers are kept from, whoever leads them here: rebinding a name, framing, loading anything from elsewhere, telling where they came from.</summary>
internal sealed class Browser(WebOptions options, ExternalUrl external)
{
    private const string Policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public static Task GuardAsync(HttpContext context, RequestDelegate next)
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

    /// <summary>
    /// A page of a stranger can have its own name lead to our address, and the browser then takes us for that stranger (DNS rebinding). Such a
    /// name has a dot and is not ours. A scraper is no browser, so metrics and health take any.
    /// </summary>
    public Task CheckHostAsync(HttpContext context, RequestDelegate next)
    {
        if (IsForPrograms(context.Request.Path) || IsOurs(context.Request.Host.Host))
        {
            return next(context);
        }
        return Layout.WriteAsync(context, StatusCodes.Status421MisdirectedRequest, Layout.Sentence("Not by this name", "/",
            "This exporter does not know the host name that it was called by, and a name that is not its own may be a stranger's.",
            $"<p>If the name is yours, start the exporter with <code>--web.allowed-host NAME</code>, or make it part of <code>--external-url</code>.</p>"));
    }

    /// <summary>Metrics and health, which all listeners answer to anybody who may in.</summary>
    public bool IsForPrograms(PathString path) => path.Equals(options.TelemetryPath, StringComparison.Ordinal) || path.StartsWithSegments("/-", StringComparison.Ordinal);

    /// <summary>
    /// Whether a POST comes from a page of ours, as far as the browser says. <c>Origin</c> is "null" for our own forms, because of our
    /// referrer policy; old browsers, and new ones without TLS, send no <c>Sec-Fetch-Site</c>. So this stands beside the token in the form.
    /// </summary>
    public static bool IsFromUs(HttpRequest request) =>
        request.Headers["Sec-Fetch-Site"] is [] or ["same-origin"] or ["none"]
        && (request.Headers.Origin is [] or ["null"] || (request.Headers.Origin is [{ } origin] && Uri.TryCreate(origin, UriKind.Absolute, out var from)
            && from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase)));

    private bool IsOurs(string host) =>
        host.Length > 0
        && (IPAddress.TryParse(host.Trim('[', ']'), out _)
            || !host.Contains('.', StringComparison.Ordinal)
            || options.AllowedHosts.Append(external.Value.Host).Any(known => known.Equals(host, StringComparison.OrdinalIgnoreCase)));
}
