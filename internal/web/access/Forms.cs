using Microsoft.AspNetCore.Antiforgery;

namespace Exporter.Web;

/// <summary>Protects forms against cross-site requests. The keys live as long as the process, so a form from before a restart is rejected.</summary>
internal sealed class Forms(IAntiforgery antiforgery, TimeProvider time)
{
    /// <summary>A form has at most 16 kB. A slow one would keep a connection that others need.</summary>
    private static readonly TimeSpan LongestBody = TimeSpan.FromSeconds(5);

    public static void Configure(AntiforgeryOptions options, ExternalUrl external)
    {
        options.FormFieldName = "form";
        options.HeaderName = null;
        options.SuppressXFrameOptionsHeader = true;
        options.Cookie = new FormCookie(external) { Name = "exporter-form", Path = "/", HttpOnly = true, SameSite = SameSiteMode.Strict };
    }

    /// <summary>Creates the hidden field for a form and sets the cookie that belongs to it.</summary>
    public Html Field(HttpContext context)
    {
        var tokens = antiforgery.GetAndStoreTokens(context);
        return $"<input type=\"hidden\" name=\"{tokens.FormFieldName}\" value=\"{tokens.RequestToken}\">";
    }

    /// <summary>An endpoint filter that reads the form and runs the endpoint only if the form is one of this exporter's.</summary>
    public async ValueTask<object?> CheckAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var context = invocation.HttpContext;
        if (!context.Request.HasFormContentType)
        {
            return TypedResults.StatusCode(StatusCodes.Status415UnsupportedMediaType);
        }
        try
        {
            using var limit = new CancellationTokenSource(LongestBody, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, limit.Token);
            await ConnectionLimits.ReadFormAsync(context, either.Token);
        }
        catch (OperationCanceledException)
        {
            context.Abort();
            return TypedResults.StatusCode(StatusCodes.Status408RequestTimeout);
        }
        catch (InvalidDataException)
        {
            return Layout.Message(StatusCodes.Status400BadRequest, "This form cannot be read", "../",
                "It contains invalid characters or too many fields. Nothing was changed.",
                $"<p>Go back to the list of accounts and send the form again.</p>");
        }
        if (!IsSameOrigin(context.Request) || !await antiforgery.IsRequestValidAsync(context))
        {
            return Layout.Message(StatusCodes.Status403Forbidden, "This form was rejected", "../",
                "Another site sent it, or the exporter was restarted after you opened the page. Nothing was changed.",
                $"<p>Go back, reload this page, and send the form again. Your browser must accept cookies.</p>");
        }
        return await next(invocation);
    }

    /// <summary>
    /// Whether the browser reports that the form is from this site. <c>Origin</c> is "null" for the exporter's own forms because of its
    /// referrer policy. Old browsers, and new ones without TLS, send no <c>Sec-Fetch-Site</c>. Therefore the token is checked too.
    /// </summary>
    private static bool IsSameOrigin(HttpRequest request) =>
        request.Headers["Sec-Fetch-Site"] is [] or ["same-origin"] or ["none"]
        && (request.Headers.Origin is [] or ["null"]
            || (request.Headers.Origin is [{ } origin] && Uri.TryCreate(origin, UriKind.Absolute, out var from)
                && from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Secure if the browser uses HTTPS. Plain HTTP works as well in the same network, so the name has no <c>__Host-</c>.</summary>
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
