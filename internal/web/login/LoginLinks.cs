namespace Exporter.Web;

/// <summary>
/// Exchanges a one-time link for a cookie that permits the browser to log in one account, once. Safe for concurrent use.
/// </summary>
/// <param name="shared">Signs the links of all replicas; null for the key in the state directory.</param>
internal sealed class LoginLinks(
    IAccountDirectory accounts, ILinkTickets tickets, WebOptions options, ExternalUrl external, TimeProvider time, SharedKey? shared = null)
{
    /// <summary>The command derives it without settings.</summary>
    private const string DefaultUrl = "http://127.0.0.1:9210";

    private const int MaxTicket = 1000;

    /// <summary>Ten minutes for the login, and ten to confirm it.</summary>
    private static readonly TimeSpan TicketLifetime = TimeSpan.FromMinutes(20);

    /// <summary>Creates a link. Does not create a default state directory, because the user did not ask for it.</summary>
    public Result<Uri, string> Create(string account) =>
        shared is not null ? LoginLink.Create(shared, external.Text, account, time)
        : options.IsStateDirectoryConfigured || Directory.Exists(options.StateDirectory)
            ? LoginLink.Create(options.StateDirectory, external.Text, account, time)
            : "there is no state directory; set --state-folder to a directory that the exporter can write";

    /// <summary>The arguments that print a link for this exporter, with the settings that its environment does not contain.</summary>
    public string CommandFor(Account account)
    {
        var path = options.StateDirectory.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_')
            ? options.StateDirectory
            : $"'{options.StateDirectory.Replace("'", @"'\''", StringComparison.Ordinal)}'";
        var directory = options.IsStateDirectoryInEnvironment ? "" : $" --state-folder {path}";
        var url = options.IsExternalUrlInEnvironment || external.Text == DefaultUrl ? "" : $" --external-url {external.Text}";
        return $"login-link {account.Name}{directory}{url}";
    }

    /// <summary>Uses a link and sets the cookie. Null if the link is invalid, expired or used.</summary>
    public async Task<Account?> RedeemAsync(HttpContext context)
    {
        var (query, now) = (context.Request.Query, time.GetUtcNow());
        var verified = shared is null ? LoginLink.Verify(options.StateDirectory, query, now) : LoginLink.Verify(shared, query, now);
        if (verified is not var (name, id, until) || await accounts.FindAsync(name, context.RequestAborted) is not { } account
            || await tickets.IssueAsync(id, until, name, TicketLifetime, context.RequestAborted) is not { } ticket)
        {
            return null;
        }
        context.Response.Cookies.Append(CookieOf(account), ticket, Options());
        return account;
    }

    /// <summary>The browser's permission for the account; null if it has none.</summary>
    public async ValueTask<string?> FindTicketAsync(HttpContext context, Account account) =>
        context.Request.Cookies[CookieOf(account)] is { Length: < MaxTicket } ticket
        && await tickets.IsValidAsync(ticket, account.Name, context.RequestAborted) ? ticket : null;

    /// <summary>Ends a permission after the login.</summary>
    public ValueTask SpendAsync(LoginPermission permission) => permission.Ticket is { } ticket ? tickets.SpendAsync(ticket) : default;

    private string CookieOf(Account account) => LoginCookies.NameFor("link", account, external);

    // Lax: the provider returns the browser by a link, and with Strict the browser would not send the cookie.
    private CookieOptions Options() =>
        new() { HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = external.IsHttps, Path = "/", MaxAge = TicketLifetime };
}
