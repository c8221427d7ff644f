using System.Net;
using System.Text;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>RFC 8628 with a scripted server and manual time.</summary>
public sealed class DeviceCodeGrantTests : IDisposable
{
    private const string Authorized =
        """{"device_code":"device-1","user_code":"WDJB-MJHT","verification_uri":"https://provider.example/device","interval":5,"expires_in":300}""";

    private const string Granted = """{"access_token":"access-1","refresh_token":"refresh-1","expires_in":3600}""";

    private readonly ManualTime time = new();
    private readonly StubHttp http = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => http.Dispose();

    [Fact]
    public async Task The_user_sees_the_address_and_the_code()
    {
        http.Expect(HttpStatusCode.OK, Authorized);

        var authorization = await BeginAsync(Grant());

        Assert.Equal("https://provider.example/device", authorization.Verification.OriginalString);
        Assert.Equal("WDJB-MJHT", authorization.UserCode);
        Assert.Equal(ManualTime.Start + TimeSpan.FromMinutes(5), authorization.Deadline);
        Assert.Equal("https://provider.example/device?user_code=WDJB-MJHT", authorization.Link.OriginalString);
        Assert.Equal(("app", "read write"), (Form(0)["client_id"], Form(0)["scope"]));
    }

    [Fact]
    public async Task The_link_is_the_complete_address_if_the_provider_returns_one()
    {
        http.Expect(HttpStatusCode.OK, Authorized.Replace(
            "\"interval\"", "\"verification_uri_complete\":\"https://provider.example/device/WDJB\",\"interval\""));

        Assert.Equal("https://provider.example/device/WDJB", (await BeginAsync(Grant())).Link.OriginalString);
    }

    [Fact]
    public async Task A_misspelt_verification_url_is_read_and_a_missing_interval_is_five_seconds()
    {
        http.Expect(HttpStatusCode.OK, """{"device_code":"d","user_code":"u","verification_url":"https://provider.example/go"}""");

        var authorization = await BeginAsync(Grant());

        Assert.Equal("https://provider.example/go", authorization.Verification.OriginalString);
        Assert.Equal(TimeSpan.FromSeconds(5), authorization.Interval);
    }

    [Theory]
    [InlineData("user_code", 64, true)]
    [InlineData("user_code", 65, false)]
    [InlineData("user_code", 100_000, false)]
    [InlineData("verification_uri", 2048, true)]
    [InlineData("verification_uri", 2049, false)]
    [InlineData("verification_uri_complete", 2048, true)]
    [InlineData("verification_uri_complete", 2049, false)]
    public async Task A_code_or_an_address_that_no_user_can_use_is_malformed(string member, int length, bool isAccepted)
    {
        var value = (member == "user_code" ? "" : "https://provider.example/").PadRight(length, 'x');
        http.Expect(HttpStatusCode.OK, Encoding.UTF8.GetString(
            JsonMembers.Parse(Encoding.UTF8.GetBytes(Authorized)).With(member, value).ToBytes(JsonStyle.Compact)));

        var (authorization, failure) = await Grant().BeginAsync(Cancellation);

        Assert.Equal(isAccepted, authorization is not null);
        Assert.Equal(isAccepted ? null : "the response of the device authorization endpoint has no code or no address, or one that is too long",
            (failure as Renewal.Transient)?.Reason);
    }

    [Theory]
    [InlineData("""{"user_code":"u","verification_uri":"https://provider.example"}""")]
    [InlineData("""{"device_code":"d","verification_uri":"https://provider.example"}""")]
    [InlineData("""{"device_code":"d","user_code":"u"}""")]
    [InlineData("""{"device_code":"d","user_code":"u","verification_uri":"nowhere"}""")]
    public async Task An_unusable_response_starts_no_login(string answer)
    {
        http.Expect(HttpStatusCode.OK, answer);

        var (authorization, failure) = await Grant().BeginAsync(Cancellation);

        Assert.Null(authorization);
        Assert.Equal(FailureKind.MalformedAnswer, Assert.IsType<Renewal.Transient>(failure).Kind);
    }

    [Fact]
    public async Task An_unknown_client_is_rejected_at_the_start()
    {
        http.Expect(HttpStatusCode.Unauthorized, """{"error":"invalid_client"}""");

        Assert.IsType<Renewal.InvalidClient>((await Grant().BeginAsync(Cancellation)).Failure);
    }

    [Fact]
    public async Task A_provider_can_explain_its_error()
    {
        http.Expect(HttpStatusCode.BadRequest, """{"error":"invalid_request"}""").Expect(HttpStatusCode.OK, Authorized);
        var grant = Grant(explain: failure => new Renewal.InvalidGrant($"{failure.Error} means that nothing is subscribed"));

        var (_, failure) = await grant.BeginAsync(Cancellation);

        Assert.Equal("invalid_request means that nothing is subscribed", Assert.IsType<Renewal.InvalidGrant>(failure).Reason);
        Assert.NotNull((await grant.BeginAsync(Cancellation)).Value);
    }

    [Fact]
    public async Task The_final_verifier_matches_the_initial_challenge()
    {
        http.Expect(HttpStatusCode.OK, Authorized).Expect(HttpStatusCode.OK, Granted);
        var grant = Grant(pkce: true);

        await WaitAsync(grant, await BeginAsync(grant));

        var (challenge, verifier) = (Form(0)["code_challenge"], Form(1)["code_verifier"]);
        Assert.Equal("S256", Form(0)["code_challenge_method"]);
        Assert.InRange(verifier.Length, 43, 128);
        Assert.Equal(challenge, Pkce.Challenge(new Secret(verifier)));
        Assert.Equal("urn:ietf:params:oauth:grant-type:device_code", Form(1)["grant_type"]);
        Assert.Equal("device-1", Form(1)["device_code"]);
    }

    [Fact]
    public async Task Polling_keeps_the_interval_until_the_user_decides()
    {
        http.Expect(HttpStatusCode.OK, Authorized).Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""")
            .Expect(HttpStatusCode.BadRequest, """{"error":"authorization_pending"}""").Expect(HttpStatusCode.OK, Granted);
        var grant = Grant();

        var outcome = await WaitAsync(grant, await BeginAsync(grant));

        Assert.Equal("access-1", Assert.IsType<Renewal.Renewed>(outcome).Token.AccessToken!.Reveal());
        Assert.Equal(TimeSpan.FromSeconds(15), time.GetUtcNow() - ManualTime.Start);
    }

    [Fact]
    public async Task Slow_down_adds_five_seconds_to_every_later_interval()
    {
        http.Expect(HttpStatusCode.OK, Authorized).Expect(HttpStatusCode.BadRequest, """{"error":"slow_down"}""")
            .Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""")
            .Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""")
            .Expect(HttpStatusCode.OK, Granted);
        var grant = Grant();

        await WaitAsync(grant, await BeginAsync(grant));

        Assert.Equal(TimeSpan.FromSeconds(5 + 10 + 10 + 10), time.GetUtcNow() - ManualTime.Start);
    }

    [Fact]
    public async Task What_is_no_OAuth_answer_does_not_end_the_login()
    {
        http.Expect(HttpStatusCode.OK, Authorized).Expect(HttpStatusCode.Forbidden, "<html>Request blocked</html>")
            .Expect(HttpStatusCode.NotFound, """{"message":"no route"}""").Expect(HttpStatusCode.BadRequest, """{"error":"quota_exceeded"}""")
            .Expect(HttpStatusCode.OK, Granted);
        var grant = Grant();

        Assert.IsType<Renewal.Renewed>(await WaitAsync(grant, await BeginAsync(grant)));
    }

    [Theory]
    [InlineData(403, "access_denied", "rejected on the provider's page")]
    [InlineData(401, "expired_token", "start again")]
    [InlineData(400, "expired_token", "start again")]
    [InlineData(400, "invalid_grant", "start again")]
    [InlineData(400, "authorization_declined", "rejected on the provider's page")]
    [InlineData(400, "code_expired", "start again")]
    public async Task A_decision_ends_the_polling(int status, string error, string said)
    {
        http.Expect(HttpStatusCode.OK, Authorized).Expect((HttpStatusCode)status, $$"""{"error":"{{error}}"}""");
        var grant = Grant();

        var outcome = await WaitAsync(grant, await BeginAsync(grant));

        Assert.Contains(said, Assert.IsType<Renewal.InvalidGrant>(outcome).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_expired_code_is_not_polled()
    {
        http.Expect(HttpStatusCode.OK, Authorized.Replace("300", "12")).Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""")
            .Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""");
        var grant = Grant();

        Assert.IsType<Renewal.InvalidGrant>(await WaitAsync(grant, await BeginAsync(grant)));
        Assert.Equal(TimeSpan.FromSeconds(12), time.GetUtcNow() - ManualTime.Start);
    }

    [Fact]
    public async Task Timeouts_and_lost_connections_slow_the_polling_down_until_the_next_response()
    {
        http.Expect(HttpStatusCode.OK, Authorized).ExpectFailure(new HttpRequestException("reset")).ExpectFailure(new HttpRequestException("reset"))
            .Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""").Expect(HttpStatusCode.OK, Granted);
        var grant = Grant();

        Assert.IsType<Renewal.Renewed>(await WaitAsync(grant, await BeginAsync(grant)));
        Assert.Equal(TimeSpan.FromSeconds(5 + 10 + 20 + 5), time.GetUtcNow() - ManualTime.Start);
    }

    [Fact]
    public async Task Retry_after_is_honoured_while_polling()
    {
        http.Expect(HttpStatusCode.OK, Authorized).Expect((HttpStatusCode)429, "", ("Retry-After", "40")).Expect(HttpStatusCode.OK, Granted);
        var grant = Grant();

        await WaitAsync(grant, await BeginAsync(grant));

        Assert.Equal(TimeSpan.FromSeconds(45), time.GetUtcNow() - ManualTime.Start);
    }

    [Fact]
    public async Task Cancelling_stops_the_polling()
    {
        http.Expect(HttpStatusCode.OK, Authorized);
        var grant = Grant();
        var authorization = await BeginAsync(grant);
        using var givenUp = new CancellationTokenSource();
        var waiting = grant.WaitAsync(authorization, givenUp.Token);

        await givenUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    private DeviceCodeGrant Grant(bool pkce = false, Func<Renewal, Renewal>? explain = null)
    {
        TokenEndpoint At(string path) =>
            new(http.Client, new Uri("https://provider.example" + path), new OAuthClient("app", null, ClientAuthentication.None), time);
        return new DeviceCodeGrant(At("/device/code"), At("/token"), ["read", "write"], time, pkce)
        {
            Explain = explain is null ? null : (failure, _) => Task.FromResult(explain(failure)),
        };
    }

    private static async Task<DeviceAuthorization> BeginAsync(DeviceCodeGrant grant)
    {
        var (authorization, failure) = await grant.BeginAsync(Cancellation);
        Assert.Null(failure);
        return authorization!;
    }

    private async Task<Renewal> WaitAsync(DeviceCodeGrant grant, DeviceAuthorization authorization)
    {
        var waiting = grant.WaitAsync(authorization, Cancellation);
        await time.AdvanceUntilAsync(() => waiting.IsCompleted, TimeSpan.FromMinutes(10));
        return await waiting;
    }

    private Dictionary<string, string> Form(int call) => Forms.Read(http.Calls[call].Body);
}
