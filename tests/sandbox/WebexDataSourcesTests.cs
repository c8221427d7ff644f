using System.Text.Json.Nodes;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Sandbox;

/// <summary>Data sources in the stand-in: registration, updates, nonces and signed tokens.</summary>
public sealed class WebexDataSourcesTests : IAsyncLifetime
{
    private readonly ManualTime time = new();
    private readonly HttpClient http = new();
    private SandboxServer sandbox = null!;
    private string token = "";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        sandbox =
            await SandboxServer.StartAsync(new SandboxOptions { Time = time, Providers = [new WebexProviderOptions { Limits = [] }] }, Cancellation);
        http.BaseAddress = sandbox.Address;
        token = sandbox.Webex.LoginServiceApp().AccessToken;
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await sandbox.DisposeAsync();
    }

    [Fact]
    public async Task A_registered_source_has_a_signed_token_with_its_claims()
    {
        var registered = await SendAsync(HttpMethod.Post, "", New());

        Assert.Equal((200, "active"), (registered.Status, registered.Text("status")));
        var claims = Jwt.Claims(new Secret(registered.Text("jwsToken")))!;
        Assert.Equal(
            ("https://idbroker.webex.com/idb", "BYODS", "gateway", "nonce-1"),
            (claims.Text("iss"), claims.Text("aud"), claims.Text("sub"), claims.Text("jti")));
        Assert.Equal(
            ("https://voice.example.com/grpc", "1eb65fdf-9643-417f-9974-ad72cae0e10f"),
            (claims.Text("com.cisco.datasource.url"), claims.Text("com.cisco.org.uuid")));
        Assert.Equal(time.GetUtcNow().AddMinutes(60).ToUnixTimeSeconds(), claims.Number("exp"));
        Assert.Equal(registered.Text("id"), (await SendAsync(HttpMethod.Get, "")).Body["items"]!.AsArray().Single()!["id"]!.GetValue<string>());
    }

    [Theory]
    [InlineData(400, "audience", "null")]
    [InlineData(400, "nonce", "\"\"")]
    [InlineData(400, "schemaId", "\"unknown\"")]
    [InlineData(400, "subject", "7")]
    [InlineData(400, "url", "\"voice\"")]
    [InlineData(400, "url", "\"http://voice.example.com\"")]
    [InlineData(400, "tokenLifetimeMinutes", "0")]
    [InlineData(400, "tokenLifetimeMinutes", "1441")]
    [InlineData(400, "tokenLifetimeMinutes", "\"60\"")]
    [InlineData(409, "nonce", "\"used\"")]
    public async Task An_invalid_registration_registers_nothing(int status, string member, string value)
    {
        var before = New();
        before["nonce"] = "used";
        await SendAsync(HttpMethod.Post, "", before);
        var wrong = New();
        wrong[member] = JsonNode.Parse(value);

        Assert.Equal(status, (await SendAsync(HttpMethod.Post, "", wrong)).Status);
        Assert.Single(sandbox.Webex.DataSources.All);
    }

    [Fact]
    public async Task An_update_replaces_the_whole_source()
    {
        var source = sandbox.Webex.DataSources.Add("https://voice.example.com/grpc", "maintenance", lifetimeMinutes: 30);
        var update = Update("disabled");
        Assert.Equal(400, (await SendAsync(HttpMethod.Put, source.Id, update)).Status);
        update["errorMessage"] = "still";
        time.Advance(TimeSpan.FromMinutes(10));
        var updated = await SendAsync(HttpMethod.Put, source.Id, update);

        Assert.Equal(("disabled", "still"), (updated.Text("status"), updated.Text("errorMessage")));
        Assert.Equal(time.GetUtcNow().AddMinutes(60), sandbox.Webex.DataSources.All.Single().TokenExpiry);
        Assert.Equal(409, (await SendAsync(HttpMethod.Put, source.Id, update)).Status);
        update = Update("active");
        update["nonce"] = "nonce-2";
        Assert.False((await SendAsync(HttpMethod.Put, source.Id, update)).Body.AsObject().ContainsKey("errorMessage"));
    }

    [Theory]
    [InlineData("status", "\"paused\"")]
    [InlineData("status", "null")]
    [InlineData("schemaId", "\"a38a10b7-43e4-4676-a076-a7d6dce9387d\"")]
    [InlineData("tokenLifetimeMinutes", "null")]
    public async Task An_invalid_update_changes_nothing(string member, string value)
    {
        var source = sandbox.Webex.DataSources.Add("https://voice.example.com/grpc");
        var update = Update("active");
        update[member] = JsonNode.Parse(value);

        Assert.Equal(400, (await SendAsync(HttpMethod.Put, source.Id, update)).Status);
        Assert.Equal([source], sandbox.Webex.DataSources.All);
    }

    [Fact]
    public async Task Reading_and_writing_need_their_scopes()
    {
        var reader = sandbox.Webex.ServiceApp.Login(sandbox.Webex.ClientId, "reader", WebexProvider.ReadScope).AccessToken;
        var personal = sandbox.Webex.LoginPersonal();

        Assert.Equal(200, (await SendAsync(HttpMethod.Get, "", null, reader)).Status);
        Assert.Equal(403, (await SendAsync(HttpMethod.Post, "", New(), reader)).Status);
        Assert.Equal(403, (await SendAsync(HttpMethod.Get, "", null, personal)).Status);
        Assert.Equal(200, (await SendAsync(HttpMethod.Get, "schemas", null, personal)).Status);
    }

    [Fact]
    public async Task A_missing_source_is_not_found()
    {
        Assert.Equal(404, (await SendAsync(HttpMethod.Get, "nowhere")).Status);
        Assert.Equal(404, (await SendAsync(HttpMethod.Put, "nowhere", Update("active"))).Status);
        Assert.Equal(404, (await SendAsync(HttpMethod.Get, "schemas/nowhere")).Status);
        Assert.Equal("gRPC", (await SendAsync(HttpMethod.Get, "schemas/5397013b-7920-4ffc-807c-e8a3e0a18f43")).Text("protocol"));
        var source = sandbox.Webex.DataSources.Add("https://voice.example.com/grpc");
        Assert.Equal(204, (await SendAsync(HttpMethod.Delete, source.Id)).Status);
        Assert.Equal(404, (await SendAsync(HttpMethod.Delete, source.Id)).Status);
    }

    [Fact]
    public async Task Every_response_has_the_format_of_the_API()
    {
        var source = sandbox.Webex.DataSources.Add("https://voice.example.com/grpc");
        var personal = sandbox.Webex.LoginPersonal();
        var application =
            new JsonObject
            {
                ["clientId"] = sandbox.Webex.ClientId,
                ["clientSecret"] = sandbox.Webex.ClientSecret,
                ["targetOrgId"] = sandbox.Webex.OrgId
            }.ToJsonString();
        foreach (var (method, path, whole, with) in new[]
        {
            (HttpMethod.Post, "dataSources", New().ToJsonString(), token),
            (HttpMethod.Put, $"dataSources/{source.Id}", Update("active").ToJsonString(), token),
            (HttpMethod.Post, $"applications/{sandbox.Webex.AppId}/token", application, personal),
        })
        {
            var broken = JsonPlaces.Of(whole).SelectMany(place => JsonPlaces.Junk.Select(junk => JsonPlaces.Replaced(whole, place, junk)))
                .Concat(JsonPlaces.Junk).Concat(Enumerable.Range(0, whole.Length).Select(length => whole[..length]));
            foreach (var body in broken)
            {
                using var request = WebexReply.Request(method, $"/v1/{path}", with);
                request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
                var reply = await WebexReply.Of(http, request, Cancellation);
                Assert.True(reply.Status is 200 or 400 or 403 or 409, $"{reply.Status}: {body}");
                Assert.Equal(reply.Status == 200, !reply.Body.AsObject().ContainsKey("trackingId"));
            }
        }
    }

    private static JsonObject New() => new()
    {
        ["audience"] = "BYODS",
        ["nonce"] = "nonce-1",
        ["schemaId"] = "5397013b-7920-4ffc-807c-e8a3e0a18f43",
        ["subject"] = "gateway",
        ["tokenLifetimeMinutes"] = 60,
        ["url"] = "https://voice.example.com/grpc",
    };

    private static JsonObject Update(string status)
    {
        var update = New();
        update["status"] = status;
        return update;
    }

    private Task<WebexReply> SendAsync(HttpMethod method, string path, JsonNode? body = null, string? with = null) =>
        WebexReply.Of(http, WebexReply.Request(method, $"/v1/dataSources{(path.Length == 0 ? "" : "/")}{path}", with ?? token, body), Cancellation);
}
