namespace Exporter.Web;

/// <summary>The frame of every HTML page, and its style sheet, script and icon. Pages load nothing from other sites.</summary>
internal static class Layout
{
    /// <summary>Part of the assets' addresses, so that browsers load them again after an upgrade.</summary>
    private static readonly string AssetVersion = BuildInfo.Current.Commit is { Length: >= 8 } commit ? commit[..8] : BuildInfo.Current.Version;

    private static readonly (string Name, string Type)[] Assets =
        [("exporter.css", "text/css; charset=utf-8"), ("exporter.js", "text/javascript; charset=utf-8"), ("icon.svg", "image/svg+xml")];

    /// <param name="root">The relative path to the root, <c>""</c> or <c>../</c>: a proxy may serve the exporter below a path.</param>
    /// <param name="refresh">Seconds until the page reloads; null for a static page.</param>
    /// <param name="navigation">Links beside the name of the program.</param>
    public static IResult Page(int status, string title, string root, Html body, int? refresh = null, Html? navigation = null) =>
        new PageResult(status, $"""
        <!DOCTYPE html>
        <html lang="en"{(refresh is { } seconds ? (Html)$" data-refresh=\"{seconds}\"" : null)}>
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{title}</title>
        <link rel="icon" type="image/svg+xml" href="{root}assets/icon.svg?{AssetVersion}">
        <link rel="stylesheet" href="{root}assets/exporter.css?{AssetVersion}">
        {(refresh is { } interval ? Refresh(root, interval) : null)}
        </head>
        <body>
        <a class="skip" href="#content">Skip to the content</a>
        <header><a class="home" href="{(root.Length > 0 ? root : "./")}">Exporter</a>{navigation}</header>
        {(refresh is null ? null : Messages)}
        <main id="content">
        {body}
        </main>
        </body>
        </html>

        """);

    /// <summary>A page with one message: what happened, and what to do next.</summary>
    public static IResult Message(int status, string title, string root, string explanation, Html remedy) =>
        Page(status, $"{title} · Exporter", root, $"""
        <section class="card narrow">
        <h1>{title}</h1>
        <p>{explanation}</p>
        {remedy}
        <p><a class="button plain" href="{(root.Length > 0 ? root : "./")}">All accounts</a></p>
        </section>
        """);

    /// <summary>The links beside the name of the program on the start page.</summary>
    /// <param name="hasStatus">Whether one document has the status of all accounts.</param>
    public static Html Navigation(WebOptions options, bool hasStatus = true) => $"""
        <nav aria-label="Exporter"><a href="{options.TelemetryPath[1..]}">Metrics</a>{(hasStatus ? StatusLink : ApiLink)}<a
        href="-/healthy">Health</a><a href="help">Help</a><a href="version">Version {BuildInfo.Current.Version}</a></nav>
        """;

    private static Html StatusLink => $"<a href=\"api/status\">Status as JSON</a>";

    private static Html ApiLink => $"<a href=\"api/openapi.json\">API</a>";

    public static void MapAssets(this IEndpointRouteBuilder routes)
    {
        foreach (var (name, type) in Assets)
        {
            var content = Embedded(name);
            routes.MapMethods($"/assets/{name}", [HttpMethods.Get, HttpMethods.Head], (HttpResponse response) =>
            {
                response.Headers.CacheControl = "public, max-age=31536000, immutable";
                return TypedResults.Bytes(content, type);
            });
        }
    }

    /// <summary>Empty places for what the script reports: a change of the page, and an exporter that does not respond.</summary>
    private static Html Messages => $"""
        <p class="hidden" id="news" role="status"></p><p class="offline" id="offline" role="alert" hidden></p>
        """;

    private static Html Refresh(string root, int seconds) => $"""
        <noscript><meta http-equiv="refresh" content="{seconds}"></noscript><script src="{root}assets/exporter.js?{AssetVersion}" defer></script>
        """;

    public static byte[] Embedded(string name)
    {
        using var stream = typeof(Layout).Assembly.GetManifestResourceStream(name)!;
        using var reader = new BinaryReader(stream);
        return reader.ReadBytes((int)stream.Length);
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
