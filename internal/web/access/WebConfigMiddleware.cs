namespace Exporter.Web;

/// <summary>Applies the web configuration file to every request, in exporter-toolkit's order: rate limit, headers, authentication.</summary>
internal sealed class WebConfigMiddleware(LiveWebConfig live, TimeProvider time, ApiPaths? api = null)
{
    private readonly BasicAuthentication authentication = new(time);
    private readonly TokenBucket? bucket = live.Initial.RateLimit is { } rate ? new TokenBucket(rate.Interval, rate.Burst, time) : null;

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (bucket?.TryTake() == false)
        {
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            return;
        }
        if (live.Current() is not { } config)
        {
            // The reason is in the log only, because the client is not authenticated.
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return;
        }
        foreach (var (name, value) in config.Headers)
        {
            context.Response.Headers[name] = value;
        }
        if (api?.NeedsKey(context.Request.Path) == true)
        {
            // The API checks a key instead of a password, in the same header.
            await next(context);
            return;
        }
        var isAccepted = config.Users.Count == 0
            ? true
            : await authentication.AcceptsAsync(context.Request.Headers.Authorization, config.Users, context.RequestAborted);
        switch (isAccepted)
        {
            case true:
                if (config.Users.Count > 0 || HasVerifiedCertificate(context))
                {
                    context.Features.Set(new LoginAccess.AuthenticatedFeature());
                }
                await next(context);
                break;
            case false:
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
                context.Response.Headers.WWWAuthenticate = "Basic realm=\"exporter\", charset=\"UTF-8\"";
                break;
            case null:
                context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
                context.Response.Headers.RetryAfter = "1";
                break;
        }
    }

    /// <summary>By the initial configuration: no connection is older, and a later one never verifies less.</summary>
    private bool HasVerifiedCertificate(HttpContext context) =>
        live.Initial.Tls is { ClientAuthentication: >= ClientAuthentication.VerifyClientCertIfGiven }
        && context.Connection.ClientCertificate is not null;
}
