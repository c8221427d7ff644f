namespace Exporter.Web;

/// <summary>
/// Redirects the browser. <c>TypedResults.Redirect</c> does not support 303, and logs the address, which may contain the state of a login.
/// </summary>
internal sealed class Redirect(string address, int status = StatusCodes.Status302Found) : IResult
{
    /// <summary>303 See Other, so that a reload does not send a form again and the code leaves the address bar.</summary>
    public static Redirect After(string address) => new(address, StatusCodes.Status303SeeOther);

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = status;
        httpContext.Response.Headers.Location = address;
        httpContext.Response.Headers.CacheControl = "no-store";
        return Task.CompletedTask;
    }
}
