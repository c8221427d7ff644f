using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Exporter.Sandbox;

/// <summary>Credentials in the Authorization header, and client authentication.</summary>
internal static class ClientCredentials
{
    /// <summary>RFC 6749 section 2.3: exactly one method. Null if the authentication fails.</summary>
    public static RegisteredClient? Authenticate(HttpRequest request, Func<string, string?> field, AuthorizationServer authorization)
    {
        var (id, secret) = (field("client_id"), field("client_secret"));
        if (request.Headers.Authorization.Count > 0)
        {
            // RFC 6749 section 2.3: a client must not use more than one method in a request.
            if (secret is not null || Basic(request) is not (var user, var password))
            {
                return null;
            }
            // RFC 6749 section 2.3.1: both parts are form-encoded before they are joined.
            (var inForm, id, secret) = (id, WebUtility.UrlDecode(user), WebUtility.UrlDecode(password));
            if (inForm is not null && inForm != id)
            {
                return null;
            }
        }
        return authorization.Client(id) is { } client && client.Secret == secret ? client : null;
    }

    /// <summary>The user and the password of HTTP Basic (RFC 7617 section 2), or null.</summary>
    public static (string User, string Password)? Basic(HttpRequest request)
    {
        if (!AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var header)
            || !header.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }
        var bytes = new byte[header.Parameter?.Length ?? 0];
        if (!Convert.TryFromBase64String(header.Parameter ?? "", bytes, out var length))
        {
            return null;
        }
        return Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2) is [var user, var password] ? (user, password) : null;
    }
}
