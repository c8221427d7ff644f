using System.Net;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>RFC 6749, section 4.3, with a scripted server and manual time.</summary>
public sealed class PasswordGrantTests : IDisposable
{
    private const string Rejected = """{"error":"invalid_grant","error_description":"wrong pass&word for ann"}""";

    private readonly StubHttp http = new();
    private readonly ManualTime time = new();
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string RecordFile => directory["token.json.rejected-password"];

    public void Dispose()
    {
        http.Dispose();
        directory.Dispose();
    }

    [Fact]
    public async Task The_password_is_sent_without_a_refresh_token()
    {
        http.Expect(HttpStatusCode.OK, """{"access_token":"access-1","refresh_token":"refresh-1","expires_in":3600}""");

        var renewed = Assert.IsType<Renewal.Renewed>(await Grant().RenewAsync(null, Cancellation));

        Assert.Equal("grant_type=password&username=ann&password=pass%26word&scope=read&client_id=app", http.Calls.Single().Body);
        Assert.Equal(("access-1", "refresh-1"), (renewed.Token.AccessToken?.Reveal(), renewed.Token.RefreshToken?.Reveal()));
    }

    [Fact]
    public async Task The_refresh_token_is_used_while_there_is_one()
    {
        http.Expect(HttpStatusCode.OK, """{"access_token":"access-1","expires_in":3600}""");

        Assert.IsType<Renewal.Renewed>(await Grant().RenewAsync(TokenManagerBench.Some(time), Cancellation));

        Assert.Equal("grant_type=refresh_token&refresh_token=refresh-0&client_id=app", http.Calls.Single().Body);
    }

    [Fact]
    public async Task A_rejected_refresh_token_leads_to_the_password_and_does_not_stay()
    {
        http.Expect(HttpStatusCode.BadRequest, """{"error":"invalid_grant"}""").Expect(HttpStatusCode.OK, """{"access_token":"access-1"}""");

        var renewed = Assert.IsType<Renewal.Renewed>(await Grant().RenewAsync(TokenManagerBench.Some(time), Cancellation));

        Assert.Equal(("access-1", null), (renewed.Token.AccessToken?.Reveal(), renewed.Token.RefreshToken));
    }

    [Fact]
    public async Task A_temporary_failure_of_the_refresh_token_sends_no_password()
    {
        http.Expect(HttpStatusCode.ServiceUnavailable);

        Assert.IsType<Renewal.Transient>(await Grant().RenewAsync(TokenManagerBench.Some(time), Cancellation));
    }

    [Fact]
    public async Task A_rejected_password_is_not_sent_again_even_after_a_restart()
    {
        http.Expect(HttpStatusCode.BadRequest, Rejected);
        var grant = Grant();

        var first = Assert.IsType<Renewal.InvalidClient>(await grant.RenewAsync(null, Cancellation));
        var second = Assert.IsType<Renewal.InvalidClient>(await grant.RenewAsync(null, Cancellation));
        var restarted = Assert.IsType<Renewal.InvalidClient>(await Grant().RenewAsync(null, Cancellation));

        Assert.Equal(
            "the user name or the password is not accepted (HTTP 400, invalid_grant: wrong <secret> for ann); change username or password, "
            + $"or remove {RecordFile}: the password is not sent again before that", first.Reason);
        Assert.Equal((first.Reason, first.Reason), (second.Reason, restarted.Reason));
    }

    [Theory]
    [InlineData("bob", "pass&word")]
    [InlineData("ann", "another")]
    public async Task A_changed_user_name_or_password_is_sent(string username, string password)
    {
        http.Expect(HttpStatusCode.BadRequest, Rejected).Expect(HttpStatusCode.OK, """{"access_token":"access-1"}""");
        await Grant().RenewAsync(null, Cancellation);

        Assert.IsType<Renewal.Renewed>(await Grant(username, password).RenewAsync(null, Cancellation));
    }

    [Fact]
    public async Task The_record_contains_no_password_and_only_its_owner_can_read_it()
    {
        http.Expect(HttpStatusCode.BadRequest, Rejected);
        await Grant().RenewAsync(null, Cancellation);

        Assert.DoesNotContain("pass&word", await File.ReadAllTextAsync(RecordFile, Cancellation), StringComparison.Ordinal);
        Assert.Equal(AtomicFile.OwnerOnly, File.GetUnixFileMode(RecordFile));
    }

    [Fact]
    public async Task A_rejected_refresh_token_is_not_sent_again_while_the_password_is_rejected()
    {
        http.Expect(HttpStatusCode.BadRequest, """{"error":"invalid_grant"}""").Expect(HttpStatusCode.BadRequest, Rejected);
        var grant = Grant();

        await grant.RenewAsync(TokenManagerBench.Some(time), Cancellation);

        Assert.IsType<Renewal.InvalidClient>(await grant.RenewAsync(TokenManagerBench.Some(time), Cancellation));
    }

    [Fact]
    public async Task A_missing_consent_is_not_a_rejected_password()
    {
        http.Expect(HttpStatusCode.BadRequest, """{"error":"consent_required"}""").Expect(HttpStatusCode.OK, """{"access_token":"access-1"}""");
        var grant = Grant();

        Assert.IsType<Renewal.InvalidClient>(await grant.RenewAsync(null, Cancellation));

        Assert.IsType<Renewal.Renewed>(await grant.RenewAsync(null, Cancellation));
        Assert.False(File.Exists(RecordFile));
    }

    [Fact]
    public async Task A_record_that_cannot_be_saved_counts_until_a_restart()
    {
        http.Expect(HttpStatusCode.BadRequest, Rejected);
        Directory.CreateDirectory(RecordFile);
        var grant = Grant();

        await grant.RenewAsync(null, Cancellation);

        Assert.IsType<Renewal.InvalidClient>(await grant.RenewAsync(null, Cancellation));
    }

    [Fact]
    public async Task An_unknown_answer_to_a_password_waits_a_quarter_of_an_hour()
    {
        http.Expect(HttpStatusCode.Unauthorized, "{}");

        var failed = Assert.IsType<Renewal.Transient>(await Grant().RenewAsync(null, Cancellation));

        Assert.Equal((FailureKind.UnknownAnswer, TimeSpan.FromMinutes(15)), (failed.Kind, failed.RetryAfter));
    }

    private PasswordGrant Grant(string username = "ann", string password = "pass&word") => new(
        new TokenEndpoint(http.Client, new Uri("https://id.example/token"), new OAuthClient("app", null, ClientAuthentication.None), time),
        new PasswordCredentials(username, new Secret(password)), ["read"], time, RecordFile);
}
