using System.Security.Cryptography;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;

namespace Exporter.Sandbox;

/// <summary>The request of a device, which a user can approve by its user code.</summary>
internal sealed record DeviceRequest(string ClientId, IReadOnlyList<string> Scope, string? Challenge);

/// <summary>The response to a device that polls (RFC 8628 section 3.5).</summary>
internal abstract record DeviceOutcome
{
    private DeviceOutcome() { }

    internal sealed record Approved(DeviceRequest Request) : DeviceOutcome;

    /// <param name="Error">authorization_pending, slow_down, access_denied, expired_token or invalid_grant.</param>
    internal sealed record Rejected(string Error) : DeviceOutcome;
}

/// <summary>The device authorization endpoint of RFC 8628, and the page where users type the code. Thread-safe.</summary>
/// <param name="interval">A device that polls faster gets <c>slow_down</c>, and must then wait five seconds longer.</param>
internal sealed class DeviceEndpoint(string provider, TimeProvider time, TimeSpan interval)
{
    /// <summary>Without vowels and similar characters (section 6.1).</summary>
    private const string Alphabet = "BCDFGHJKLMNPQRSTVWXZ";

    private readonly Lock gate = new();
    private readonly Dictionary<string, Pending> byDevice = [];

    public (string DeviceCode, string UserCode) Begin(DeviceRequest request, TimeSpan lifetime)
    {
        lock (gate)
        {
            var (device, user) = (RandomNumberGenerator.GetHexString(40, lowercase: true), RandomNumberGenerator.GetString(Alphabet, 8));
            byDevice[device] = new Pending(request, user, time.GetUtcNow() + lifetime, interval);
            return (device, user);
        }
    }

    public DeviceOutcome Poll(string deviceCode, string clientId, string? verifier)
    {
        lock (gate)
        {
            if (!byDevice.TryGetValue(deviceCode, out var pending) || pending.Request.ClientId != clientId || pending.Used)
            {
                return new DeviceOutcome.Rejected("invalid_grant");
            }
            var now = time.GetUtcNow();
            if (pending.Expiry <= now)
            {
                return new DeviceOutcome.Rejected("expired_token");
            }
            if (now - pending.Polled < pending.Interval)
            {
                pending.Interval += TimeSpan.FromSeconds(5);
                pending.Polled = now;
                return new DeviceOutcome.Rejected("slow_down");
            }
            pending.Polled = now;
            switch (pending.Decision)
            {
                case null:
                    return new DeviceOutcome.Rejected("authorization_pending");
                case false:
                    return new DeviceOutcome.Rejected("access_denied");
                case true when !AuthorizationServer.IsPkceValid(verifier, pending.Request.Challenge):
                    return new DeviceOutcome.Rejected("invalid_grant");
                case true:
                    pending.Used = true;
                    return new DeviceOutcome.Approved(pending.Request);
            }
        }
    }

    /// <summary>Approves or refuses a request; false if there is no such code.</summary>
    public bool Decide(string userCode, bool approve)
    {
        lock (gate)
        {
            var typed = new string([.. userCode.Where(char.IsAsciiLetter)]).ToUpperInvariant();
            if (byDevice.Values.FirstOrDefault(p => p.UserCode == typed && p.Decision is null && p.Expiry > time.GetUtcNow()) is not { } pending)
            {
                return false;
            }
            pending.Decision = approve;
            return true;
        }
    }

    public ProviderResponse Show(IQueryCollection query) => Page(200, $"""
        <form method="post" action="?">
        <label>Code <input name="user_code" autofocus value="{HtmlEncoder.Default.Encode(query["user_code"].ToString())}"></label>
        <button name="decision" value="accept">Accept</button>
        <button name="decision" value="refuse">Refuse</button>
        </form>
        """);

    public ProviderResponse Submit(IFormCollection? form) => form is null || !Decide(form["user_code"].ToString(), form["decision"] == "accept")
        ? Page(400, "<p>There is no such code, or it was used or has expired. <a href=\"?\">Type it again</a></p>")
        : Page(200, "<p>Thank you. You can go back to your device.</p>");

    private ProviderResponse Page(int status, string body) => ProviderResponse.Html(status,
        $$"""
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{provider}} (sandbox)</title>
        <style>body{font:16px/1.5 system-ui;max-width:26rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}
        button,input{font:inherit;padding:.4rem 1rem}</style>
        </head><body><h1>{{provider}} (sandbox)</h1>
        {{body}}
        </body></html>

        """).With("Cache-Control", "no-store").With("Referrer-Policy", "no-referrer").With("X-Frame-Options", "DENY");

    private sealed class Pending(DeviceRequest request, string userCode, DateTimeOffset expiry, TimeSpan interval)
    {
        public DeviceRequest Request { get; } = request;
        public string UserCode { get; } = userCode;
        public DateTimeOffset Expiry { get; } = expiry;
        public TimeSpan Interval { get; set; } = interval;
        public DateTimeOffset? Polled { get; set; }
        public bool? Decision { get; set; }
        public bool Used { get; set; }
    }
}
