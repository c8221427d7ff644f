using System.Net;
using System.Text.Json;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Sandbox;

public sealed class FaultTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_fault_applies_to_its_number_of_requests_and_then_the_next_applies()
    {
        await using var visitor = await SandboxVisitor.Start();
        var token = visitor.Netatmo.Login().AccessToken;
        visitor.Netatmo.StationsData.Fail(new Fault.ServerError(), times: 2);
        visitor.Netatmo.StationsData.Fail(new Fault.Refuse("3"), times: 1);
        var statuses = new List<HttpStatusCode>();
        for (var request = 0; request < 4; request++)
        {
            statuses.Add((await visitor.Api(token)).Status);
        }
        Assert.Equal([HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable, HttpStatusCode.Forbidden, HttpStatusCode.OK], statuses);
        Assert.Equal(4, visitor.Netatmo.StationsData.Requests);
    }

    [Fact]
    public async Task A_fault_without_a_number_applies_until_cleared_and_only_to_its_endpoint()
    {
        await using var visitor = await SandboxVisitor.Start();
        var tokens = visitor.Netatmo.Login();
        visitor.Netatmo.StationsData.Fail(new Fault.Html());
        for (var request = 0; request < 3; request++)
        {
            var reply = await visitor.Api(tokens.AccessToken);
            Assert.Equal((HttpStatusCode.BadGateway, "text/html"), (reply.Status, reply.ContentHeaders.ContentType!.MediaType));
        }
        visitor.Netatmo.StationsData.Clear();
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(tokens.AccessToken)).Status);
    }

    [Fact]
    public async Task Errors_have_the_format_of_each_endpoint()
    {
        await using var visitor = await SandboxVisitor.Start();
        var tokens = visitor.Netatmo.Login();
        visitor.Netatmo.Token.Fail(new Fault.Refuse("invalid_client"), times: 1);
        visitor.Netatmo.Token.Fail(new Fault.TooManyRequests("Sat, 21 Nov 2026 12:05:00 GMT"), times: 1);
        visitor.Netatmo.StationsData.Fail(new Fault.Refuse("13"), times: 1);
        visitor.Netatmo.StationsData.Fail(new Fault.TooManyRequests("120"), times: 1);

        Assert.Equal((400, "invalid_client"), (await visitor.Renew(tokens.RefreshToken)).OAuthError);
        var tooMany = await visitor.Renew(tokens.RefreshToken);
        Assert.Equal((HttpStatusCode.TooManyRequests, "12:05"), (tooMany.Status, $"{tooMany.Headers.RetryAfter!.Date:HH:mm}"));
        Assert.Equal((403, 13), (await visitor.Api(tokens.AccessToken)).ApiError);
        var usage = await visitor.Api(tokens.AccessToken);
        Assert.Equal((429, 26), usage.ApiError);
        Assert.Equal(TimeSpan.FromMinutes(2), usage.Headers.RetryAfter!.Delta);
        Assert.Equal(HttpStatusCode.OK, (await visitor.Renew(tokens.RefreshToken)).Status);
    }

    [Fact]
    public async Task A_lost_response_uses_up_the_old_token()
    {
        await using var visitor = await SandboxVisitor.Start();
        var tokens = visitor.Netatmo.Login();
        visitor.Netatmo.Token.Fail(new Fault.LoseAnswer(), times: 1);
        await Assert.ThrowsAsync<HttpRequestException>(() => visitor.Renew(tokens.RefreshToken));
        Assert.Equal(1, visitor.Netatmo.Authorization.Counters.Rotations);
        Assert.Equal((403, 2), (await visitor.Api(tokens.AccessToken)).ApiError);
        Assert.Equal((400, "invalid_grant"), (await visitor.Renew(tokens.RefreshToken)).OAuthError);
        Assert.Equal(1, visitor.Netatmo.Authorization.Counters.ReusedRefreshTokens);
    }

    [Fact]
    public async Task A_dropped_connection_keeps_the_token_valid()
    {
        await using var visitor = await SandboxVisitor.Start();
        var tokens = visitor.Netatmo.Login();
        visitor.Netatmo.Token.Fail(new Fault.Drop(), times: 1);
        await Assert.ThrowsAsync<HttpRequestException>(() => visitor.Renew(tokens.RefreshToken));
        Assert.Equal(HttpStatusCode.OK, (await visitor.Renew(tokens.RefreshToken)).Status);
    }

    [Fact]
    public async Task Half_a_response_and_garbage_are_not_valid_JSON()
    {
        await using var visitor = await SandboxVisitor.Start();
        visitor.Netatmo.Token.Fail(new Fault.HalfAnswer(), times: 1);
        visitor.Netatmo.Token.Fail(new Fault.Garbage(), times: 1);
        for (var request = 0; request < 2; request++)
        {
            var reply = await visitor.Renew(visitor.Netatmo.Login().RefreshToken);
            Assert.Equal((HttpStatusCode.OK, "application/json"), (reply.Status, reply.ContentHeaders.ContentType!.MediaType));
            Assert.ThrowsAny<JsonException>(() => reply.Json);
        }
        // Half a response takes effect, garbage does not.
        Assert.Equal(1, visitor.Netatmo.Authorization.Counters.Rotations);
    }

    [Fact]
    public async Task A_custom_response_is_returned_exactly()
    {
        await using var visitor = await SandboxVisitor.Start();
        visitor.Netatmo.StationsData.Fail(new Fault.Respond(418, "{\"tea\": true}\n", "application/tea+json"));
        var reply = await visitor.Get("/api/getstationsdata");
        Assert.Equal(
            (418, "{\"tea\": true}\n", "application/tea+json"), ((int)reply.Status, reply.Body, reply.ContentHeaders.ContentType!.ToString()));
    }

    [Fact]
    public async Task A_delay_uses_the_sandboxs_clock()
    {
        await using var visitor = await SandboxVisitor.Start();
        visitor.Netatmo.Token.Fail(new Fault.Delay(5));
        var renewal = visitor.Renew(visitor.Netatmo.Login().RefreshToken);
        await visitor.Netatmo.Token.Reached(1, Cancellation);
        visitor.Time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal(0, visitor.Netatmo.Authorization.Counters.Rotations);
        visitor.Time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(HttpStatusCode.OK, (await renewal).Status);
    }

    [Fact]
    public async Task A_delayed_request_takes_effect_after_its_client_has_disconnected()
    {
        await using var visitor = await SandboxVisitor.Start();
        visitor.Netatmo.Token.Fail(new Fault.Delay(5));
        using var http = new HttpClient { BaseAddress = visitor.Sandbox.Address };
        using var client = new CancellationTokenSource();
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = "refresh_token",
            ["refresh_token"] = visitor.Netatmo.Login().RefreshToken,
            ["client_id"] = visitor.Netatmo.ClientId,
            ["client_secret"] = visitor.Netatmo.ClientSecret,
        };
        var renewal = http.PostAsync("/oauth2/token", new FormUrlEncodedContent(form), client.Token);
        await visitor.Netatmo.Token.Reached(1, Cancellation);
        await client.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => renewal);

        visitor.Time.Advance(TimeSpan.FromSeconds(5));

        while (visitor.Netatmo.Authorization.Counters.Rotations == 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Cancellation);
        }
    }

    [Fact]
    public async Task Clearing_releases_a_hanging_request()
    {
        await using var visitor = await SandboxVisitor.Start();
        visitor.Netatmo.StationsData.Fail(new Fault.Hang());
        var request = visitor.Api(visitor.Netatmo.Login().AccessToken);
        await visitor.Netatmo.StationsData.Reached(1, Cancellation);
        Assert.False(request.IsCompleted);
        visitor.Netatmo.StationsData.Clear();
        Assert.Equal(HttpStatusCode.OK, (await request).Status);
    }

    [Fact]
    public async Task Shutting_down_the_sandbox_closes_a_hanging_request()
    {
        await using var visitor = await SandboxVisitor.Start();
        visitor.Netatmo.StationsData.Fail(new Fault.Hang());
        var request = visitor.Api(visitor.Netatmo.Login().AccessToken);
        await visitor.Netatmo.StationsData.Reached(1, Cancellation);
        await visitor.Sandbox.DisposeAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => request);
    }

    [Fact]
    public async Task An_invalid_fault_is_rejected_at_once()
    {
        await using var visitor = await SandboxVisitor.Start();
        Fault[] wrong =
            [new Fault.Delay(-1), new Fault.ServerError(200), new Fault.Html(99), new Fault.Respond(700, ""), new Fault.TooManyRequests("1\r\nX: y")];
        Assert.All(wrong, fault => Assert.Throws<ArgumentException>(() => visitor.Netatmo.Token.Fail(fault)));
    }
}
