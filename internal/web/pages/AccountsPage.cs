namespace Exporter.Web;

/// <summary>The start page: every account, those that need a user first. Waits for nothing.</summary>
internal sealed class AccountsPage(
    AccountList accounts, AccountCard card, LoginAccess access, Forms forms, WebOptions options, TimeProvider time) : IWebPart
{
    private const int RefreshSeconds = 60;
    private const int RefreshSecondsDuringLogin = 3;

    /// <summary>On one page.</summary>
    private const int MaxAccounts = 20;

    /// <summary>More accounts without a problem are folded at first.</summary>
    private const int MaxOpen = 5;

    public void Map(IEndpointRouteBuilder routes) => routes.MapMethods("/", [HttpMethods.Get, HttpMethods.Head],
        (HttpContext context, string? account, string? find, int? from) => RenderAsync(context, account, find, Math.Max(0, (from ?? 1) - 1)));

    /// <param name="name">The only account to show; null for all.</param>
    /// <param name="find">A part of the names of the accounts to show; null for all.</param>
    /// <param name="from">The index of the first account or, for a single one, of its first reading.</param>
    private async Task<IResult> RenderAsync(HttpContext context, string? name, string? find, int from)
    {
        var all = accounts.Current.Select(Entry.Of).ToList();
        var matching = all.Where(a => name is not null ? a.Name == name : find is null || a.Name.Contains(find, StringComparison.OrdinalIgnoreCase))
            .OrderBy(a => a.Rank).ToList();
        var shown = name is null ? matching.Skip(from).Take(MaxAccounts).ToList() : matching;
        var formField = forms.Field(context);
        var clock = new Clock(time.GetUtcNow(), time.LocalTimeZone);
        var cards = new List<Html>();
        foreach (var a in shown)
        {
            var mayLogIn = await access.OfAsync(context, a.Account) is not null;
            var isOpen = matching.Count <= MaxOpen || a.Rank <= Rank.Problem;
            cards.Add(card.Render(a.Account, a.Condition, clock, mayLogIn, formField, isOpen, name is null ? 0 : from));
        }
        var isLoggingIn = all.Exists(a => a.Rank == Rank.LoggingIn);
        return Layout.Page(StatusCodes.Status200OK, Title(all), "", $"""
            <h1>{(all.Count == 1 ? "Account" : "Accounts")}</h1>
            {(all.Count < 2 ? null : Counts(all, name is not null || find is not null))}
            {(all.Count <= MaxAccounts ? null : Search(find))}
            {cards}
            {(shown.Count > 0 ? null : (Html)$"<p>There is no such account.</p>")}
            {(name is null ? Paging(matching.Count, from, find) : null)}
            <footer id="updated" data-live>Times in <span data-zone>{clock.ZoneName}</span>, updated {clock.At(clock.Now)}.</footer>
            """, isLoggingIn ? RefreshSecondsDuringLogin : RefreshSeconds, Layout.Navigation(options));
    }

    /// <summary>The number of problems is in the title, so that a tab in the background shows it.</summary>
    private static string Title(IReadOnlyList<Entry> all) =>
        all.Count(a => a.Condition.Severity == Severity.Problem) is > 0 and var problems ? $"({problems}) Exporter" : "Exporter";

    private static Html Counts(IReadOnlyList<Entry> all, bool isPart)
    {
        var counts = all.GroupBy(a => a.Condition.Text).OrderBy(group => group.Min(a => a.Rank)).Select(group => $"{group.Key}: {group.Count()}");
        Html? link = isPart ? (Html)$" <a href=\"./\">Show all</a>" : null;
        return $"<p id=\"counts\" data-live>{all.Count} accounts. {string.Join(", ", counts)}.{link}</p>";
    }

    private static Html Search(string? find) => $"""
        <form class="search" method="get"><label for="find">Find accounts by name</label><input type="text" id="find" name="find" value="{find}"
        spellcheck="false" autocapitalize="none"><button class="plain">Find</button></form>
        """;

    private static Html? Paging(int count, int from, string? find)
    {
        var query = find is null ? "" : $"find={Uri.EscapeDataString(find)}&";
        Html? previous = from <= 0 ? null : (Html)$"<a href=\"?{query}from={Math.Max(0, from - MaxAccounts) + 1}\">Previous accounts</a>";
        Html? next = from >= count - MaxAccounts ? null
            : (Html)$"And {count - from - MaxAccounts} more accounts. <a href=\"?{query}from={from + MaxAccounts + 1}\">Next accounts</a>";
        return previous is null && next is null ? null : (Html)$"<nav class=\"pages\" aria-label=\"Pages\"><p>{previous} {next}</p></nav>";
    }

    /// <summary>What the page shows first.</summary>
    private enum Rank
    {
        LoggingIn,

        /// <summary>A user must do something.</summary>
        Problem,

        /// <summary>A temporary failure.</summary>
        Warning,

        Good,
    }

    /// <summary>An account with its condition, so that all parts of a page agree.</summary>
    private sealed record Entry(Account Account, AccountCondition Condition, Rank Rank)
    {
        public string Name => Account.Name;

        public static Entry Of(Account account)
        {
            var condition = AccountCondition.Of(account);
            return new Entry(account, condition, condition.Severity switch
            {
                _ when account.TokenManager.Snapshot.Login is not null => Rank.LoggingIn,
                Severity.Problem => Rank.Problem,
                Severity.Warning => Rank.Warning,
                _ => Rank.Good,
            });
        }
    }
}
