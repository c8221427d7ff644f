using System.Globalization;

namespace Exporter.Web;

/// <summary>Middleware for the whole program: responds while the database cannot be reached, and describes errors of the API.</summary>
internal static class StoreOutages
{
    public static async Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        var response = context.Response;
        var isApi = ApiPaths.HasKeys(context.Request.Path);
        try
        {
            await next(context);
        }
        catch (StoreUnavailableException e) when (!response.HasStarted)
        {
            var problem = ApiProblem.Unavailable(e);
            response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(e.RetryAfter.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            await (isApi ? problem : Page(context, e)).ExecuteAsync(context);
            return;
        }
        // Routing found no endpoint, or none for the method.
        if (isApi && !response.HasStarted && response is { StatusCode: >= 400, ContentType: null, ContentLength: null })
        {
            var (code, detail) = response.StatusCode == StatusCodes.Status405MethodNotAllowed
                ? ("wrong_method", $"This path does not support the method; use {response.Headers.Allow}.")
                : ("no_path", $"The API has no such path; {ApiPaths.Document} lists all paths.");
            await new ApiProblem(response.StatusCode, code, detail).ExecuteAsync(context);
        }
    }

    private static IResult Page(HttpContext context, StoreUnavailableException e) => Layout.Message(
        StatusCodes.Status503ServiceUnavailable, "The database cannot be reached",
        context.Request.Path.Value!.LastIndexOf('/') > 0 ? "../" : "",
        $"The accounts are in a database that does not respond ({Sanitize.Line(e.Reason)}). Nothing was changed.",
        $"<p>Reload this page later.</p>");
}
