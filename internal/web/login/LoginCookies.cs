using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;
using Secret = Exporter.Tokens.Secret;

namespace Exporter.Web;

/// <summary>A login by redirect that this browser started.</summary>
internal sealed record PendingLogin(string Account, AuthorizationRequest Request, DateTimeOffset Deadline);

/// <summary>
/// Stores a started login in a cookie, encrypted with a key that lives as long as the process, unless replicas share one. The server stores
/// nothing for a login that is never finished. There is one cookie per account, so that their number is bounded. A finished login keeps its
/// cookie, so that a repeat of its response is recognized. Safe for concurrent use.
/// </summary>
internal sealed class LoginCookies(
    IDataProtectionProvider protection, IAccountDirectory accounts, ExternalUrl external, TimeProvider time, ISharedAccounts? shared = null)
{
    private const int MaxUsed = 1000;
    private const string Required = "required";
    private const string Purpose = "login";

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly Lock gate = new();
    private readonly Dictionary<string, DateTimeOffset> used = [];

    public void Set(HttpContext context, Account account, AuthorizationRequest request)
    {
        var deadline = (time.GetUtcNow() + Lifetime).UtcTicks.ToString(CultureInfo.InvariantCulture);
        string[] parts =
        [
            request.State.Reveal(), request.Verifier?.Reveal() ?? "", request.RedirectUri.OriginalString, deadline,
            request.IsIssuerRequired ? Required : "", request.Issuer ?? "", accounts.IdentityOf(account), account.Name,
        ];
        var name = NameFor(Purpose, account, external);
        context.Response.Cookies.Append(name, Protector(name).Protect(string.Join('\n', parts)), Options());
    }

    /// <summary>The login that this browser started for the account; null if there is none, or another process encrypted the cookie.</summary>
    public PendingLogin? Find(HttpContext context, Account account)
    {
        var name = NameFor(Purpose, account, external);
        return Read(name, context.Request.Cookies[name]) is { } read && read.Identity == accounts.IdentityOf(account) ? read.Login : null;
    }

    /// <summary>The name of the account whose login with this state the browser started; null if there is none.</summary>
    public string? FindAccount(HttpContext context, Secret? state) => context.Request.Cookies
        .Where(cookie => cookie.Key.StartsWith(PrefixFor(Purpose, external), StringComparison.Ordinal))
        .Select(cookie => Read(cookie.Key, cookie.Value)?.Login)
        .FirstOrDefault(login => login?.Request.State.Equals(state) == true)?.Account;

    private (PendingLogin Login, string Identity)? Read(string name, string? text)
    {
        if (text is not { Length: < 4096 })
        {
            return null;
        }
        try
        {
            // The account is last, because no other part can contain a newline.
            var parts = Protector(name).Unprotect(text).Split('\n', 8);
            var redirect = new Uri(parts[2]);
            // The cookie does not store the authorization URL, which is no longer needed.
            var issuer = parts[5].Length > 0 ? parts[5] : null;
            var request = new AuthorizationRequest(redirect, new Secret(parts[0]), Secret.From(parts[1]), redirect, issuer, parts[4] == Required);
            var deadline = new DateTimeOffset(long.Parse(parts[3], CultureInfo.InvariantCulture), TimeSpan.Zero);
            return (new PendingLogin(parts[7], request, deadline), parts[6]);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Marks the login as used; false if it was used before, here or on another replica.</summary>
    public async ValueTask<bool> TryUseAsync(PendingLogin login, CancellationToken cancellationToken)
    {
        // First, so that the login can finish later if the database cannot be reached now.
        if (shared is not null && !await shared.UseLinkAsync($"login {Hash(login)}", login.Deadline, cancellationToken))
        {
            return false;
        }
        lock (gate)
        {
            foreach (var expired in used.Where(u => u.Value <= time.GetUtcNow()).Select(u => u.Key).ToList())
            {
                used.Remove(expired);
            }
            if (used.Count >= MaxUsed)
            {
                // A client that fills the list uses its own logins, and the provider accepts the code of a forgotten one only once anyway.
                used.Remove(used.MinBy(u => u.Value).Key);
            }
            return used.TryAdd(Hash(login), login.Deadline);
        }
    }

    public bool IsUsed(PendingLogin login)
    {
        lock (gate)
        {
            return used.ContainsKey(Hash(login));
        }
    }

    private static string Hash(PendingLogin login) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(login.Request.State.Reveal())));

    /// <summary>A name for a cookie of the account. It stays the same when a reload adds or removes other accounts.</summary>
    internal static string NameFor(string purpose, Account account, ExternalUrl external) =>
        PrefixFor(purpose, external) + AccountKey.Of(account);

    private static string PrefixFor(string purpose, ExternalUrl external) => $"{(external.IsHttps ? "__Host-" : "")}exporter-{purpose}-";

    /// <summary>
    /// The purpose makes the cookie of one account invalid for another. The identity in it does so for one that replaces the account under the
    /// same name.
    /// </summary>
    private IDataProtector Protector(string cookie) => protection.CreateProtector(cookie);

    // Lax: the provider returns the browser by a link, and with Strict the browser would not send the cookie.
    private CookieOptions Options() =>
        new() { HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = external.IsHttps, Path = "/", MaxAge = Lifetime };
}
