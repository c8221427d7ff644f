using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Sandbox;

/// <summary>The stand-in is as strict as Ergani's guide.</summary>
public sealed class ErganiProviderTests : IAsyncLifetime
{
    private readonly ManualTime time = new();
    private readonly HttpClient http = new();
    private SandboxServer sandbox = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ErganiProvider Provider => sandbox.Ergani;

    public async ValueTask InitializeAsync()
    {
        sandbox = await SandboxServer.StartAsync(
            new SandboxOptions { Time = time, Providers = [new ErganiProviderOptions { Forbidden = ["EX_BASE_02"] }] }, Cancellation);
        http.BaseAddress = ErganiProvider.AddressAt(sandbox.Address);
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await sandbox.DisposeAsync();
    }

    [Fact]
    public async Task A_refresh_replaces_both_tokens_and_the_old_access_token_stays_valid()
    {
        var first = await LogInAsync();
        var second = Read(await RefreshAsync(first));

        Assert.NotEqual(first.Access, second.Access);
        Assert.NotEqual(first.Refresh, second.Refresh);
        Assert.Equal(HttpStatusCode.OK, (await SubmissionsAsync(first.Access)).Status);
        Assert.Equal(HttpStatusCode.OK, (await SubmissionsAsync(second.Access)).Status);
    }

    [Fact]
    public async Task A_refresh_token_works_once_and_only_with_its_access_token()
    {
        var first = await LogInAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(first with { Access = "another" })).Status);
        var second = Read(await RefreshAsync(first));

        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(first)).Status);
        // The second use revoked the login, and with it the valid refresh token.
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(second)).Status);
    }

    [Fact]
    public async Task A_refresh_token_expires_after_seven_days()
    {
        var first = await LogInAsync();
        time.Advance(TimeSpan.FromDays(7));

        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(first)).Status);
    }

    [Fact]
    public async Task A_header_tells_an_expired_access_token_from_an_invalid_one()
    {
        var token = await LogInAsync();
        time.Advance(TimeSpan.FromHours(3));

        Assert.Equal((HttpStatusCode.Unauthorized, "true"), await SubmissionsAsync(token.Access));
        Assert.Equal((HttpStatusCode.Unauthorized, null), await SubmissionsAsync("wrong"));
        Assert.Equal((HttpStatusCode.Unauthorized, null), await SubmissionsAsync(null));
    }

    [Fact]
    public async Task A_login_per_call_is_rejected_with_Retry_After()
    {
        for (var call = 0; call < 3; call++)
        {
            await LogInAsync();
        }
        using var refused = await PostAsync("Authentication", Credentials());

        Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromMinutes(10)), (refused.StatusCode, refused.Headers.RetryAfter!.Delta));
        time.Advance(TimeSpan.FromMinutes(10));
        await LogInAsync();
    }

    [Fact]
    public async Task A_refresh_per_call_is_rejected_too()
    {
        var token = await LogInAsync();
        for (var call = 0; call < 5; call++)
        {
            token = Read(await RefreshAsync(token));
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, (await RefreshAsync(token)).Status);
    }

    [Theory]
    [InlineData("Username")]
    [InlineData("Password")]
    [InlineData("Usertype")]
    public async Task Wrong_credentials_or_a_wrong_type_are_rejected(string member)
    {
        var credentials = Credentials();
        credentials[member] = "02";
        using var refused = await PostAsync("Authentication", credentials);

        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task Three_wrong_passwords_lock_the_user()
    {
        var wrong = Credentials();
        wrong["Password"] = "wrong";
        for (var call = 0; call < 3; call++)
        {
            (await PostAsync("Authentication", wrong)).Dispose();
            time.Advance(TimeSpan.FromMinutes(10));
        }
        using var right = await PostAsync("Authentication", Credentials());

        Assert.Equal(HttpStatusCode.Unauthorized, right.StatusCode);
    }

    [Fact]
    public async Task A_logout_requires_a_bearer_and_a_bare_string_and_keeps_the_access_token()
    {
        var token = await LogInAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, await LogOutAsync(null, $"\"{token.Refresh}\""));
        Assert.Equal(HttpStatusCode.BadRequest, await LogOutAsync(token.Access, $$"""{"RefreshToken":"{{token.Refresh}}"}"""));
        Assert.Equal(HttpStatusCode.OK, await LogOutAsync(token.Access, $"\"{token.Refresh}\""));

        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await SubmissionsAsync(token.Access)).Status);
    }

    [Fact]
    public async Task Services_are_executed_forbidden_or_unknown()
    {
        var token = await LogInAsync();
        Assert.Equal(HttpStatusCode.OK, await ExecuteAsync("EX_BASE_01"));
        Assert.Equal(HttpStatusCode.Forbidden, await ExecuteAsync("EX_BASE_02"));
        Assert.Equal(HttpStatusCode.BadRequest, await ExecuteAsync("EX_BASE_99"));

        async Task<HttpStatusCode> ExecuteAsync(string code)
        {
            using var response = await PostAsync(
                "WebServices/ExecuteService", new JsonObject { ["ServiceCode"] = code, ["Parameters"] = new JsonArray() }, token.Access);
            return response.StatusCode;
        }
    }

    private JsonObject Credentials() => new() { ["Username"] = Provider.Username, ["Password"] = Provider.Password, ["Usertype"] = "01" };

    private async Task<Pair> LogInAsync()
    {
        using var response = await PostAsync("Authentication", Credentials());
        return Read((response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation)));
    }

    private async Task<(HttpStatusCode Status, string Body)> RefreshAsync(Pair pair)
    {
        using var response =
            await PostAsync("Authentication/Refresh", new JsonObject { ["AccessToken"] = pair.Access, ["RefreshToken"] = pair.Refresh });
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation));
    }

    private async Task<HttpStatusCode> LogOutAsync(string? access, string body)
    {
        using var request =
            new HttpRequestMessage(HttpMethod.Post, "Authentication/Logout") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = access is null ? null : new("Bearer", access);
        using var response = await http.SendAsync(request, Cancellation);
        return response.StatusCode;
    }

    private async Task<(HttpStatusCode Status, string? Expired)> SubmissionsAsync(string? access)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "Lookup/Submissions");
        request.Headers.Authorization = access is null ? null : new("Bearer", access);
        using var response = await http.SendAsync(request, Cancellation);
        return (response.StatusCode, response.Headers.TryGetValues("api-token-expired", out var values) ? values.Single() : null);
    }

    private Task<HttpResponseMessage> PostAsync(string path, JsonNode body, string? access = null)
    {
        var request =
            new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
        request.Headers.Authorization = access is null ? null : new("Bearer", access);
        return http.SendAsync(request, Cancellation);
    }

    private static Pair Read((HttpStatusCode Status, string Body) answer)
    {
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var body = JsonNode.Parse(answer.Body)!;
        Assert.Equal("10800", body["accessTokenExpired"]!.GetValue<string>());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+02:00$", body["refreshTokenExpired"]!.GetValue<string>());
        return new Pair(body["accessToken"]!.GetValue<string>(), body["refreshToken"]!.GetValue<string>());
    }

    private sealed record Pair(string Access, string Refresh);
}
