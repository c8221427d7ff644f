using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;

namespace Exporter.Web;

/// <summary>
/// Accepts only forms that this exporter showed in the same browser. The keys live as long as the process, so a form from before a
/// restart has to be loaded again.
/// </summary>
internal sealed class Forms(IAntiforgery antiforgery)
{
    public static void Configure(AntiforgeryOptions options, ExternalUrl external)
    {
        options.FormFieldName = "form";
        options.HeaderName = null;
        options.SuppressXFrameOptionsHeader = true;
        options.Cookie = new FormCookie(external) { Name = "exporter-form", Path = "/", HttpOnly = true, SameSite = SameSiteMode.Strict };
    }

    /// <summary>The hidden field for a form; sets the cookie that belongs to it.</summary>
    public Html Field(HttpContext context)
    {
        var tokens = antiforgery.GetAndStoreTokens(context);
        return $"<input type=\"hidden\" name=\"{tokens.FormFieldName}\" value=\"{tokens.RequestToken}\">";
    }

    /// <summary>An endpoint filter: the endpoint runs only for a form of ours, which it then finds in the request; any other is answered with the reason.</summary>
    public async ValueTask<object?> CheckAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var context = invocation.HttpContext;
        if (!context.Request.HasFormContentType)
        {
            return TypedResults.StatusCode(StatusCodes.Status415UnsupportedMediaType);
        }
        try
        {
            await context.Request.ReadFormAsync(context.RequestAborted);
        }
        catch (InvalidDataException)
        {
            return Layout.Result(StatusCodes.Status400BadRequest, Layout.Sentence("This form cannot be read", "../",
                "It contains characters that a form cannot have, or too many fields. Nothing was changed.", $"<p>Go back and send it again from the page of accounts.</p>"));
        }
        if (!IsSameOrigin(context.Request) || !await antiforgery.IsRequestValidAsync(context))
        {
            return Layout.Result(StatusCodes.Status403Forbidden, Layout.Sentence("This form is not ours", "../",
                "Another site sent it, or its page was opened before the exporter's last start. Nothing was changed.",
                $"<p>Go back, reload this page, and send it again. The browser must keep cookies.</p>"));
        }
        return await next(invocation);
    }

    /// <summary>
    /// Whether a POST comes from a page of ours, as far as the browser says. <c>Origin</c> is "null" for our own forms because of our
    /// referrer policy. Old browsers, and new ones without TLS, send no <c>Sec-Fetch-Site</c>. Therefore the token is checked too.
    /// </summary>
    private static bool IsSameOrigin(HttpRequest request) =>
        request.Headers["Sec-Fetch-Site"] is [] or ["same-origin"] or ["none"]
        && (request.Headers.Origin is [] or ["null"] || (request.Headers.Origin is [{ } origin] && Uri.TryCreate(origin, UriKind.Absolute, out var from)
            && from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Secure where the browser sees HTTPS, which a proxy before us may provide. Plain HTTP in the same network works too, so the name has no <c>__Host-</c>.</summary>
    private sealed class FormCookie(ExternalUrl external) : CookieBuilder
    {
        public override CookieOptions Build(HttpContext context, DateTimeOffset expiresFrom)
        {
            var options = base.Build(context, expiresFrom);
            options.Secure = external.IsSecure(context.Request);
            return options;
        }
    }
}
