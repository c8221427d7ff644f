using System.Net;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>RFC 8628 against a scripted server: every call is expected, and no test waits on the real clock.</summary>
public sealed class DeviceCodeGrantTests : IDisposable
{
    private const string Begun =
        """{"device_code":"device-1","user_code":"WDJB-MJHT","verification_uri":"https://provider.example/device","interval":5,"expires_in":300}""";

    private const string Granted = """{"access_token":"access-1","refresh_token":"refresh-1","expires_in":3600}""";

    private readonly ManualTime time = new();
    private readonly StubHttp http = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => http.Dispose();

    [Fact]
    public async Task The_person_is_shown_the_address_and_the_code()
    {
        http.Expect(HttpStatusCode.OK, Begun);

        var begun = await BeginAsync(Grant());

        Assert.Equal("https://provider.example/device", begun.Verification.OriginalString);
        Assert.Equal("WDJB-MJHT", begun.UserCode);
        Assert.Equal(ManualTime.Start + TimeSpan.FromMinutes(5), begun.Deadline);
        Assert.Equal("https://provider.example/device?user_code=WDJB-MJHT", begun.Link.OriginalString);
        Assert.Equal(("app", "read write"), (Form(0)["client_id"], Form(0)["scope"]));
    }

    [Fact]
    public async Task The_complete_address_is_the_link_where_the_cloud_gives_one()
    {
        http.Expect(HttpStatusCode.OK, Begun.Replace("\"interval\"", "\"verification_uri_complete\":\"https://provider.example/device/WDJB\",\"interval\""));

        Assert.Equal("https://provider.example/device/WDJB", (await BeginAsync(Grant())).Link.OriginalString);
    }

    [Fact]
    public async Task A_misspelt_verification_url_is_read_and_a_missing_interval_is_five_seconds()
    {
        http.Expect(HttpStatusCode.OK, """{"device_code":"d","user_code":"u","verification_url":"https://provider.example/go"}""");

        var begun = await BeginAsync(Grant());

        Assert.Equal("https://provider.example/go", begun.Verification.OriginalString);
        Assert.Equal(TimeSpan.FromSeconds(5), begun.Interval);
    }

    [Theory]
    [InlineData("""{"user_code":"u","verification_uri":"https://provider.example"}""")]
    [InlineData("""{"device_code":"d","verification_uri":"https://provider.example"}""")]
    [InlineData("""{"device_code":"d","user_code":"u"}""")]
    [InlineData("""{"device_code":"d","user_code":"u","verification_uri":"nowhere"}""")]
    public async Task An_answer_that_nobody_can_act_on_begins_nothing(string answer)
    {
        http.Expect(HttpStatusCode.OK, answer);

        var (begun, failure) = await Grant().BeginAsync(Cancellation);

        Assert.Null(begun);
        Assert.Equal(FailureKind.MalformedAnswer, Assert.IsType<Renewal.Transient>(failure).Kind);
    }

    [Fact]
    public async Task A_client_that_is_not_known_is_refused_at_the_beginning()
    {
        http.Expect(HttpStatusCode.Unauthorized, """{"error":"invalid_client"}""");

        Assert.IsType<Renewal.InvalidClient>((await Grant().BeginAsync(Cancellation)).Failure);
    }

    [Fact]
    public async Task The_verifier_sent_at_the_end_proves_the_challenge_sent_at_the_beginning()
    {
        http.Expect(HttpStatusCode.OK, Begun).Expect(HttpStatusCode.OK, Granted);
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
    public async Task Polling_keeps_the_interval_until_the_person_has_decided()
    {
        http.Expect(HttpStatusCode.OK, Begun).Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""")
            .Expect(HttpStatusCode.BadRequest, """{"error":"authorization_pending"}""").Expect(HttpStatusCode.OK, Granted);
        var grant = Grant();

        var outcome = await WaitAsync(grant, await BeginAsync(grant));

        Assert.Equal("access-1", Assert.IsType<Renewal.Renewed>(outcome).Token.AccessToken!.Reveal());
        Assert.Equal(TimeSpan.FromSeconds(15), time.GetUtcNow() - ManualTime.Start);
    }

    [Fact]
    public async Task Slow_down_makes_every_later_pause_five_seconds_longer()
    {
        http.Expect(HttpStatusCode.OK, Begun).Expect(HttpStatusCode.BadRequest, """{"error":"slow_down"}""")
            .Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""").Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""")
            .Expect(HttpStatusCode.OK, Granted);
        var grant = Grant();

        await WaitAsync(grant, await BeginAsync(grant));

        Assert.Equal(TimeSpan.FromSeconds(5 + 10 + 10 + 10), time.GetUtcNow() - ManualTime.Start);
    }

    [Theory]
    [InlineData(403, "access_denied", "rejected on the provider's page")]
    [InlineData(401, "expired_token", "start again")]
    [InlineData(400, "expired_token", "start again")]
    [InlineData(400, "invalid_grant", "start again")]
    public async Task A_decision_ends_it(int status, string error, string said)
    {
        http.Expect(HttpStatusCode.OK, Begun).Expect((HttpStatusCode)status, $$"""{"error":"{{error}}"}""");
        var grant = Grant();

        var outcome = await WaitAsync(grant, await BeginAsync(grant));

        Assert.Contains(said, Assert.IsType<Renewal.InvalidGrant>(outcome).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_code_that_ended_is_not_polled_for()
    {
        http.Expect(HttpStatusCode.OK, Begun.Replace("300", "12")).Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""")
            .Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""");
        var grant = Grant();

        Assert.IsType<Renewal.InvalidGrant>(await WaitAsync(grant, await BeginAsync(grant)));
        Assert.Equal(TimeSpan.FromSeconds(12), time.GetUtcNow() - ManualTime.Start);
    }

    [Fact]
    public async Task Silence_and_lost_connections_are_waited_out_ever_more_slowly_and_then_at_the_interval_again()
    {
        http.Expect(HttpStatusCode.OK, Begun).ExpectFailure(new HttpRequestException("reset")).ExpectFailure(new HttpRequestException("reset"))
            .Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""").Expect(HttpStatusCode.OK, Granted);
        var grant = Grant();

        Assert.IsType<Renewal.Renewed>(await WaitAsync(grant, await BeginAsync(grant)));
        Assert.Equal(TimeSpan.FromSeconds(5 + 10 + 20 + 5), time.GetUtcNow() - ManualTime.Start);
    }

    [Fact]
    public async Task Retry_after_is_honoured_while_polling()
    {
        http.Expect(HttpStatusCode.OK, Begun).Expect((HttpStatusCode)429, "", ("Retry-After", "40")).Expect(HttpStatusCode.OK, Granted);
        var grant = Grant();

        await WaitAsync(grant, await BeginAsync(grant));

        Assert.Equal(TimeSpan.FromSeconds(45), time.GetUtcNow() - ManualTime.Start);
    }

    [Fact]
    public async Task Giving_up_ends_the_polling()
    {
        http.Expect(HttpStatusCode.OK, Begun);
        var grant = Grant();
        var begun = await BeginAsync(grant);
        using var givenUp = new CancellationTokenSource();
        var waiting = grant.WaitAsync(begun, givenUp.Token);

        await givenUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    private DeviceCodeGrant Grant(bool pkce = false)
    {
        TokenEndpoint At(string path) => new(http.Client, new Uri("https://provider.example" + path), new OAuthClient("app", null, ClientAuthentication.None), time);
        return new DeviceCodeGrant(At("/device/code"), At("/token"), ["read", "write"], time, pkce);
    }

    private static async Task<DeviceAuthorization> BeginAsync(DeviceCodeGrant grant)
    {
        var (begun, failure) = await grant.BeginAsync(Cancellation);
        Assert.Null(failure);
        return begun!;
    }

    private async Task<Renewal> WaitAsync(DeviceCodeGrant grant, DeviceAuthorization begun)
    {
        var waiting = grant.WaitAsync(begun, Cancellation);
        await time.AdvanceUntilAsync(() => waiting.IsCompleted, TimeSpan.FromMinutes(10));
        return await waiting;
    }

    private Dictionary<string, string> Form(int call) => Forms.Read(http.Calls[call].Body);
}
