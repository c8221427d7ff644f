namespace Exporter.Web;

/// <summary>The start page of a program with shared accounts: a table of accounts, and one account as a card.</summary>
internal sealed class SharedAccountsPage(
    ISharedAccounts accounts, SharedAccountLists lists, IAccountDirectory directory, AccountCard card, LoginAccess access, Forms forms,
    WebOptions options, TimeProvider time) : IWebPart
{
    private const int RefreshSeconds = 60;
    private const int RefreshSecondsDuringLogin = 3;

    /// <summary>On one page.</summary>
    private const int MaxAccounts = 20;

    /// <summary>A longer text is in no name.</summary>
    private const int MaxFind = SharedAccountName.MaxLength;

    private static readonly (string State, string Text)[] States =
        [("active", "Working"), ("missing", "Without a token"), ("lost", "Login lost"), ("refused", "Credentials rejected")];

    public void Use(IApplicationBuilder app) => app.Use((context, next) => StoreOutages.HandleAsync(context, next));

    public void Map(IEndpointRouteBuilder routes) => routes.MapMethods("/", [HttpMethods.Get, HttpMethods.Head],
        (HttpContext context, string? account, string? find, string? state, string? after, int? from) => string.IsNullOrEmpty(account)
            ? ListAsync(context, Clean(find), States.Any(s => s.State == state) ? state : null, Clean(after))
            : CardAsync(context, account, Math.Max(0, (from ?? 1) - 1)));

    private static string? Clean(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Length > MaxFind ? text[..MaxFind] : text.Trim();

    /// <param name="from">The index of the first reading.</param>
    private async Task<IResult> CardAsync(HttpContext context, string name, int from)
    {
        if (await directory.FindAsync(name, context.RequestAborted) is not { } account)
        {
            return AccountRequests.Unknown("");
        }
        var clock = new Clock(time.GetUtcNow(), time.LocalTimeZone);
        var mayLogIn = await access.OfAsync(context, account) is not null;
        var content = card.Render(account, AccountCondition.Of(account), clock, mayLogIn, forms.Field(context), isOpen: true, from);
        return Layout.Page(StatusCodes.Status200OK, $"{account.Name} · Exporter", "", $"""
            <h1>Account</h1>
            <p><a href="./">All accounts</a></p>
            {content}
            {Footer(clock, clock.Now)}
            """, account.TokenManager.Snapshot.Login is null ? RefreshSeconds : RefreshSecondsDuringLogin,
            Layout.Navigation(options, hasStatus: false));
    }

    private async Task<IResult> ListAsync(HttpContext context, string? find, string? state, string? after)
    {
        var query = new SharedAccountQuery { Find = find, State = state, After = after, Limit = MaxAccounts };
        var (list, outage) = await lists.ReadAsync(query, context.RequestAborted);
        var clock = new Clock(time.GetUtcNow(), time.LocalTimeZone);
        return Layout.Page(StatusCodes.Status200OK, "Exporter", "", $"""
            <h1>Accounts</h1>
            <div id="outage" data-live>{(outage is null ? null : Outage(outage, list, clock))}</div>
            <div id="counts" data-live>{Counts(accounts.Overview, clock)}</div>
            {Search(find, state)}
            <div id="accounts" data-live>{(list is null ? null : Table(list.Page, query, clock))}</div>
            {Footer(clock, list?.At ?? clock.Now)}
            """, RefreshSeconds, Layout.Navigation(options, hasStatus: false));
    }

    private static Html Footer(Clock clock, DateTimeOffset at) =>
        $"<footer id=\"updated\" data-live>Times in <span data-zone>{clock.ZoneName}</span>, updated {clock.At(at)}.</footer>";

    private Html Outage(StoreUnavailableException outage, ReadList? list, Clock clock)
    {
        Html? since = accounts.Overview.Outage is { } known ? (Html)$" since {clock.At(known.Since)}" : null;
        Html shown = list is null ? (Html)$"This part of the list was not read before."
            : $"The list is from {clock.At(list.At)}, {clock.Ago(list.At)}.";
        return $"""
            <div class="notice bad"><p>The database cannot be reached{since}: {Sanitize.Line(outage.Reason)}.</p><p>{shown} The exporter tries again
            automatically. Until then, it renews no token.</p></div>
            """;
    }

    private static Html Counts(SharedOverview overview, Clock clock)
    {
        if (overview.ReadAt is not { } at)
        {
            return $"<p>The accounts were not counted yet.</p>";
        }
        var counts = States.Select(one => (one.State, one.Text, Count: overview.Counts.Where(c => c.State == one.State).Sum(c => c.Accounts)))
            .Where(one => one.Count > 0).Select(one => (Html)$"<li><a href=\"?state={one.State}\">{one.Text}: {Number(one.Count)}</a></li>");
        Html? age = overview.Outage is null ? null : (Html)$" They were counted {clock.Ago(at)}.";
        return $"""
            <p>{Number(overview.Total)} {(overview.Total == 1 ? "account" : "accounts")}.{age}</p><ul class="counts">{counts}</ul>
            """;
    }

    private static Html Search(string? find, string? state) => $"""
        <form class="search" method="get"><label for="find">Name</label><input type="text" id="find" name="find" value="{find}" spellcheck="false"
        autocapitalize="none"><label for="state">State</label><select id="state" name="state"><option value="">Any</option>{States.Select(one =>
            (Html)$"<option value=\"{one.State}\"{(one.State == state ? (Html)$" selected" : null)}>{one.Text}</option>")}</select><button
        class="plain">Find</button></form>
        """;

    private static Html Table(SharedAccountPage page, SharedAccountQuery query, Clock clock)
    {
        var isPart = query.Find is not null || query.State is not null;
        Html? found = !isPart ? null : (Html)$"""
            <p>{Number(page.Total)}{(page.IsTotalCapped ? " or more" : "")} found. <a href="./">Show all</a></p>
            """;
        if (page.Accounts.Count == 0)
        {
            return $"{found}<p>{(isPart ? "There is no such account." : "There is no account here. Make one with POST /api/accounts.")}</p>";
        }
        return $"""
            {found}
            <div class="wide" role="region" aria-label="List of accounts" tabindex="0"><table class="accounts">
            <thead><tr><th scope="col">Name</th><th scope="col">Template</th><th scope="col">State</th><th scope="col">Next renewal</th></tr></thead>
            <tbody>{page.Accounts.Select(account => Row(account, clock))}</tbody>
            </table></div>
            {Paging(page, query)}
            """;
    }

    private static Html Row(SharedAccount account, Clock clock)
    {
        var kind = account.Status.Condition switch { "problem" => "bad", "warning" => "warn", _ => "good" };
        Html? next = account.Status.NextRenewal is { } at ? clock.Until(at) : (Html)$"–";
        return $"""
            <tr><th scope="row"><a href="?account={Uri.EscapeDataString(account.Name)}">{account.Name}</a></th><td>{account.Template}</td><td><span
            class="state {kind}">{account.Status.Summary}</span></td><td>{next}</td></tr>
            """;
    }

    private static Html? Paging(SharedAccountPage page, SharedAccountQuery query)
    {
        var filter = (query.Find is { } find ? $"find={Uri.EscapeDataString(find)}&" : "") + (query.State is { } state ? $"state={state}&" : "");
        Html? first = query.After is null ? null : (Html)$"<a href=\"?{filter}\">First accounts</a>";
        Html? next = page.Next is null ? null : (Html)$"<a href=\"?{filter}after={Uri.EscapeDataString(page.Next)}\">Next accounts</a>";
        return first is null && next is null ? null : (Html)$"<nav class=\"pages\" aria-label=\"Pages\"><p>{first} {next}</p></nav>";
    }

    private static string Number(long number) => number.ToString("#,0", System.Globalization.CultureInfo.InvariantCulture);
}
