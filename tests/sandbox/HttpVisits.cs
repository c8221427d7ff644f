using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Exporter.Sandbox;

namespace Exporter.Tests.Sandbox;

/// <summary>Requests to the stand-ins for any JSON API.</summary>
internal static partial class HttpVisits
{
    // RFC 7636, appendix B.
    public const string Verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    public const string Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    extension(SandboxVisitor visitor)
    {
        public HttpProvider Http => visitor.Sandbox.Http;

        /// <summary>A token request of Depot's public client.</summary>
        public Task<Reply> AppToken(params (string Name, string Value)[] form) =>
            visitor.Post("/depot/oauth/token", [.. form, ("client_id", HttpProvider.AppClientId)]);

        /// <summary>A token request of Depot's service account, with its credentials in the form.</summary>
        public Task<Reply> ServiceToken(params (string Name, string Value)[] form) => visitor.Post(
            "/depot/oauth/token",
            [.. form, ("client_id", HttpProvider.ServiceClientId), ("client_secret", HttpProvider.ServiceClientSecret)]);

        /// <summary>A request with HTTP Basic, whose pair is sent as it is.</summary>
        public Task<Reply> WithBasic(HttpMethod method, string path, string pair, params (string Name, string Value)[] form) =>
            visitor.Send(new HttpRequestMessage(method, path)
            {
                Headers = { Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair))) },
                Content = form.Length == 0 ? null : new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value))),
            });

        /// <summary>A form with an access token.</summary>
        public Task<Reply> PostForm(string token, string path, params (string Name, string Value)[] form) =>
            visitor.Send(new HttpRequestMessage(HttpMethod.Post, path)
            {
                Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
                Content = new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value))),
            });

        /// <summary>Opens the consent page of an issuer and accepts.</summary>
        public async Task<Reply> Accept(string issuer, params (string Name, string Value)[] query)
        {
            var page = await visitor.Get($"{issuer}/authorize?{string.Join('&', query.Select(q => $"{q.Name}={Uri.EscapeDataString(q.Value)}"))}");
            var consent = ConsentId().Match(page.Body);
            return consent.Success
                ? await visitor.Post($"{issuer}/authorize", ("consent", consent.Groups[1].Value), ("decision", "accept"))
                : page;
        }

        /// <summary>The code of an accepted login to Depot's app, with PKCE.</summary>
        public async Task<string> DepotCode() => (await visitor.Accept(
            "/depot/oauth", ("client_id", HttpProvider.AppClientId), ("redirect_uri", SandboxVisitor.Callback), ("response_type", "code"),
            ("scope", "depot.read"), ("state", "s"), ("code_challenge", Challenge), ("code_challenge_method", "S256"))).Location("code")!;

        public Task<Reply> Redeem(string code, string verifier) => visitor.AppToken(
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", SandboxVisitor.Callback), ("code_verifier", verifier));
    }

    extension(Reply reply)
    {
        /// <summary>The status, the code of Depot's error, and the challenge.</summary>
        public (int Status, string Code, string? Challenge) DepotError =>
            ((int)reply.Status, reply.Json.GetProperty("error").GetProperty("code").GetString()!,
                reply.Headers.WwwAuthenticate.SingleOrDefault()?.ToString());

        /// <summary>A member below others, by a path of names and indices with dots.</summary>
        public JsonElement At(string path) => path.Split('.').Aggregate(reply.Json, (node, part) => node.ValueKind == JsonValueKind.Array
            ? node[int.Parse(part, CultureInfo.InvariantCulture)]
            : node.GetProperty(part));
    }

    [GeneratedRegex("name=\"consent\" value=\"([0-9a-f]+)\"")]
    private static partial Regex ConsentId();
}
