using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Exporter.Ergani;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Tests.Ergani;

/// <summary>A grant, a store and a token manager, with expected calls and manual time.</summary>
internal sealed class Login : IDisposable
{
    public static readonly ErganiCredentials Credentials = new("username", new Secret("password-of-mine"), ErganiEnvironment.Test);

    public Login(Token? held = null, ITokenStore? store = null, ErganiCredentials? credentials = null, string? recordFile = null)
    {
        Store = store ?? new MemoryStore(held);
        Grant = new ErganiGrant(credentials ?? Credentials, Http.Client, Time, recordFile);
        TokenManager = new TokenManager("ergani", Grant, Store, new TokenManagerOptions(), Time, NullLogger<TokenManager>.Instance);
    }

    public ManualTime Time { get; } = new();

    public StubHttp Http { get; } = new();

    public ITokenStore Store { get; }

    public ErganiGrant Grant { get; }

    public TokenManager TokenManager { get; }

    /// <summary>The last segment of each called address: <c>Authentication</c>, <c>Refresh</c>.</summary>
    public IEnumerable<string> Called => Http.Calls.Select(c => c.Request.RequestUri!.Segments[^1]);

    public static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    /// <summary>A token of a former run.</summary>
    public static Token Held(string accessEnds, string? refreshEnds = null) => new()
    {
        AccessToken = new Secret("old-access"),
        ExpiresAt = Day(accessEnds),
        RefreshToken = refreshEnds is null ? null : new Secret("old-refresh"),
        RefreshExpiresAt = refreshEnds is null ? null : Day(refreshEnds),
    };

    /// <summary>Ergani's response, with seconds as text and seven decimals.</summary>
    public static string Answer(string name = "new", int seconds = 10800, string refreshEnds = "2026-11-28T14:44:28.2731304+02:00") => new JsonObject
    {
        ["accessToken"] = $"{name}-access",
        ["accessTokenExpired"] = seconds.ToString(CultureInfo.InvariantCulture),
        ["refreshToken"] = $"{name}-refresh",
        ["refreshTokenExpired"] = refreshEnds,
    }.ToJsonString();

    public void Expect(HttpStatusCode status, string body = "", params (string Name, string Value)[] headers) => Http.Expect(status, body, headers);

    public async Task<Token?> UseAsync() => await TokenManager.GetTokenAsync(Cancellation);

    public void Dispose()
    {
        TokenManager.Dispose();
        Http.Dispose();
    }

    private static DateTimeOffset Day(string day) => ManualTime.Start + (day == "tomorrow" ? TimeSpan.FromDays(1) : TimeSpan.FromDays(-1));
}
