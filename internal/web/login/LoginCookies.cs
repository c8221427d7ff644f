using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Exporter.Tokens;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Secret = Exporter.Tokens.Secret;

namespace Exporter.Web;

/// <summary>A login by redirect that was begun in this browser.</summary>
internal sealed record BegunLogin(string Account, AuthorizationRequest Request, DateTimeOffset Deadline);

/// <summary>
/// Keeps the start of a login in the browser that began it, encrypted with a key that lives as long as the process: the server stores
/// nothing for a login that is never finished. One cookie per account, so that their number is bounded. Safe for concurrent use.
/// </summary>
internal sealed class LoginCookies(IDataProtectionProvider protection, ExternalUrl external, TimeProvider time)
{
    private const int MostSpent = 1000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly Lock gate = new();
    private readonly Dictionary<string, DateTimeOffset> spent = [];

    /// <param name="slot">The account's number.</param>
    public void Set(HttpContext context, int slot, string account, AuthorizationRequest request)
    {
        var deadline = (time.GetUtcNow() + Patience).UtcTicks.ToString(CultureInfo.InvariantCulture);
        string[] parts = [request.State.Reveal(), request.Verifier?.Reveal() ?? "", request.RedirectUri.OriginalString, deadline, account];
        context.Response.Cookies.Append(Name(slot), Protector(slot).Protect(string.Join('\n', parts)), Options());
    }

    public void Clear(HttpContext context, int slot) => context.Response.Cookies.Delete(Name(slot), Options());

    /// <summary>The login of this slot that this browser began; null when there is none, or this process did not encrypt it.</summary>
    public BegunLogin? Find(HttpContext context, int slot)
    {
        if (context.Request.Cookies[Name(slot)] is not { Length: < 4096 } text)
        {
            return null;
        }
        try
        {
            // The account is last, because no other part can contain a newline.
            var parts = Protector(slot).Unprotect(text).Split('\n', 5);
            var redirect = new Uri(parts[2]);
            // The address that the browser was sent to is not needed any more.
            var request = new AuthorizationRequest(redirect, new Secret(parts[0]), Secret.From(parts[1]), redirect);
            return new BegunLogin(parts[4], request, new DateTimeOffset(long.Parse(parts[3], CultureInfo.InvariantCulture), TimeSpan.Zero));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Marks the login as used; false when it was used before.</summary>
    public bool Spend(BegunLogin login)
    {
        var print = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(login.Request.State.Reveal())));
        lock (gate)
        {
            foreach (var ended in spent.Where(s => s.Value <= time.GetUtcNow()).Select(s => s.Key).ToList())
            {
                spent.Remove(ended);
            }
            if (spent.Count >= MostSpent)
            {
                // A caller who fills the list uses up logins of their own, and the provider accepts the code of a forgotten one only once anyway.
                spent.Remove(spent.MinBy(s => s.Value).Key);
            }
            return spent.TryAdd(print, login.Deadline);
        }
    }

    private string Name(int slot) => $"{(external.IsHttps ? "__Host-" : "")}exporter-login-{slot}";

    /// <summary>With the name as its purpose, so that the cookie of one account is no cookie of another.</summary>
    private IDataProtector Protector(int slot) => protection.CreateProtector(Name(slot));

    // Lax: the browser comes back from the provider by a link, and Strict would keep the cookie from it.
    private CookieOptions Options() => new() { HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = external.IsHttps, Path = "/", MaxAge = Patience };
}
