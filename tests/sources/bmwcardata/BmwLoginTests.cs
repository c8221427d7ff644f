using System.Net;
using Exporter.BmwCarData;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>BMW's answers, odd ones included, scripted call by call.</summary>
public sealed class BmwLoginTests : IDisposable
{
    private const string Configured = "11111111-2222-4333-8444-555555555555";
    private const string InFile = "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE";

    private const string Begun =
        """{"user_code":"ABCD1234","device_code":"device-1","interval":5,"expires_in":300,"verification_uri":"https://bmw.example/oneid/link"}""";

    private const string Fault = """{"fault":{"faultstring":"Invalid Access Token","detail":{"errorcode":"keymanagement.service.invalid_access_token"}}}""";

    private const string Granted =
        """{"access_token":"a-2","refresh_token":"r-2","id_token":"i-2","expires_in":3599,"token_type":"Bearer","gcid":"gcid-2","scope":"openid authenticate_user"}""";

    private readonly ManualTime time = new();
    private readonly StubHttp http = new();
    private Token? current;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => http.Dispose();

    [Fact]
    public async Task The_device_login_asks_as_BMW_wants_it()
    {
        http.Expect(HttpStatusCode.OK, Begun);

        var (begun, _) = await Login().Device.BeginAsync(Cancellation);

        Assert.Equal("https://bmw.example/gcdm/oauth/device/code", http.Calls[0].Request.RequestUri!.OriginalString);
        var form = Form(0);
        Assert.Equal(
            ["client_id", "code_challenge", "code_challenge_method", "response_type", "scope"], form.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(
            (Configured, "device_code", "authenticate_user openid cardata:streaming:read cardata:api:read"), (form["client_id"], form["response_type"], form["scope"]));
        Assert.Equal("https://bmw.example/oneid/link?user_code=ABCD1234", begun!.Link.OriginalString);
    }

    [Fact]
    public async Task A_login_gives_what_the_readers_of_the_file_look_for()
    {
        http.Expect(HttpStatusCode.OK, Begun).Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""").Expect(HttpStatusCode.OK, Granted);

        var token = Assert.IsType<Renewal.Renewed>(await LogInAsync(Login(Configured, "WBY00000000000017"))).Token;

        Assert.Equal("i-2", token.IdToken!.Reveal());
        Assert.Equal(
            (Configured, "WBY00000000000017", "gcid-2"), (token.Members.Text("client_id"), token.Members.Text("vin"), token.Members.Text("gcid")));
        Assert.Equal(time.GetUtcNow() + TimeSpan.FromDays(14), token.RefreshExpiresAt);
    }

    [Fact]
    public async Task A_login_is_for_the_configured_client_though_the_file_has_another()
    {
        current = File();
        http.Expect(HttpStatusCode.OK, Begun).Expect(HttpStatusCode.OK, Granted);

        var token = Assert.IsType<Renewal.Renewed>(await LogInAsync(Login())).Token;

        Assert.All([0, 1], call => Assert.Equal(Configured, Form(call)["client_id"]));
        Assert.Equal(Configured, token.Members.Text("client_id"));
    }

    [Fact]
    public async Task Without_a_configured_client_the_files_is_used_in_lower_case()
    {
        current = File();
        http.Expect(HttpStatusCode.OK, Begun).Expect(HttpStatusCode.OK, Granted);

        await LogInAsync(Login(configured: null));

        Assert.All([0, 1], call => Assert.Equal(InFile.ToLowerInvariant(), Form(call)["client_id"]));
    }

    [Fact]
    public async Task Server_errors_are_waited_out_until_the_code_ends_and_a_denial_right_after_one_is_not_believed()
    {
        http.Expect(HttpStatusCode.OK, Begun).Expect(HttpStatusCode.InternalServerError, Fault).Expect(HttpStatusCode.Forbidden, """{"error":"access_denied"}""")
            .Expect(HttpStatusCode.OK, Granted);

        Assert.IsType<Renewal.Renewed>(await LogInAsync(Login()));
    }

    [Fact]
    public async Task A_denial_two_minutes_after_a_server_error_is_final()
    {
        http.Expect(HttpStatusCode.OK, Begun).Expect(HttpStatusCode.InternalServerError, Fault);
        for (var i = 0; i < 22; i++)
        {
            http.Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""");
        }
        http.Expect(HttpStatusCode.Forbidden, """{"error":"access_denied"}""");

        Assert.IsType<Renewal.InvalidGrant>(await LogInAsync(Login()));
    }

    [Fact]
    public async Task A_denial_without_a_server_error_before_is_final_at_once()
    {
        http.Expect(HttpStatusCode.OK, Begun).Expect(HttpStatusCode.Forbidden, """{"error":"access_denied"}""");

        Assert.IsType<Renewal.InvalidGrant>(await LogInAsync(Login()));
    }

    [Fact]
    public async Task Five_minutes_of_server_errors_end_with_the_code()
    {
        http.Expect(HttpStatusCode.OK, Begun);
        for (var i = 0; i < 7; i++)
        {
            http.Expect(HttpStatusCode.InternalServerError, Fault);
        }

        Assert.IsType<Renewal.InvalidGrant>(await LogInAsync(Login()));
        Assert.Equal(TimeSpan.FromSeconds(300), time.GetUtcNow() - ManualTime.Start);
    }

    [Theory]
    [InlineData(400, """{"error":"invalid_request","error_description":"The request is missing a required parameter."}""", "does not accept the refresh token")]
    [InlineData(400, """{"error":"invalid_grant"}""", "no longer accepted")]
    [InlineData(401, """{"error":"invalid_token"}""", "does not accept the refresh token")]
    public async Task A_dead_refresh_token_is_told_in_plain_words(int status, string body, string said)
    {
        current = File();
        http.Expect((HttpStatusCode)status, body);

        Assert.Contains(said, Assert.IsType<Renewal.InvalidGrant>(await Login().Renewal.RenewAsync(current, Cancellation)).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, """{"error":"invalid_client"}""")]
    [InlineData(403, """{"error":"unauthorized_client"}""")]
    [InlineData(401, "")]
    public async Task A_client_id_that_is_gone_leaves_the_token_alone(int status, string body)
    {
        current = File();
        http.Expect((HttpStatusCode)status, body);

        Assert.IsType<Renewal.InvalidClient>(await Login().Renewal.RenewAsync(current, Cancellation));
    }

    [Theory]
    [InlineData(500, Fault)]
    [InlineData(503, "")]
    [InlineData(429, "")]
    [InlineData(408, "")]
    public async Task What_passes_is_tried_again_with_the_same_token(int status, string body)
    {
        current = File();
        http.Expect((HttpStatusCode)status, body);

        Assert.IsType<Renewal.Transient>(await Login().Renewal.RenewAsync(current, Cancellation));
    }

    [Fact]
    public async Task A_renewal_keeps_the_gcid_that_the_answer_leaves_out_and_asks_for_the_files_client()
    {
        current = File();
        http.Expect(HttpStatusCode.OK, """{"access_token":"a-2","refresh_token":"r-2","id_token":"i-2","token_type":"Bearer"}""");

        var token = Assert.IsType<Renewal.Renewed>(await Login().Renewal.RenewAsync(current, Cancellation)).Token;

        Assert.Equal(("refresh_token", "r-1", InFile.ToLowerInvariant()), (Form(0)["grant_type"], Form(0)["refresh_token"], Form(0)["client_id"]));
        Assert.Equal(("gcid-1", InFile), (token.Members.Text("gcid"), token.Members.Text("client_id")));
        // An hour where BMW does not say, and two weeks, which it never says.
        Assert.Equal((time.GetUtcNow() + TimeSpan.FromHours(1), time.GetUtcNow() + TimeSpan.FromDays(14)), (token.ExpiresAt, token.RefreshExpiresAt));
    }

    [Fact]
    public async Task Without_any_client_id_nothing_is_sent_and_the_remedy_is_said()
    {
        current = new Token { RefreshToken = new Secret("r-1") };

        Assert.Contains("client_id", Assert.IsType<Renewal.InvalidClient>(await Login(configured: null).Renewal.RenewAsync(current, Cancellation)).Reason, StringComparison.Ordinal);
    }

    private static Token File() => new()
    {
        AccessToken = new Secret("a-1"),
        RefreshToken = new Secret("r-1"),
        Members = JsonMembers.Empty.With("gcid", "gcid-1").With("client_id", InFile),
    };

    private BmwLogin Login(string? configured = Configured, params IReadOnlyList<string> vins) => new(
        new BmwCarDataOptions(configured, vins, new Uri("https://bmw.example"), "mqtt.example", 9000, MqttLogging: false), http.Client, () => current, time);

    private async Task<Renewal> LogInAsync(BmwLogin login)
    {
        var (begun, failure) = await login.Device.BeginAsync(Cancellation);
        Assert.Null(failure);
        var waiting = login.Device.WaitAsync(begun!, Cancellation);
        await time.AdvanceUntilAsync(() => waiting.IsCompleted, TimeSpan.FromMinutes(10));
        return await waiting;
    }

    private Dictionary<string, string> Form(int call) => Forms.Read(http.Calls[call].Body);
}
