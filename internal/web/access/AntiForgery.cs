using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Exporter.Web;

/// <summary>
/// Ties a form to the browser it was shown in: the field is the keyed hash of a random cookie, and a stranger's page can neither read
/// the one nor send the other. The key lives as long as the process. Safe for concurrent use.
/// </summary>
internal sealed class AntiForgery(ExternalUrl external)
{
    private const string Field = "form";

    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);

    /// <summary>The hidden field; sets the cookie where there is none.</summary>
    public Html FieldFor(HttpContext context)
    {
        var name = Cookie(context);
        if (context.Request.Cookies[name] is not { Length: 43 } cookie)
        {
            cookie = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
            context.Response.Cookies.Append(name, cookie, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = external.IsSecure(context.Request), Path = "/" });
        }
        return $"<input type=\"hidden\" name=\"{Field}\" value=\"{Hash(cookie)}\">";
    }

    public bool Accepts(HttpContext context, IFormCollection form) =>
        context.Request.Cookies[Cookie(context)] is { } cookie
        && form[Field] is [{ } sent]
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(sent), Encoding.UTF8.GetBytes(Hash(cookie)));

    // A name that begins so is taken by browsers only over HTTPS, and from no other host of the same domain.
    private string Cookie(HttpContext context) => (external.IsSecure(context.Request) ? "__Host-" : "") + "exporter-form";

    private string Hash(string cookie) => Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(cookie)));
}
