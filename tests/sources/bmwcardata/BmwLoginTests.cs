using System.Net;
using Exporter.BmwCarData;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>The login with scripted responses of BMW.</summary>
public sealed class BmwLoginTests : IDisposable
{
    private const string Configured = "11111111-2222-4333-8444-555555555555";
    private const string InFile = "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE";

    private const string DeviceResponse =
        """{"user_code":"ABCD1234","device_code":"device-1","interval":5,"expires_in":300,"verification_uri":"https://bmw.example/oneid/link"}""";

    private const string ServerError =
        """{"fault":{"faultstring":"Invalid Access Token","detail":{"errorcode":"keymanagement.service.invalid_access_token"}}}""";

    private const string TokenResponse = """
        {"access_token":"a-2","refresh_token":"r-2","id_token":"i-2","expires_in":3599,"token_type":"Bearer","gcid":"gcid-2",
         "scope":"openid authenticate_user"}
        """;

    private readonly ManualTime time = new();
    private readonly StubHttp http = new();
    private Token? current;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => http.Dispose();

    [Fact]
    public async Task The_device_request_has_the_parameters_of_BMW()
    {
        http.Expect(HttpStatusCode.OK, DeviceResponse);

        var (device, _) = await Login().Device.BeginAsync(Cancellation);

        Assert.Equal("https://bmw.example/gcdm/oauth/device/code", http.Calls[0].Request.RequestUri!.OriginalString);
        var form = Form(0);
        Assert.Equal(
            ["client_id", "code_challenge", "code_challenge_method", "response_type", "scope"], form.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(
            (Configured, "device_code", "authenticate_user openid cardata:streaming:read"),
            (form["client_id"], form["response_type"], form["scope"]));
        Assert.Equal("https://bmw.example/oneid/link?user_code=ABCD1234", device!.Link.OriginalString);
    }

    [Theory]
    [InlineData(false, "authenticate_user openid cardata:streaming:read")]
    [InlineData(true, "authenticate_user openid cardata:streaming:read cardata:api:read")]
    public async Task A_login_requests_the_scopes_that_the_configuration_needs(bool rest, string scope)
    {
        http.Expect(HttpStatusCode.OK, DeviceResponse);

        await Login(rest).Device.BeginAsync(Cancellation);

        Assert.Equal(scope, Form(0)["scope"]);
    }

    [Theory]
    [InlineData(false, "cardata:streaming:read", "select Subscribe to CarData Stream, wait a minute, and log in again", 2)]
    [InlineData(true, "cardata:streaming:read", "select Subscribe to CarData Stream, wait a minute, and log in again", 2)]
    [InlineData(true, "cardata:api:read", "select Subscribe to CarData API, wait a minute, and log in again, or turn off rest", 3)]
    [InlineData(true, "cardata", "compare the client ID with the MyBMW portal, select Subscribe to CarData Stream and Subscribe to CarData API", 3)]
    [InlineData(false, "openid", "compare the client ID with the MyBMW portal, select Subscribe to CarData Stream there", 2)]
    public async Task A_login_for_a_service_without_a_subscription_names_the_switch_of_the_portal(bool rest, string missing, string fix, int requests)
    {
        http.Otherwise((_, body) => Forms.Read(body)["scope"].Contains(missing, StringComparison.Ordinal)
            ? StubHttp.Answer(
                HttpStatusCode.BadRequest, """{"error":"invalid_request","error_description":"The request is missing a parameter."}""")
            : StubHttp.Answer(HttpStatusCode.OK, DeviceResponse));

        var (_, failure) = await Login(rest).Device.BeginAsync(Cancellation);

        Assert.Contains(fix, Assert.IsType<Renewal.InvalidGrant>(failure).Reason, StringComparison.Ordinal);
        Assert.Equal(requests, http.Calls.Count);
    }

    [Theory]
    [InlineData(401, """{"error":"invalid_client"}""")]
    [InlineData(503, "")]
    public async Task Any_other_failure_of_a_login_costs_one_request(int status, string body)
    {
        http.Expect((HttpStatusCode)status, body);

        Assert.NotNull((await Login().Device.BeginAsync(Cancellation)).Failure);

        Assert.Single(http.Calls);
    }

    [Fact]
    public async Task A_login_adds_the_members_that_other_programs_read()
    {
        http.Expect(HttpStatusCode.OK, DeviceResponse).Expect(HttpStatusCode.Forbidden, """{"error":"authorization_pending"}""")
            .Expect(HttpStatusCode.OK, TokenResponse);

        var token = Assert.IsType<Renewal.Renewed>(await LogInAsync(Login(Configured, "WBY00000000000017"))).Token;

        Assert.Equal("i-2", token.IdToken!.Reveal());
        Assert.Equal(
            (Configured, "WBY00000000000017", "gcid-2"), (token.Members.Text("client_id"), token.Members.Text("vin"), token.Members.Text("gcid")));
        Assert.Equal(time.GetUtcNow() + TimeSpan.FromDays(14), token.RefreshExpiresAt);
    }

    [Fact]
    public async Task A_login_uses_the_configured_client_instead_of_that_of_the_file()
    {
        current = File();
        http.Expect(HttpStatusCode.OK, DeviceResponse).Expect(HttpStatusCode.OK, TokenResponse);

        var token = Assert.IsType<Renewal.Renewed>(await LogInAsync(Login())).Token;

        Assert.All([0, 1], call => Assert.Equal(Configured, Form(call)["client_id"]));
        Assert.Equal(Configured, token.Members.Text("client_id"));
    }

    [Fact]
    public async Task Without_a_configured_client_a_login_uses_that_of_the_file_in_lower_case()
    {
        current = File();
        http.Expect(HttpStatusCode.OK, DeviceResponse).Expect(HttpStatusCode.OK, TokenResponse);

        await LogInAsync(Login(configured: null));

        Assert.All([0, 1], call => Assert.Equal(InFile.ToLowerInvariant(), Form(call)["client_id"]));
    }

    [Fact]
    public async Task Server_errors_and_a_denial_right_after_them_are_retried()
    {
        http.Expect(HttpStatusCode.OK, DeviceResponse).Expect(HttpStatusCode.InternalServerError, ServerError)
            .Expect(HttpStatusCode.Forbidden, """{"error":"access_denied"}""")
            .Expect(HttpStatusCode.OK, TokenResponse);

        Assert.IsType<Renewal.Renewed>(await LogInAsync(Login()));
    }

    [Fact]
    public async Task A_denial_two_minutes_after_a_server_error_is_final()
    {
        http.Expect(HttpStatusCode.OK, DeviceResponse).Expect(HttpStatusCode.InternalServerError, ServerError);
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
        http.Expect(HttpStatusCode.OK, DeviceResponse).Expect(HttpStatusCode.Forbidden, """{"error":"access_denied"}""");

        Assert.IsType<Renewal.InvalidGrant>(await LogInAsync(Login()));
    }

    [Fact]
    public async Task Server_errors_are_retried_until_the_code_expires()
    {
        http.Expect(HttpStatusCode.OK, DeviceResponse);
        for (var i = 0; i < 7; i++)
        {
            http.Expect(HttpStatusCode.InternalServerError, ServerError);
        }

        Assert.IsType<Renewal.InvalidGrant>(await LogInAsync(Login()));
        Assert.Equal(TimeSpan.FromSeconds(300), time.GetUtcNow() - ManualTime.Start);
    }

    [Fact]
    public async Task The_assumed_expiry_of_a_refresh_token_does_not_stop_a_renewal()
    {
        current = File() with { RefreshExpiresAt = time.GetUtcNow() - TimeSpan.FromDays(365) };
        http.Expect(HttpStatusCode.OK, TokenResponse);

        Assert.IsType<Renewal.Renewed>(await Login().Renewal.RenewAsync(current, Cancellation));
    }

    [Theory]
    [InlineData(400, """{"error":"invalid_request","error_description":"The request is missing a parameter."}""", "rejected the refresh token")]
    [InlineData(400, """{"error":"invalid_grant"}""", "no longer accepted")]
    [InlineData(401, """{"error":"invalid_token"}""", "rejected the refresh token")]
    public async Task A_rejected_refresh_token_is_reported_with_the_cause(int status, string body, string text)
    {
        current = File();
        http.Expect((HttpStatusCode)status, body);

        var rejected = Assert.IsType<Renewal.InvalidGrant>(await Login().Renewal.RenewAsync(current, Cancellation));

        Assert.Contains(text, rejected.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, """{"error":"invalid_client"}""")]
    [InlineData(403, """{"error":"unauthorized_client"}""")]
    public async Task A_deleted_client_ID_keeps_the_token(int status, string body)
    {
        current = File();
        http.Expect((HttpStatusCode)status, body);

        Assert.IsType<Renewal.InvalidClient>(await Login().Renewal.RenewAsync(current, Cancellation));
    }

    [Theory]
    [InlineData(500, ServerError)]
    [InlineData(503, "")]
    [InlineData(429, "")]
    [InlineData(408, "")]
    [InlineData(401, "")]
    public async Task A_transient_error_is_retried_with_the_same_token(int status, string body)
    {
        current = File();
        http.Expect((HttpStatusCode)status, body);

        Assert.IsType<Renewal.Transient>(await Login().Renewal.RenewAsync(current, Cancellation));
    }

    [Fact]
    public async Task A_renewal_keeps_a_missing_gcid_and_uses_the_client_of_the_file()
    {
        current = File();
        http.Expect(HttpStatusCode.OK, """{"access_token":"a-2","refresh_token":"r-2","id_token":"i-2","token_type":"Bearer"}""");

        var token = Assert.IsType<Renewal.Renewed>(await Login().Renewal.RenewAsync(current, Cancellation)).Token;

        Assert.Equal(("refresh_token", "r-1", InFile.ToLowerInvariant()), (Form(0)["grant_type"], Form(0)["refresh_token"], Form(0)["client_id"]));
        Assert.Equal(("gcid-1", InFile), (token.Members.Text("gcid"), token.Members.Text("client_id")));
        // The defaults are an hour and two weeks.
        var now = time.GetUtcNow();
        Assert.Equal((now + TimeSpan.FromHours(1), now + TimeSpan.FromDays(14)), (token.ExpiresAt, token.RefreshExpiresAt));
    }

    [Fact]
    public async Task Without_a_client_ID_nothing_is_sent_and_the_fix_is_reported()
    {
        current = new Token { RefreshToken = new Secret("r-1") };

        var result = await Login(configured: null).Renewal.RenewAsync(current, Cancellation);

        Assert.Contains("client_id", Assert.IsType<Renewal.InvalidClient>(result).Reason, StringComparison.Ordinal);
    }

    private static Token File() => new()
    {
        AccessToken = new Secret("a-1"),
        RefreshToken = new Secret("r-1"),
        Members = JsonMembers.Empty.With("gcid", "gcid-1").With("client_id", InFile),
    };

    private BmwLogin Login(bool rest) => new(Options(Configured) with { Rest = rest }, http.Client, () => current, time);

    private BmwLogin Login(string? configured = Configured, params IReadOnlyList<string> vins) =>
        new(Options(configured, vins), http.Client, () => current, time);

    private static BmwCarDataOptions Options(string? configured, params IReadOnlyList<string> vins) =>
        new(configured, vins, new Uri("https://bmw.example"), "mqtt.example", 9000, MqttLogging: false);

    private async Task<Renewal> LogInAsync(BmwLogin login)
    {
        var (device, failure) = await login.Device.BeginAsync(Cancellation);
        Assert.Null(failure);
        var waiting = login.Device.WaitAsync(device!, Cancellation);
        await time.AdvanceUntilAsync(() => waiting.IsCompleted, TimeSpan.FromMinutes(10));
        return await waiting;
    }

    private Dictionary<string, string> Form(int call) => Forms.Read(http.Calls[call].Body);
}
