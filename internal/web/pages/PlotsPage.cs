namespace Exporter.Web;

/// <summary>
/// The plots of one account. The script of the start page loads them when a user unfolds them, and without scripts it is a page of its own.
/// </summary>
internal sealed class PlotsPage(IAccountDirectory accounts, History history, TimeProvider time)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapMethods(
        "/plots", [HttpMethods.Get, HttpMethods.Head],
        (HttpContext context, string? account, int? offset) => RenderAsync(account, offset, context.RequestAborted));

    /// <param name="offset">The browser's time zone in minutes east of UTC; null for the machine's.</param>
    private async Task<IResult> RenderAsync(string? name, int? offset, CancellationToken cancellationToken)
    {
        if (await accounts.FindAsync(name ?? "", cancellationToken) is not { } account)
        {
            return AccountRequests.Unknown("");
        }
        var zone = offset is >= -14 * 60 and <= 14 * 60 and var minutes
            ? TimeZoneInfo.CreateCustomTimeZone("browser", TimeSpan.FromMinutes(minutes), null, null)
            : time.LocalTimeZone;
        var clock = new Clock(time.GetUtcNow(), zone);
        var plots = Plot.Of(history.Of(account), clock).ToList();
        Html content = plots.Count == 0 ? (Html)$"<p>There are no readings to plot yet.</p>" : $"<div class=\"plots\">{plots}</div>";
        return Layout.Page(StatusCodes.Status200OK, $"{account.Name} · Exporter", "", $"""
            <h1>{account.Name}: the last 24 hours</h1>
            {content}
            <footer>Times in {clock.ZoneName}. <a href="./">All accounts</a></footer>
            """);
    }
}
