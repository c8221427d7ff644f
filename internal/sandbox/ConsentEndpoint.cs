using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;

namespace Exporter.Sandbox;

/// <summary>
/// The authorization endpoint of RFC 6749 section 3.1, with the page where the user accepts or refuses. The request stays on the server: the
/// page contains only a single-use ID, so that its fields cannot be forged.
/// </summary>
/// <param name="scopes">The scopes that a client may request. Null means any scope, and none.</param>
/// <param name="malformedRedirect">The response to a redirect URI that is not a URI.</param>
/// <param name="scopeSeparator">A space (RFC 6749 section 3.3), or another separator of a provider.</param>
/// <param name="requiresPkce">Whether a request without a challenge is an error (RFC 7636 section 4.4.1).</param>
internal sealed class ConsentEndpoint(
    string provider, string user, IReadOnlyList<string>? scopes, AuthorizationServer authorization, TimeProvider time,
    ProviderResponse malformedRedirect, char scopeSeparator = ' ', bool requiresPkce = false)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, Pending> pending = [];

    public ProviderResponse Show(IQueryCollection query)
    {
        if (query.Any(parameter => parameter.Value.Count != 1))
        {
            return ErrorPage(400, "A parameter was sent twice: invalid_request.");
        }
        string? Parameter(string name) => query.TryGetValue(name, out var value) ? value.ToString() : null;

        if (authorization.Client(Parameter("client_id")) is not { } client)
        {
            return ErrorPage(400, "No application has this client id: invalid_client.");
        }
        var redirectUri = Parameter("redirect_uri");
        if (!Uri.TryCreate(redirectUri, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https"))
        {
            return malformedRedirect;
        }
        var state = Parameter("state");
        if (!client.RedirectUris.Contains(redirectUri))
        {
            // RFC 6749 section 4.1.2.1: never redirect to the requested address, which can belong to an attacker.
            return client.RedirectUris is [var registered, ..]
                ? RedirectBack(302, registered, "error", "redirect_uri_mismatch", state)
                : ErrorPage(400, "The application has no redirect URI: redirect_uri_mismatch.");
        }
        var scope = Parameter("scope")?.Split(scopeSeparator, StringSplitOptions.RemoveEmptyEntries) ?? [];
        var challenge = Parameter("code_challenge");
        var error = Parameter("response_type") switch
        {
            null => "invalid_request",
            not "code" => "unsupported_response_type",
            _ when client.GrantTypes?.Contains("authorization_code") == false => "unauthorized_client",
            _ when scopes is not null && (scope.Length == 0 || scope.Except(scopes).Any()) => "invalid_scope",
            _ when challenge is null && requiresPkce => "invalid_request",
            // RFC 7636 section 4.3: a missing method means "plain", which RFC 9700 section 2.1.1 advises against.
            _ when challenge is not null && (Parameter("code_challenge_method") != "S256" || challenge.Length != 43) => "invalid_request",
            _ when challenge is null && query.ContainsKey("code_challenge_method") => "invalid_request",
            _ => null,
        };
        if (error is not null)
        {
            return RedirectBack(302, redirectUri, "error", error, state);
        }
        var id = RandomNumberGenerator.GetHexString(32, lowercase: true);
        pending[id] = new Pending(new CodeGrant(client.Id, user, scope, redirectUri, challenge), state, time.GetUtcNow() + Lifetime);
        return Page(200, Question(client.Id, scope, id));
    }

    public ProviderResponse Decide(IFormCollection? form)
    {
        if (form is null || !pending.TryRemove(form["consent"].ToString(), out var request) || request.Expiry <= time.GetUtcNow())
        {
            return ErrorPage(400, "This page was submitted before, or has expired. Start the login again.");
        }
        var (grant, state, _) = request;
        return form["decision"].ToString() switch
        {
            // RFC 9700 section 4.12: 303, so that the browser does not send the form to the client.
            "accept" => RedirectBack(303, grant.RedirectUri, "code", authorization.IssueCode(grant), state),
            _ => RedirectBack(303, grant.RedirectUri, "error", "access_denied", state),
        };
    }

    private static ProviderResponse RedirectBack(int status, string redirectUri, string name, string value, string? state)
    {
        var separator = redirectUri.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        var returned = state is null ? "" : $"&state={Uri.EscapeDataString(state)}";
        return ProviderResponse.Redirect(status, $"{redirectUri}{separator}{name}={Uri.EscapeDataString(value)}{returned}")
            .With("Cache-Control", "no-store");
    }

    private ProviderResponse ErrorPage(int status, string sentence) => Page(status, $"<p>{HtmlEncoder.Default.Encode(sentence)}</p>");

    private static string Question(string clientId, string[] scope, string id) =>
        $"""
        <p>The application <b>{HtmlEncoder.Default.Encode(clientId)}</b> asks for:</p>
        <ul>{string.Concat(scope.Select(s => $"<li>{HtmlEncoder.Default.Encode(s)}</li>"))}</ul>
        <form method="post" action="?">
        <input type="hidden" name="consent" value="{id}">
        <button name="decision" value="accept">Accept</button>
        <button name="decision" value="refuse">Refuse</button>
        </form>
        """;

    private ProviderResponse Page(int status, string body) => ProviderResponse.Html(status,
        $$"""
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{provider}} (sandbox)</title>
        <style>body{font:16px/1.5 system-ui;max-width:26rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}
        button{font:inherit;padding:.4rem 1rem}</style>
        </head><body><h1>{{provider}} (sandbox)</h1>
        {{body}}
        </body></html>

        """).With("Cache-Control", "no-store").With("Referrer-Policy", "no-referrer").With("X-Frame-Options", "DENY");

    private sealed record Pending(CodeGrant Grant, string? State, DateTimeOffset Expiry);
}
