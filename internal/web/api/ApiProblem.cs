using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;

namespace Exporter.Web;

/// <summary>A problem document (RFC 9457). Its type is about:blank, so its title is that of the status.</summary>
/// <param name="Code">Identifies the problem for programs.</param>
/// <param name="Detail">What is wrong and the fix, in one sentence with a full stop.</param>
internal sealed record ApiProblem(int Status, string Code, string Detail) : IResult
{
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The value of the header <c>WWW-Authenticate</c>.</summary>
    public string? Challenge { get; init; }

    public ProblemBody Body => new(ReasonPhrases.GetReasonPhrase(Status), Status, Detail, Code);

    public static ApiProblem NoAccount { get; } = new(
        StatusCodes.Status404NotFound, "no_account", "There is no account of that name; list the accounts with GET /api/accounts.");

    public static ApiProblem Unavailable(StoreUnavailableException e) => new(
        StatusCodes.Status503ServiceUnavailable, "store_unavailable",
        $"The database of the accounts cannot be reached ({Sanitize.Line(e.Reason)}); send the request again later.")
    {
        RetryAfter = e.RetryAfter,
    };

    public static ApiProblem Of(SharedAccountProblem problem) => problem switch
    {
        SharedAccountProblem.NameTaken => new(StatusCodes.Status409Conflict, "name_taken",
            "There is an account of that name already; choose another name, or delete that account first."),
        SharedAccountProblem.UnknownTemplate(var templates) => new(StatusCodes.Status422UnprocessableEntity, "unknown_template",
            $"The configuration has no such template; use one of: {string.Join(", ", templates)}."),
        SharedAccountProblem.InvalidName(var reason) => new(StatusCodes.Status422UnprocessableEntity, "invalid_name",
            $"The name cannot be used: {reason}."),
        _ => throw new ArgumentOutOfRangeException(nameof(problem)),
    };

    public static ApiProblem Malformed(string sentence) => new(StatusCodes.Status400BadRequest, "malformed", sentence);

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var headers = httpContext.Response.Headers;
        headers.CacheControl = "no-store";
        if (RetryAfter is { } wait)
        {
            headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }
        if (Challenge is not null)
        {
            headers.WWWAuthenticate = Challenge;
        }
        return TypedResults.Json(Body, ApiJson.Default.ProblemBody, "application/problem+json", Status).ExecuteAsync(httpContext);
    }
}
