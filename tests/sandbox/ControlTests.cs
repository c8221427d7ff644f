using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Sandbox;

public sealed class ControlTests
{
    public static TheoryData<string, Fault> Faults => new()
    {
        { """{"kind":"refuse","error":"invalid_grant"}""", new Fault.Refuse("invalid_grant") },
        { """{"seconds":0.5,"kind":"delay"}""", new Fault.Delay(0.5) },
        { """{"kind":"hang"}""", new Fault.Hang() },
        { """{"kind":"too_many_requests"}""", new Fault.TooManyRequests() },
        { """{"kind":"too_many_requests","retry_after":"7"}""", new Fault.TooManyRequests("7") },
        { """{"kind":"server_error","status":504}""", new Fault.ServerError(504) },
        { """{"kind":"html"}""", new Fault.Html(502) },
        { """{"kind":"garbage"}""", new Fault.Garbage() },
        { """{"kind":"half_answer"}""", new Fault.HalfAnswer() },
        { """{"kind":"respond","status":200,"body":"x"}""", new Fault.Respond(200, "x") },
        { """{"kind":"lose_answer"}""", new Fault.LoseAnswer() },
        { """{"kind":"drop"}""", new Fault.Drop() },
    };

    [Theory]
    [MemberData(nameof(Faults), DisableDiscoveryEnumeration = true)]
    public async Task Every_fault_can_be_set_by_JSON_and_cleared(string json, Fault fault)
    {
        await using var visitor = await SandboxVisitor.Start();
        var set = await visitor.Post("/sandbox/faults", $$"""{"endpoint":"token","times":3,"fault":{{json}}}""");
        Assert.Equal((HttpStatusCode.NoContent, ""), (set.Status, set.Body));
        Assert.Equal([new PendingFault(fault, 3)], visitor.Netatmo.Token.Faults);

        Assert.Equal(HttpStatusCode.NoContent, (await visitor.Send(new HttpRequestMessage(HttpMethod.Delete, "/sandbox/faults"))).Status);
        Assert.Empty(visitor.Netatmo.Token.Faults);
    }

    [Fact]
    public void Every_kind_of_fault_is_tested() =>
        Assert.Equal(
            typeof(Fault).GetNestedTypes().Select(kind => kind.Name).Order(), Faults.Select(row => row.Data.Item2.GetType().Name).Distinct().Order());

    [Theory]
    [InlineData("/sandbox/faults", "")]
    [InlineData("/sandbox/faults", "null")]
    [InlineData("/sandbox/faults", "not json")]
    [InlineData("/sandbox/faults", """{"endpoint":"nowhere","fault":{"kind":"hang"}}""")]
    [InlineData("/sandbox/faults", """{"endpoint":"token","fault":{"kind":"sulk"}}""")]
    [InlineData("/sandbox/faults", """{"endpoint":"token","fault":{"seconds":1}}""")]
    [InlineData("/sandbox/faults", """{"endpoint":"token","fault":{"kind":"delay"}}""")]
    [InlineData("/sandbox/faults", """{"endpoint":"token","fault":{"kind":"delay","seconds":-1}}""")]
    [InlineData("/sandbox/faults", """{"endpoint":"token","fault":{"kind":"delay","second":1}}""")]
    [InlineData("/sandbox/faults", """{"endpoint":"token","fault":null}""")]
    [InlineData("/sandbox/faults", """{"endpoint":"token","times":0,"fault":{"kind":"hang"}}""")]
    [InlineData("/sandbox/faults?provider=nimbus", """{"endpoint":"token","fault":{"kind":"hang"}}""")]
    [InlineData("/sandbox/lifetimes", """{"access":0}""")]
    [InlineData("/sandbox/lifetimes", """{"acess":20}""")]
    public async Task An_invalid_request_changes_nothing_and_returns_an_error(string path, string json)
    {
        await using var visitor = await SandboxVisitor.Start();
        var before = visitor.Netatmo.Authorization.Lifetimes;
        var reply = await visitor.Post(path, json);
        Assert.Equal(HttpStatusCode.BadRequest, reply.Status);
        Assert.NotEmpty(reply.Text("error"));
        Assert.Empty(visitor.Netatmo.Token.Faults);
        Assert.Equal(before, visitor.Netatmo.Authorization.Lifetimes);
    }

    [Fact]
    public async Task A_login_can_be_created_and_expired_and_revoked()
    {
        await using var visitor = await SandboxVisitor.Start();
        await visitor.Post("/sandbox/lifetimes", """{"access":60}""");
        var login = await visitor.Post("/sandbox/tokens", """{"user":"another-user","scope":["read_homecoach"]}""");
        Assert.StartsWith("another-user|", login.Text("access_token"), StringComparison.Ordinal);
        Assert.Equal(60, login.Json.GetProperty("expires_in").GetInt32());
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(login.Text("access_token"), "/api/gethomecoachsdata")).Status);

        await visitor.Post("/sandbox/expire", "");
        Assert.Equal((403, 3), (await visitor.Api(login.Text("access_token"), "/api/gethomecoachsdata")).ApiError);
        await visitor.Post("/sandbox/revoke", "");
        Assert.Equal((400, "invalid_grant"), (await visitor.Renew(login.Text("refresh_token"))).OAuthError);
        Assert.Equal("""["read_station"]""", (await visitor.Post("/sandbox/tokens", "")).Json.GetProperty("scope").GetRawText());
    }

    [Fact]
    public async Task The_state_contains_counters_and_pending_faults_but_no_token()
    {
        await using var visitor = await SandboxVisitor.Start();
        var tokens = visitor.Netatmo.Login();
        await visitor.Renew(tokens.RefreshToken);
        await visitor.Renew(tokens.RefreshToken);
        visitor.Netatmo.StationsData.Fail(new Fault.Delay(2), times: 4);

        var reply = await visitor.Get("/sandbox/state");
        var state = reply.Json.GetProperty("netatmo");
        Assert.Equal(
            """{"families":1,"revoked_families":1,"rotations":1,"reused_refresh_tokens":1,"reused_codes":0,"maximum_in_flight":1}""",
            Compact(state.GetProperty("tokens")));
        Assert.Equal("""{"requests":2,"faults":[]}""", Compact(state.GetProperty("endpoints").GetProperty("token")));
        Assert.Equal(
            """{"requests":0,"faults":[{"fault":{"kind":"delay","seconds":2},"times":4}]}""",
            Compact(state.GetProperty("endpoints").GetProperty("stations")));
        Assert.DoesNotContain(NetatmoProvider.User, reply.Body, StringComparison.Ordinal);
    }

    private static string Compact(JsonElement element) => JsonNode.Parse(element.GetRawText())!.ToJsonString();
}
