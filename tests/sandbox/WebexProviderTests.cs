using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Sandbox;

/// <summary>The stand-in is as strict as Webex: grants, scopes, expiry of each level, and error format.</summary>
public sealed class WebexProviderTests : IAsyncLifetime
{
    private readonly ManualTime time = new();
    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private SandboxServer sandbox = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private WebexProvider Provider => sandbox.Webex;

    public async ValueTask InitializeAsync()
    {
        sandbox = await SandboxServer.StartAsync(
            new SandboxOptions { Time = time, Providers = [new WebexProviderOptions { Limits = [new(5, TimeSpan.FromMinutes(1))] }] }, Cancellation);
        http.BaseAddress = sandbox.Address;
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await sandbox.DisposeAsync();
    }

    [Fact]
    public async Task A_service_app_renews_for_14_days_and_its_refresh_token_rotates()
    {
        var first = Provider.LoginServiceApp();
        var reply = await RenewAsync(first.RefreshToken);

        Assert.Equal((1209600, 7776000, "Bearer"), (reply.Number("expires_in"), reply.Number("refresh_token_expires_in"), reply.Text("token_type")));
        Assert.NotEqual(first.RefreshToken, reply.Text("refresh_token"));
        Assert.Equal(401, (await RenewAsync(first.RefreshToken)).Status);
    }

    [Fact]
    public async Task A_refresh_token_expires_after_90_days()
    {
        var first = Provider.LoginServiceApp();
        time.Advance(TimeSpan.FromDays(90));

        var refused = await RenewAsync(first.RefreshToken);

        Assert.Equal((401, "The refresh token provided is expired, revoked, malformed, or invalid."), (refused.Status, refused.Text("message")));
    }

    [Fact]
    public async Task Refresh_tokens_can_stay_the_same_and_renewals_repeat()
    {
        (Provider.ServiceApp.KeepsRefreshTokens, Provider.ServiceApp.RepeatsWithin) = (true, TimeSpan.FromDays(1));
        var first = Provider.LoginServiceApp();
        time.Advance(TimeSpan.FromHours(1));
        var repeated = await RenewAsync(first.RefreshToken);
        time.Advance(TimeSpan.FromDays(1));
        var renewed = await RenewAsync(first.RefreshToken);

        Assert.Equal((first.AccessToken, 1209600 - 3600, 7776000 - 3600),
            (repeated.Text("access_token"), repeated.Number("expires_in"), repeated.Number("refresh_token_expires_in")));
        Assert.NotEqual(first.AccessToken, renewed.Text("access_token"));
        Assert.Equal(
            (first.RefreshToken, 1209600, 7776000),
            (renewed.Text("refresh_token"), renewed.Number("expires_in"), renewed.Number("refresh_token_expires_in")));
    }

    [Theory]
    [InlineData(400, "grant_type", null)]
    [InlineData(400, "grant_type", "password")]
    [InlineData(400, "refresh_token", null)]
    [InlineData(401, "client_id", "another")]
    [InlineData(401, "client_secret", "wrong")]
    [InlineData(401, "client_secret", null)]
    [InlineData(401, "refresh_token", "wrong")]
    public async Task An_invalid_token_request_has_an_error_in_the_format_of_the_API(int status, string field, string? value)
    {
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = "refresh_token",
            ["client_id"] = Provider.ClientId,
            ["client_secret"] = Provider.ClientSecret,
            ["refresh_token"] = Provider.LoginServiceApp().RefreshToken,
        };
        form.Remove(field);
        if (value is not null)
        {
            form[field] = value;
        }
        var refused = await SendAsync(new(HttpMethod.Post, "/v1/access_token") { Content = new FormUrlEncodedContent(form) });

        Assert.Equal(status, refused.Status);
        Assert.NotEmpty(refused.Text("message"));
        Assert.NotEmpty(refused.Body["errors"]!.AsArray()[0]!["description"]!.GetValue<string>());
        Assert.Equal(refused.TrackingId, refused.Text("trackingId"));
    }

    [Fact]
    public async Task The_credentials_of_one_level_are_invalid_for_another()
    {
        var refused = await TokenAsync(
            Provider.IntegrationClientId, Provider.IntegrationClientSecret, ("grant_type", "refresh_token"),
            ("refresh_token", Provider.LoginServiceApp().RefreshToken));

        Assert.Equal((401, 0, 1), (refused.Status, Provider.ServiceAppToken.Requests, Provider.IntegrationToken.Requests));
    }

    [Fact]
    public async Task A_user_consents_and_the_code_becomes_a_personal_token_and_a_refresh_token()
    {
        const string Callback = "http://localhost:3000/callback";
        var query = $"client_id={Provider.IntegrationClientId}&response_type=code&redirect_uri={Uri.EscapeDataString(Callback)}"
            + "&scope=spark%3Aapplications_token&state=s1";
        var page = await http.GetStringAsync($"/v1/authorize?{query}", Cancellation);
        var consent = page.Split("name=\"consent\" value=\"")[1].Split('"')[0];
        using var form = new FormUrlEncodedContent([new("consent", consent), new("decision", "accept")]);
        using var accepted = await http.PostAsync("/v1/authorize", form, Cancellation);
        var location = accepted.Headers.Location!.OriginalString;
        Assert.StartsWith($"{Callback}?code=", location, StringComparison.Ordinal);
        Assert.EndsWith("&state=s1", location, StringComparison.Ordinal);

        var code = location.Split("code=")[1].Split('&')[0];
        var tokens = await TokenAsync(
            Provider.IntegrationClientId, Provider.IntegrationClientSecret, ("grant_type", "authorization_code"), ("code", code),
            ("redirect_uri", Callback));

        Assert.Equal(200, tokens.Status);
        Assert.NotEmpty(tokens.Text("refresh_token"));
        Assert.Equal(200, (await ApplicationAsync(tokens.Text("access_token"))).Status);
    }

    [Fact]
    public async Task A_personal_token_creates_service_app_tokens_for_twelve_hours()
    {
        var personal = Provider.LoginPersonal();
        var made = await ApplicationAsync(personal);
        Assert.Equal((200, 1209600), (made.Status, made.Number("expires_in")));
        Assert.Equal(200, (await GetAsync("dataSources", made.Text("access_token"))).Status);
        Assert.Equal(200, (await RenewAsync(made.Text("refresh_token"))).Status);

        time.Advance(TimeSpan.FromHours(12));

        Assert.Equal(401, (await ApplicationAsync(personal)).Status);
    }

    [Theory]
    [InlineData(400, "clientId", null)]
    [InlineData(400, "clientSecret", "wrong")]
    [InlineData(400, "targetOrgId", null)]
    [InlineData(403, "targetOrgId", "another")]
    public async Task An_invalid_application_request_is_rejected(int status, string member, string? value) =>
        Assert.Equal(status, (await ApplicationAsync(Provider.LoginPersonal(), change: (member, value))).Status);

    [Fact]
    public async Task An_application_token_needs_its_ID_the_scope_and_the_authorization()
    {
        Assert.Equal(404, (await ApplicationAsync(Provider.LoginPersonal(), id: "another")).Status);
        var scopeless = await ApplicationAsync(Provider.LoginPersonal("spark:people_read"));
        Assert.Equal(
            (403, WebexProvider.ApplicationsScope), (scopeless.Status, scopeless.Body["errors"]!.AsArray()[0]!["description"]!.GetValue<string>()));
        Provider.IsAuthorized = false;
        Assert.Equal(403, (await ApplicationAsync(Provider.LoginPersonal())).Status);
    }

    [Fact]
    public async Task Any_valid_token_can_read_its_user_and_its_expiry()
    {
        var token = Provider.LoginServiceApp().AccessToken;
        Assert.Equal(200, (await GetAsync("people/me", Provider.LoginIntegration().AccessToken)).Status);
        var end = (await GetAsync("authorizations/tokenExpiry", token)).Body["exp"]!.GetValue<long>();
        Assert.Equal(time.GetUtcNow().AddDays(14).ToUnixTimeMilliseconds(), end);

        time.Advance(TimeSpan.FromDays(14));

        Assert.Equal(401, (await GetAsync("authorizations/tokenExpiry", token)).Status);
        Assert.Equal(401, (await GetAsync("people/me", null)).Status);
    }

    [Fact]
    public async Task Too_many_calls_are_rejected_with_Retry_After()
    {
        var token = Provider.LoginServiceApp().AccessToken;
        for (var call = 0; call < 5; call++)
        {
            Assert.Equal(200, (await GetAsync("dataSources", token)).Status);
        }
        var refused = await GetAsync("dataSources", token);

        Assert.Equal((429, TimeSpan.FromMinutes(1)), (refused.Status, refused.RetryAfter));
    }

    [Fact]
    public async Task Locked_data_sources_return_423_with_Retry_After()
    {
        Provider.DataSources.LockFor(TimeSpan.FromSeconds(90));
        var token = Provider.LoginServiceApp().AccessToken;
        var refused = await GetAsync("dataSources", token);
        Assert.Equal((423, TimeSpan.FromSeconds(90)), (refused.Status, refused.RetryAfter));

        time.Advance(TimeSpan.FromSeconds(90));
        Assert.Equal(200, (await GetAsync("dataSources", token)).Status);
    }

    [Fact]
    public async Task A_level_can_be_revoked_through_the_control_endpoint()
    {
        var (app, integration) = (Provider.LoginServiceApp(), Provider.LoginIntegration());
        Assert.Equal(204, (await SendAsync(new(HttpMethod.Post, "/sandbox/revoke?provider=webex&level=integration"))).Status);

        Assert.Equal(401, (await TokenAsync(
            Provider.IntegrationClientId, Provider.IntegrationClientSecret, ("grant_type", "refresh_token"),
            ("refresh_token", integration.RefreshToken))).Status);
        Assert.Equal(200, (await RenewAsync(app.RefreshToken)).Status);
        var state = (await SendAsync(new(HttpMethod.Get, "/sandbox/state"))).Body["webex"]!;
        Assert.Equal(
            (1, 0), (
            state["levels"]!["integration"]!["revoked_families"]!.GetValue<int>(),
            state["levels"]!["service_app"]!["revoked_families"]!.GetValue<int>()));
        Assert.Equal(1, state["endpoints"]!["integration_token"]!["requests"]!.GetValue<int>());
        var unknown = await SendAsync(new(HttpMethod.Post, "/sandbox/revoke?provider=webex&level=bot"));
        Assert.Equal((400, "webex has no such level; it has: service_app, personal, integration."), (unknown.Status, unknown.Text("error")));
    }

    private Task<WebexReply> RenewAsync(string refreshToken) =>
        TokenAsync(Provider.ClientId, Provider.ClientSecret, ("grant_type", "refresh_token"), ("refresh_token", refreshToken));

    private Task<WebexReply> TokenAsync(string id, string secret, params (string Name, string Value)[] form) =>
        SendAsync(new(HttpMethod.Post, "/v1/access_token")
        {
            Content = new FormUrlEncodedContent(
            [.. form.Select(f => KeyValuePair.Create(f.Name, f.Value)), new("client_id", id), new("client_secret", secret)]),
        });

    private Task<WebexReply> ApplicationAsync(string token, string? id = null, (string Member, string? Value)? change = null)
    {
        var body = new JsonObject { ["clientId"] = Provider.ClientId, ["clientSecret"] = Provider.ClientSecret, ["targetOrgId"] = Provider.OrgId };
        if (change is { } changed)
        {
            body[changed.Member] = changed.Value;
        }
        return SendAsync(WebexReply.Request(HttpMethod.Post, $"/v1/applications/{id ?? Provider.AppId}/token", token, body));
    }

    private Task<WebexReply> GetAsync(string path, string? token) => SendAsync(WebexReply.Request(HttpMethod.Get, $"/v1/{path}", token));

    private Task<WebexReply> SendAsync(HttpRequestMessage request) => WebexReply.Of(http, request, Cancellation);
}

/// <summary>A response of the stand-in for Webex.</summary>
internal sealed record WebexReply(int Status, JsonNode Body, string? TrackingId, TimeSpan? RetryAfter)
{
    public string Text(string member) => Body[member]!.GetValue<string>();

    public int Number(string member) => Body[member]!.GetValue<int>();

    public static HttpRequestMessage Request(HttpMethod method, string path, string? token, JsonNode? body = null) => new(method, path)
    {
        Content = body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"),
        Headers = { Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token) },
    };

    public static async Task<WebexReply> Of(HttpClient http, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using (request)
        {
            using var response = await http.SendAsync(request, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            return new((int)response.StatusCode, text.Length == 0 ? new JsonObject() : JsonNode.Parse(text)!,
                response.Headers.TryGetValues("Trackingid", out var ids) ? ids.Single() : null, response.Headers.RetryAfter?.Delta);
        }
    }
}
