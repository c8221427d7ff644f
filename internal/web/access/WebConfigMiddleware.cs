using Microsoft.AspNetCore.Http;

namespace Exporter.Web;

/// <summary>What the web configuration file asks of every request, in exporter-toolkit's order: rate limit, headers, authentication.</summary>
internal sealed class WebConfigMiddleware(LiveWebConfig live, TimeProvider time)
{
    private readonly BasicAuthentication authentication = new();
    private readonly RateLimit? limit = live.Initial.RateLimit is { } rate ? new RateLimit(rate.Interval, rate.Burst, time) : null;

    public async Task PassAsync(HttpContext context, RequestDelegate next)
    {
        if (limit?.TryTake() == false)
        {
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            return;
        }
        if (live.Current() is not { } config)
        {
            // Fail closed; why, the log says, and not to a stranger.
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return;
        }
        foreach (var (name, value) in config.Headers)
        {
            context.Response.Headers[name] = value;
        }
        if (config.Users.Count > 0 && !await authentication.AcceptsAsync(context.Request.Headers.Authorization, config.Users, context.RequestAborted))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"exporter\", charset=\"UTF-8\"";
            return;
        }
        await next(context);
    }
}
