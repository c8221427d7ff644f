using System.Net;
using Exporter.Ergani;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Ergani;

/// <summary>No account is locked by us: what is on record of log-ins holds across restarts. Each Login here is a process of its own.</summary>
public sealed class LoginRecordTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private string Record => directory["token.json.log-ins"];

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Wrong_credentials_are_sent_once_however_often_the_program_is_started()
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
    public async Task The_same_process_does_not_try_them_again_either_when_its_slow_retry_comes()
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
    public async Task A_change_of_the_configuration_or_a_removed_record_allows_the_next_try(string change)
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
    public async Task A_loop_of_restarts_logs_in_ever_more_seldom()
    {
        var time = new ManualTime();
        var sent = 0;
        for (var minute = 0; minute < 180; minute++)
        {
            // Nothing is kept: every start has no token.
            using var login = new Login(recordFile: Record);
            login.Time.Advance(time.GetUtcNow() - ManualTime.Start);
            var asked = new ErganiGrant(Login.Credentials, new HttpClient(new Counting(() => sent++)), login.Time, Record);
            await asked.RenewAsync(null, Login.Cancellation);
            time.Advance(TimeSpan.FromMinutes(1));
        }

        // At 0, 1, 3, 7, 15, 31, 63 and 123 minutes.
        Assert.Equal(8, sent);
    }

    [Fact]
    public async Task A_refresh_makes_the_next_login_the_first_of_its_row()
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
    public async Task An_answer_that_did_not_come_counts_as_a_login()
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
    public async Task Patience_that_the_cloud_asked_for_is_kept_across_a_restart()
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
    public async Task The_record_is_for_the_owner_and_holds_neither_name_nor_password()
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
    public async Task A_record_that_is_damaged_or_of_another_time_locks_nobody_out(string content)
    {
        File.WriteAllText(Record, content);
        using var login = new Login(recordFile: Record);
        login.Expect(HttpStatusCode.OK, Login.Answer());

        Assert.NotNull(await login.UseAsync());
    }

    [Fact]
    public async Task Where_no_record_can_be_kept_the_process_still_remembers()
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
