using System.Net;
using Exporter.Ergani;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Ergani;

/// <summary>The exporter locks no user: the login record survives restarts. Each <see cref="Login"/> is a process of its own.</summary>
public sealed class LoginThrottleTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private string Record => directory["token.json.log-ins"];

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Wrong_credentials_are_sent_once_across_restarts()
    {
        using (var first = new Login(recordFile: Record))
        {
            first.Expect(HttpStatusCode.Unauthorized);
            Assert.Null(await first.UseAsync());
        }
        for (var start = 0; start < 5; start++)
        {
            using var next = new Login(recordFile: Record);
            next.Time.Advance(TimeSpan.FromDays(start));
            Assert.Null(await next.UseAsync());
            Assert.Contains(Record, Assert.IsType<TokenState.InvalidClient>(next.TokenManager.Snapshot.State).Reason);
            Assert.Empty(next.Http.Calls);
        }
    }

    [Fact]
    public async Task A_retry_does_not_send_rejected_credentials_again()
    {
        using var login = new Login(recordFile: Record);
        login.Expect(HttpStatusCode.Unauthorized);
        await login.UseAsync();

        for (var hour = 0; hour < 48; hour++)
        {
            login.Time.Advance(TimeSpan.FromHours(1));
            await login.TokenManager.VisitAsync(Login.Cancellation);
        }

        Assert.Single(login.Http.Calls);
    }

    [Theory]
    [InlineData("password")]
    [InlineData("username")]
    [InlineData("user type")]
    [InlineData("environment")]
    [InlineData("file")]
    public async Task A_changed_configuration_or_a_removed_record_allows_the_next_login(string change)
    {
        using (var first = new Login(recordFile: Record))
        {
            first.Expect(HttpStatusCode.Unauthorized);
            await first.UseAsync();
        }
        var credentials = change switch
        {
            "password" => Login.Credentials with { Password = new Secret("right") },
            "username" => Login.Credentials with { Username = "other" },
            "user type" => Login.Credentials with { UserType = ErganiCredentials.Construction },
            "environment" => Login.Credentials with { Environment = ErganiEnvironment.Production },
            _ => Login.Credentials,
        };
        if (change == "file")
        {
            File.Delete(Record);
        }

        using var next = new Login(credentials: credentials, recordFile: Record);
        next.Time.Advance(TimeSpan.FromMinutes(1));
        next.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.NotNull(await next.UseAsync());
    }

    [Fact]
    public async Task A_restart_loop_logs_in_less_and_less_often()
    {
        var time = new ManualTime();
        var sent = 0;
        for (var minute = 0; minute < 180; minute++)
        {
            // No start has a token.
            using var login = new Login(recordFile: Record);
            login.Time.Advance(time.GetUtcNow() - ManualTime.Start);
            var grant = new ErganiGrant(Login.Credentials, new HttpClient(new Counting(() => sent++)), login.Time, Record);
            await grant.RenewAsync(null, Login.Cancellation);
            time.Advance(TimeSpan.FromMinutes(1));
        }

        // At 0, 1, 3, 7, 15, 31, 63 and 123 minutes.
        Assert.Equal(8, sent);
    }

    [Fact]
    public async Task A_refresh_resets_the_consecutive_logins()
    {
        using var login = new Login(recordFile: Record);
        login.Expect(HttpStatusCode.OK, Login.Answer("one", refreshEnds: "2026-12-24T00:00:00Z"));
        await login.UseAsync();
        login.Time.Advance(TimeSpan.FromMinutes(2));
        login.Expect(HttpStatusCode.OK, Login.Answer("two", refreshEnds: "2026-12-24T00:00:00Z"));
        await login.TokenManager.RenewAsync(null, Login.Cancellation);

        Assert.DoesNotContain("LastAt\":\"2026", File.ReadAllText(Record));
    }

    [Fact]
    public async Task A_login_without_a_response_counts()
    {
        using (var first = new Login(recordFile: Record))
        {
            first.Http.ExpectFailure(new HttpRequestException("connection reset"));
            await first.UseAsync();
        }
        using var next = new Login(recordFile: Record);
        next.Time.Advance(TimeSpan.FromSeconds(30));

        Assert.Null(await next.UseAsync());

        Assert.Contains("the next is not sent before 2026-11-21 12:01:00Z", next.TokenManager.Snapshot.History.LastError);
    }

    [Fact]
    public async Task Retry_After_is_obeyed_across_a_restart()
    {
        using (var first = new Login(recordFile: Record))
        {
            first.Expect(HttpStatusCode.TooManyRequests, "", ("Retry-After", "7200"));
            await first.UseAsync();
        }
        using (var early = new Login(recordFile: Record))
        {
            early.Time.Advance(TimeSpan.FromMinutes(119));
            Assert.Null(await early.UseAsync());
        }
        using var next = new Login(recordFile: Record);
        next.Time.Advance(TimeSpan.FromMinutes(121));
        next.Expect(HttpStatusCode.OK, Login.Answer());
        Assert.NotNull(await next.UseAsync());
    }

    [Fact]
    public async Task The_record_is_private_and_contains_neither_name_nor_password()
    {
        using var login = new Login(recordFile: Record);
        login.Expect(HttpStatusCode.Unauthorized, """{"message":"wrong: username / password-of-mine"}""");
        await login.UseAsync();

        var text = File.ReadAllText(Record);
        Assert.Equal(AtomicFile.OwnerOnly, File.GetUnixFileMode(Record));
        Assert.DoesNotContain("username ", text);
        Assert.DoesNotContain("password-of-mine", text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("""{"Refusal":"x","Key":"zz","Credentials":"abc"}""")]
    [InlineData("""{"LastAt":"2099-01-01T00:00:00Z","NextAt":"2099-02-01T00:00:00Z","Count":2147483647}""")]
    public async Task A_damaged_or_future_record_blocks_no_login(string content)
    {
        File.WriteAllText(Record, content);
        using var login = new Login(recordFile: Record);
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.NotNull(await login.UseAsync());
    }

    [Fact]
    public async Task Without_a_writable_record_the_process_still_remembers()
    {
        using var login = new Login(recordFile: Path.Combine(directory.Path, "missing", "record"));
        login.Expect(HttpStatusCode.Unauthorized);

        Assert.Null(await login.UseAsync());
        await login.TokenManager.RenewAsync(null, Login.Cancellation);

        Assert.Single(login.Http.Calls);
    }

    private sealed class Counting(Action count) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            count();
            return Task.FromResult(StubHttp.Answer(HttpStatusCode.OK, Login.Answer()));
        }
    }
}
