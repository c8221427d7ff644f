using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using Exporter.Sources;
using Exporter.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Web;

/// <summary>The page for people: the state of every account and what to do next.</summary>
internal static class StatusPage
{
    public static void MapStatus(this IEndpointRouteBuilder routes, IReadOnlyList<Account> accounts, string telemetryPath, BuildInfo build, TimeProvider time) =>
        routes.MapMethods("/", [HttpMethods.Get, HttpMethods.Head], context =>
        {
            context.Response.ContentType = "text/html; charset=utf-8";
            return context.Response.WriteAsync(Render(accounts, telemetryPath, build, time.GetUtcNow()), context.RequestAborted);
        });

    private static string Render(IReadOnlyList<Account> accounts, string telemetryPath, BuildInfo build, DateTimeOffset now)
    {
        var page = new StringBuilder("""
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>Exporter</title>
            <h1>Exporter</h1>
            <table>
            <tr><th>Account<th>Source<th>State<th>What to know</tr>

            """);
        foreach (var account in accounts)
        {
            page.Append(CultureInfo.InvariantCulture,
                $"<tr><td>{Html(account.Name)}<td>{Html(account.Source)}<td>{AccountMetrics.NameOf(account.Keeper.Snapshot.State)}<td>{Html(Explain(account, now))}</tr>\n");
        }
        page.Append(CultureInfo.InvariantCulture, $"</table>\n<p><a href=\"{Html(telemetryPath)}\">Metrics</a> · <a href=\"/version\">Version {Html(build.Version)}</a></p>\n</html>\n");
        return page.ToString();
    }

    private static string Explain(Account account, DateTimeOffset now) => account.Keeper.Snapshot.State switch
    {
        TokenState.Missing => "There is no token: put a token file with a refresh token in its place.",
        TokenState.Active { Held: var token } => $"The token is good{(token.ExpiresAt is { } end ? $" for {(end - now).TotalMinutes:0} minutes" : "")}. {account.Feed?.Status.Failure?.Reason}",
        TokenState.Refused(_, var reason, _) => $"{reason}. Mend the configuration and start again.",
        TokenState.Lost(_, var reason, _) => $"The login is lost: {reason}. Put a token file with a new refresh token in its place.",
        _ => throw new InvalidOperationException("a token has no other state"),
    };

    private static string Html(string text) => HtmlEncoder.Default.Encode(text);
}
