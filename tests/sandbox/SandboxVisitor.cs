using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Sandbox;

/// <summary>A sandbox with a manual clock, and a client that does not follow redirects.</summary>
internal sealed partial class SandboxVisitor : IAsyncDisposable
{
    public const string Callback = "http://127.0.0.1:9210/auth/callback";

    private readonly HttpClient http;

    private SandboxVisitor(SandboxServer sandbox, ManualTime time)
    {
        (Sandbox, Time) = (sandbox, time);
        http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = sandbox.Address };
    }

    public SandboxServer Sandbox { get; }

    public ManualTime Time { get; }

    public NetatmoProvider Netatmo => Sandbox.Netatmo;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static Task<SandboxVisitor> Start(NetatmoProviderOptions? netatmo = null) => StartWith(netatmo ?? new NetatmoProviderOptions());

    public static async Task<SandboxVisitor> StartWith(params ProviderOptions[] providers)
    {
        var time = new ManualTime();
        return new SandboxVisitor(
            await SandboxServer.StartAsync(new SandboxOptions { Time = time, Providers = providers }, Cancellation), time);
    }

    public Task<Reply> Get(string path) => Send(new HttpRequestMessage(HttpMethod.Get, path));

    public Task<Reply> Post(string path, string json) => Send(new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json) });

    public Task<Reply> Post(string path, params (string Name, string Value)[] form) =>
        Send(new HttpRequestMessage(
            HttpMethod.Post, path)
        { Content = new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value))) });

    public Task<Reply> Renew(string refreshToken) =>
        Token(("grant_type", "refresh_token"), ("refresh_token", refreshToken));

    /// <summary>A token request with valid credentials.</summary>
    public Task<Reply> Token(params (string Name, string Value)[] form) =>
        Post("/oauth2/token", [.. form, ("client_id", Netatmo.ClientId), ("client_secret", Netatmo.ClientSecret)]);

    public Task<Reply> Api(string accessToken, string path = "/api/getstationsdata") =>
        Send(new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", accessToken) } });

    /// <summary>Opens the consent page. The parameters replace those of a valid request; null removes one.</summary>
    public Task<Reply> Ask(params (string Name, string? Value)[] changes)
    {
        var query = new Dictionary<string, string?>
        {
            ["client_id"] = Netatmo.ClientId,
            ["redirect_uri"] = Callback,
            ["response_type"] = "code",
            ["scope"] = "read_station",
            ["state"] = "a state/&+",
        };
        foreach (var (name, value) in changes)
        {
            query[name] = value;
        }
        return Get(
            "/oauth2/authorize?" + string.Join('&', query.Where(q => q.Value is not null).Select(q => $"{q.Key}={Uri.EscapeDataString(q.Value!)}")));
    }

    public async Task<Reply> Click(Reply page, string decision) =>
        await Post("/oauth2/authorize", ("consent", ConsentNumber().Match(page.Body).Groups[1].Value), ("decision", decision));

    /// <summary>The code of an accepted login.</summary>
    public async Task<string> Code(params (string Name, string? Value)[] changes) =>
        (await Click(await Ask(changes), "accept")).Location("code") ?? throw new InvalidOperationException("no code came back");

    public async Task<Reply> Send(HttpRequestMessage request)
    {
        using (request)
        {
            using var response = await http.SendAsync(request, Cancellation);
            return new Reply(response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation), response.Headers, response.Content.Headers);
        }
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await Sandbox.DisposeAsync();
    }

    [GeneratedRegex("name=\"consent\" value=\"([0-9a-f]+)\"")]
    private static partial Regex ConsentNumber();
}

internal sealed record Reply(HttpStatusCode Status, string Body, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders)
{
    public JsonElement Json { get { using var document = JsonDocument.Parse(Body); return document.RootElement.Clone(); } }

    public string Text(string member) => Json.GetProperty(member).GetString()!;

    /// <summary>The error of RFC 6749, with its status.</summary>
    public (int Status, string Error) OAuthError => ((int)Status, Text("error"));

    public (int Status, int Code) ApiError => ((int)Status, Json.GetProperty("error").GetProperty("code").GetInt32());

    public string? Location(string parameter)
    {
        var query = Headers.Location!.OriginalString.Split('?')[1].Split('&').Select(pair => pair.Split('=', 2));
        return query.FirstOrDefault(pair => pair[0] == parameter) is [_, var value] ? Uri.UnescapeDataString(value) : null;
    }
}
