using System.Net;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Requests to a provider's API, and renewals after a rejected token.</summary>
public sealed class TokenHandlerTests : IDisposable
{
    private readonly StubHttp http = new();
    private readonly TokenManagerBench bench = new();
    private readonly HttpClient client;

    public TokenHandlerTests() =>
        client = new HttpClient(new TokenHandler(bench.TokenManager, (response, _) => new(response.StatusCode == HttpStatusCode.Unauthorized))
        {
            InnerHandler = http,
        });

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        client.Dispose();
        bench.Dispose();
    }

    [Fact]
    public async Task Row_28_a_rejected_token_is_renewed_once_and_the_request_is_sent_once_more()
    {
        await bench.Loaded();
        http.Expect(HttpStatusCode.Unauthorized).Expect(HttpStatusCode.OK, "reading");

        var answer = await client.PostAsync(new Uri("http://provider/data"), new StringContent("question"), Cancellation);

        Assert.Equal("reading", await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(["question", "question"], http.Calls.Select(c => c.Body));
        Assert.Equal("Bearer access-1", http.Calls[1].Request.Headers.Authorization?.ToString());
        Assert.Equal(1, bench.Grant.Requests);
    }

    [Fact]
    public async Task Row_28_after_a_second_rejection_the_token_is_not_renewed_again()
    {
        await bench.Loaded();
        http.Expect(HttpStatusCode.Unauthorized).Expect(HttpStatusCode.Unauthorized).Expect(HttpStatusCode.Unauthorized);

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(new Uri("http://provider/data"), Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(new Uri("http://provider/data"), Cancellation)).StatusCode);

        Assert.Equal((1, "refresh-1"), (bench.Grant.Requests, await bench.StoredRefresh()));
    }

    [Fact]
    public async Task Row_28_twenty_concurrent_rejections_cause_one_renewal()
    {
        await bench.Loaded();
        http.Otherwise((request, _) => new HttpResponseMessage(
            request.Headers.Authorization?.Parameter == "access-0" ? HttpStatusCode.Unauthorized : HttpStatusCode.OK));
        bench.Grant.Hold();
        var arrived = bench.Grant.Arrived;

        var requests = Enumerable.Range(0, 20).Select(_ => client.GetAsync(new Uri("http://provider/data"), Cancellation)).ToList();
        await arrived;
        bench.Grant.Release();

        Assert.All(await Task.WhenAll(requests), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(1, bench.Grant.Requests);
    }

    [Fact]
    public async Task Row_29_a_response_that_does_not_reject_the_token_is_returned()
    {
        await bench.Loaded();
        http.Expect(HttpStatusCode.Forbidden);

        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync(new Uri("http://provider/data"), Cancellation)).StatusCode);

        Assert.Equal(0, bench.Grant.Requests);
    }

    [Fact]
    public async Task A_token_that_does_not_arrive_in_time_is_reported_and_its_renewal_continues()
    {
        await bench.Loaded();
        bench.Time.Advance(TimeSpan.FromDays(1));
        bench.Grant.Hold();
        var arrived = bench.Grant.Arrived;
        var request = client.GetAsync(new Uri("http://provider/data"), Cancellation);
        await arrived;

        bench.Time.Advance(TimeSpan.FromSeconds(34));
        Assert.False(request.IsCompleted);
        bench.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(
            "a renewal in progress has returned no token for 35 s", (await Assert.ThrowsAsync<TokenUnavailableException>(() => request)).Message);
        Assert.Empty(http.Calls);
        bench.Grant.Release();
        http.Expect(HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(new Uri("http://provider/data"), Cancellation)).StatusCode);
        Assert.Equal(("Bearer access-1", 1), (http.Calls[0].Request.Headers.Authorization?.ToString(), bench.Grant.Requests));
    }

    [Fact]
    public async Task A_rejected_token_whose_renewal_takes_too_long_is_reported_as_rejected()
    {
        await bench.Loaded();
        http.Expect(HttpStatusCode.Unauthorized);
        bench.Grant.Hold();
        var arrived = bench.Grant.Arrived;
        var request = client.GetAsync(new Uri("http://provider/data"), Cancellation);
        await arrived;

        await bench.Time.AdvanceUntilAsync(() => request.IsCompleted, TimeSpan.FromSeconds(36));

        Assert.Equal(HttpStatusCode.Unauthorized, (await request).StatusCode);
        bench.Grant.Release();
    }

    [Fact]
    public async Task A_request_without_a_token_is_not_sent_and_the_message_contains_the_fix()
    {
        await bench.Loaded();
        await bench.TokenManager.ForgetAsync(Cancellation);

        var refusal = await Assert.ThrowsAsync<TokenUnavailableException>(() => client.GetAsync(new Uri("http://provider/data"), Cancellation));

        Assert.Equal("there is no token yet: log in", refusal.Message);
    }
}
