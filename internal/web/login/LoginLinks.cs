using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Exporter.Web;

/// <summary>
/// Exchanges a one-time link for a cookie that permits the browser to log in one account, once. Links that were used, and the permissions of
/// browsers, are kept in memory until they expire. Safe for concurrent use.
/// </summary>
internal sealed class LoginLinks(AccountList accounts, WebOptions options, ExternalUrl external, TimeProvider time)
{
    /// <summary>The command derives it without settings.</summary>
    private const string DefaultUrl = "http://127.0.0.1:9210";

    /// <summary>Ten minutes for the login, and ten to confirm it.</summary>
    private static readonly TimeSpan TicketLifetime = TimeSpan.FromMinutes(20);

    private readonly Lock gate = new();
    private readonly Dictionary<string, DateTimeOffset> used = [];
    private readonly Dictionary<string, (string Account, DateTimeOffset Deadline)> tickets = [];

    /// <summary>Creates a link. Does not create a default state directory, because the user did not ask for it.</summary>
    public Result<Uri, string> Create(Account account) => options.IsStateDirectoryConfigured || Directory.Exists(options.StateDirectory)
        ? LoginLink.Create(options.StateDirectory, external.Text, account.Name, time)
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
    public Account? Redeem(HttpContext context)
    {
        if (LoginLink.Verify(options.StateDirectory, context.Request.Query, time.GetUtcNow()) is not var (name, id, until)
            || accounts.Current.FirstOrDefault(a => a.Name == name) is not { } account)
        {
            return null;
        }
        var ticket = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        lock (gate)
        {
            RemoveExpired();
            if (!used.TryAdd(id, until))
            {
                return null;
            }
            tickets[Hash(ticket)] = (name, time.GetUtcNow() + TicketLifetime);
        }
        context.Response.Cookies.Append(CookieOf(account), ticket, Options());
        return account;
    }

    /// <summary>The browser's permission for the account; null if it has none.</summary>
    public string? FindTicket(HttpContext context, Account account)
    {
        if (context.Request.Cookies[CookieOf(account)] is not { Length: < 100 } ticket)
        {
            return null;
        }
        lock (gate)
        {
            return tickets.TryGetValue(Hash(ticket), out var found) && found.Account == account.Name && found.Deadline > time.GetUtcNow()
                ? ticket
                : null;
        }
    }

    /// <summary>Ends a permission after the login.</summary>
    public void Spend(LoginPermission permission)
    {
        lock (gate)
        {
            tickets.Remove(Hash(permission.Ticket ?? ""));
        }
    }

    private static string Hash(string ticket) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(ticket)));

    private void RemoveExpired()
    {
        var now = time.GetUtcNow();
        foreach (var id in used.Where(u => u.Value <= now).Select(u => u.Key).ToList())
        {
            used.Remove(id);
        }
        foreach (var ticket in tickets.Where(t => t.Value.Deadline <= now).Select(t => t.Key).ToList())
        {
            tickets.Remove(ticket);
        }
    }

    private string CookieOf(Account account) => LoginCookies.NameFor("link", account, external);

    // Lax: the provider returns the browser by a link, and with Strict the browser would not send the cookie.
    private CookieOptions Options() =>
        new() { HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = external.IsHttps, Path = "/", MaxAge = TicketLifetime };
}
