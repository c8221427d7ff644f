using System.Net;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Renewals after which the login is kept, although they look lost or useless.</summary>
public sealed class UnusualRenewalTests : IDisposable
{
    private static readonly TimeSpan[] Waits = [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15), TimeSpan.FromHours(1)];

    private readonly StubHttp http = new();
    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => http.Dispose();

    [Fact]
    public async Task A_rejected_token_is_tried_slowly_for_a_day_if_the_provider_is_known_for_passing_rejections()
    {
        http.Otherwise((_, _) => StubHttp.Answer(HttpStatusCode.BadRequest, """{"error":"invalid_grant"}"""));
        using var bench = await BenchAsync(Waits);

        await bench.WhenDue();
        var since = Assert.IsType<TokenState.Lost>(bench.State).Since;
        var tries = new List<TimeSpan>();
        while (bench.TokenManager.NextRenewal is { } next)
        {
            Assert.Equal(next, Assert.IsType<TokenState.Lost>(bench.State).RetryAt);
            tries.Add(next - time.GetUtcNow());
            await bench.WhenDue();
        }

        Assert.Equal(Waits, tries.Take(4));
        Assert.All(tries.Skip(4), wait => Assert.Equal(TimeSpan.FromHours(1), wait));
        Assert.InRange(time.GetUtcNow() - since, TimeSpan.FromDays(1), TimeSpan.FromHours(25));
        Assert.Equal(http.Calls.Count, bench.Snapshot.History.Failures[FailureKind.GrantRejected]);
        Assert.Equal(since, Assert.IsType<TokenState.Lost>(bench.State).Since);
        Assert.Single(bench.Logs.At(LogLevel.Error));
        Assert.Empty(bench.Logs.At(LogLevel.Warning));
    }

    [Fact]
    public async Task A_later_success_ends_the_loss_and_is_logged()
    {
        http.Expect(HttpStatusCode.BadRequest, """{"error":"invalid_grant"}""").Expect(HttpStatusCode.ServiceUnavailable)
            .Expect(HttpStatusCode.Unauthorized, """{"error":"invalid_client"}""").Expect(HttpStatusCode.OK, """{"access_token":"a","expires_in":60}""");
        using var bench = await BenchAsync(Waits);

        await bench.WhenDue();
        await bench.WhenDue();
        Assert.IsType<TokenState.Lost>(bench.State);
        await bench.WhenDue();
        Assert.IsType<TokenState.Lost>(bench.State);
        await bench.WhenDue();

        Assert.Equal(("a", "refresh-0"), (bench.Access, bench.Refresh));
        Assert.Null(bench.Snapshot.History.LastError);
        Assert.Contains(bench.Logs.All, line => line.Contains("accepts the refresh token again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Retry_after_postpones_the_next_try_of_a_rejected_token()
    {
        http.Expect(HttpStatusCode.BadRequest, """{"error":"invalid_grant"}""").Expect(HttpStatusCode.TooManyRequests, "", ("Retry-After", "1800"));
        using var bench = await BenchAsync(Waits);

        await bench.WhenDue();
        await bench.WhenDue();

        Assert.Equal(time.GetUtcNow().AddMinutes(30), bench.TokenManager.NextRenewal);
    }

    [Fact]
    public async Task A_rejected_token_is_final_by_default_and_if_it_cannot_be_sent()
    {
        http.Expect(HttpStatusCode.BadRequest, """{"error":"invalid_grant"}""");
        using var byDefault = await BenchAsync([]);
        await byDefault.WhenDue();
        using var ofAnother = await BenchAsync(Waits, client: "another");
        await ofAnother.WhenDue();

        Assert.Equal((null, null), (byDefault.TokenManager.NextRenewal, ofAnother.TokenManager.NextRenewal));
        Assert.IsType<TokenState.Lost>(ofAnother.State);
    }

    [Fact]
    public async Task A_login_ends_the_tries()
    {
        http.Expect(HttpStatusCode.BadRequest, """{"error":"invalid_grant"}""");
        using var bench = await BenchAsync(Waits);
        await bench.WhenDue();

        await bench.TokenManager.AdoptAsync(TokenManagerBench.Some(time, number: "9"), Cancellation);

        Assert.IsType<TokenState.Active>(bench.State);
        Assert.Equal("refresh-9", bench.Refresh);
    }

    [Theory]
    [InlineData("\"access_token\":\"a\",\"token_type\":\"mac\"", "token_type is mac")]
    [InlineData("\"access_token\":123", "no access token that is text")]
    [InlineData("\"access_token\":null", "no access token that is text")]
    public async Task A_token_that_cannot_be_used_is_saved_for_its_refresh_token(string members, string problem)
    {
        http.Otherwise((_, body) => StubHttp.Answer(HttpStatusCode.OK, $$"""{{{members}},"refresh_token":"r-{{http.Calls.Count}}","expires_in":3600}"""));
        using var bench = await BenchAsync([]);

        await bench.WhenDue();

        Assert.Equal(("r-1", "r-1"), (bench.Refresh, await bench.StoredRefresh()));
        Assert.False(bench.State.Token!.IsUsable(time.GetUtcNow()));
        Assert.Contains(problem, bench.Snapshot.History.LastError, StringComparison.Ordinal);
        Assert.Equal(1, bench.Snapshot.History.Failures[FailureKind.UnknownAnswer]);
        var started = time.GetUtcNow();
        while (time.GetUtcNow() - started < TimeSpan.FromDays(2))
        {
            await bench.WhenDue();
        }
        Assert.InRange(http.Calls.Count, 48, 160);

        http.Otherwise((_, _) => StubHttp.Answer(HttpStatusCode.OK, """{"access_token":"good","expires_in":3600}"""));
        await bench.WhenDue();
        Assert.Equal(("good", true), (bench.Access, bench.State.Token!.IsUsable(time.GetUtcNow())));
    }

    [Fact]
    public async Task Unknown_answers_back_off_to_an_hour()
    {
        http.Otherwise((_, _) => StubHttp.Answer(HttpStatusCode.Forbidden, "<html></html>"));
        using var bench = await BenchAsync([]);

        for (var i = 0; i < 30; i++)
        {
            await bench.WhenDue();
        }

        var waits = new List<TimeSpan>();
        for (var i = 0; i < 50; i++)
        {
            waits.Add(bench.TokenManager.NextRenewal!.Value - time.GetUtcNow());
            await bench.WhenDue();
        }
        Assert.InRange(waits.Max(), TimeSpan.FromMinutes(50), TimeSpan.FromHours(1));
        Assert.IsType<TokenState.Active>(bench.State);
    }

    [Fact]
    public async Task An_assumed_expiry_never_stops_a_request()
    {
        http.Expect(HttpStatusCode.OK, """{"access_token":"a","expires_in":0}""").Otherwise((_, _) => StubHttp.Answer(HttpStatusCode.BadGateway, ""));
        using var bench = await BenchAsync([]);
        await bench.WhenDue();

        time.Advance(TimeSpan.FromHours(5));

        Assert.True(bench.State.Token!.ExpiresAt < time.GetUtcNow());
        Assert.Equal("a", (await bench.TokenManager.GetTokenAsync(Cancellation))?.AccessToken?.Reveal());
    }

    private Task<TokenManagerBench> BenchAsync(IReadOnlyList<TimeSpan> rejectionRetries, string? client = null)
    {
        var endpoint = new TokenEndpoint(http.Client, new Uri("https://provider.example/token"), new OAuthClient(client ?? "id", null), time);
        var token = TokenManagerBench.Some(time);
        var store = new MemoryStore(client is null ? token : token with { Members = token.Members.With("client_id", "id") });
        return new TokenManagerBench(
            store, time, new TokenManagerOptions { RejectionRetries = rejectionRetries }, new RefreshTokenGrant(endpoint, time)).Loaded();
    }
}
