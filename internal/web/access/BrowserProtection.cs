using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Exporter.Web;

/// <summary>What browsers are kept from, whoever leads them here: rebinding a name, framing, loading anything from elsewhere, telling where they came from.</summary>
internal sealed class BrowserProtection(WebOptions options, ExternalUrl external)
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

    /// <summary>An answer with an error status and no body gets its status as a line of text.</summary>
    public static async Task ExplainAsync(HttpContext context, RequestDelegate next)
    {
        await next(context);
        if (context.Response is { StatusCode: >= 400, HasStarted: false, ContentLength: null, ContentType: null })
        {
            context.Response.ContentType = "text/plain; charset=utf-8";
            await context.Response.WriteAsync($"{context.Response.StatusCode} {ReasonPhrases.GetReasonPhrase(context.Response.StatusCode)}\n", context.RequestAborted);
        }
    }

    /// <summary>With an admin address, the other addresses answer metrics and health only.</summary>
    public Task CheckListenerAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<Listeners.Admin>() is not null || IsForPrograms(context.Request.Path))
        {
            return next(context);
        }
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
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
        return Layout.Result(StatusCodes.Status421MisdirectedRequest, Layout.Sentence("Not by this name", "/",
            "This exporter does not know the host name that it was called by, and a name that is not its own may be a stranger's.",
            $"<p>If the name is yours, start the exporter with <code>--web.allowed-host NAME</code>, or make it part of <code>--external-url</code>.</p>")).ExecuteAsync(context);
    }

    /// <summary>Metrics and health, which all listeners answer to anybody who may in.</summary>
    public bool IsForPrograms(PathString path) => path.Equals(options.TelemetryPath, StringComparison.Ordinal) || path.StartsWithSegments("/-", StringComparison.Ordinal);

    private bool IsOurs(string host) =>
        host.Length > 0
        && (IPAddress.TryParse(host.Trim('[', ']'), out _)
            || !host.Contains('.', StringComparison.Ordinal)
            || options.AllowedHosts.Append(external.Value.Host).Any(known => known.Equals(host, StringComparison.OrdinalIgnoreCase)));
}
