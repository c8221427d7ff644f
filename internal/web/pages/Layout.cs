using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Exporter.Web;

/// <summary>The frame of every page for people, and its style, script and icon, which come from nowhere but here.</summary>
internal static class Layout
{
    /// <summary>With a new build the addresses are new, so that no browser keeps an old style.</summary>
    private static readonly string Stamp = BuildInfo.Current.Commit is { Length: >= 8 } commit ? commit[..8] : BuildInfo.Current.Version;

    /// <param name="root">The way from the page to the root, <c>""</c> or <c>../</c>: links are relative, so that a proxy may put the exporter below a path.</param>
    /// <param name="refresh">Seconds after which the page is loaded again; null for one that stays as it is.</param>
    public static Html Page(string title, string root, Html body, int? refresh = null) => $"""
        <!DOCTYPE html>
        <html lang="en"{(refresh is { } seconds ? (Html)$" data-refresh=\"{seconds}\"" : Html.Nothing)}>
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{title}</title>
        <link rel="icon" type="image/svg+xml" href="{root}assets/icon.svg?{Stamp}">
        <link rel="stylesheet" href="{root}assets/exporter.css?{Stamp}">
        {(refresh is { } again ? (Html)$"<noscript><meta http-equiv=\"refresh\" content=\"{again}\"></noscript><script src=\"{root}assets/exporter.js?{Stamp}\" defer></script>" : Html.Nothing)}
        </head>
        <body>
        <a class="skip" href="#content">Skip to the content</a>
        <header><a class="home" href="{(root.Length > 0 ? root : "./")}">Exporter</a></header>
        <main id="content">
        {body}
        </main>
        </body>
        </html>

        """;

    /// <summary>A page that says one thing: what happened, and what to do about it.</summary>
    public static Html Sentence(string title, string root, string sentence, Html remedy) => Page($"{title} · Exporter", root, $"""
        <section class="card narrow">
        <h1>{title}</h1>
        <p>{sentence}</p>
        {remedy}
        <p><a class="button plain" href="{(root.Length > 0 ? root : "./")}">All accounts</a></p>
        </section>
        """);

    public static IResult Result(int status, Html page) => new PageResult(status, page);

    public static void MapAssets(this IEndpointRouteBuilder routes)
    {
        var assets = routes.MapGroup("/assets");
        foreach (var (name, type) in new[] { ("exporter.css", "text/css; charset=utf-8"), ("exporter.js", "text/javascript; charset=utf-8"), ("icon.svg", "image/svg+xml") })
        {
            var content = Embedded(name);
            assets.MapMethods(name, [HttpMethods.Get, HttpMethods.Head], (HttpResponse response) =>
            {
                response.Headers.CacheControl = "public, max-age=31536000, immutable";
                return TypedResults.Bytes(content, type);
            });
        }
    }

    private static byte[] Embedded(string name)
    {
        using var stream = typeof(Layout).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return Encoding.UTF8.GetBytes(reader.ReadToEnd());
    }

    private sealed class PageResult(int status, Html page) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = status;
            httpContext.Response.ContentType = "text/html; charset=utf-8";
            httpContext.Response.Headers.CacheControl = "no-store";
            return httpContext.Response.WriteAsync(page.ToString(), httpContext.RequestAborted);
        }
    }
}
