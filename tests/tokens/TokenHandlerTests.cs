using System.Net;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Requests to a provider's API, and what its refusals mean for the token.</summary>
public sealed class TokenHandlerTests : IDisposable
{
    private readonly StubHttp http = new();
    private readonly Kept kept = new();
    private readonly HttpClient client;

    public TokenHandlerTests() =>
        client = new HttpClient(new TokenHandler(kept.TokenManager, (response, _) => new(response.StatusCode == HttpStatusCode.Unauthorized)) { InnerHandler = http });

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        client.Dispose();
        kept.Dispose();
    }

    [Fact]
    public async Task Row_28_a_refused_token_is_renewed_once_and_the_request_sent_once_more()
    {
        await kept.Loaded();
        http.Expect(HttpStatusCode.Unauthorized).Expect(HttpStatusCode.OK, "reading");

        var answer = await client.PostAsync(new Uri("http://provider/data"), new StringContent("question"), Cancellation);

        Assert.Equal("reading", await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(["question", "question"], http.Calls.Select(c => c.Body));
        Assert.Equal("Bearer access-1", http.Calls[1].Request.Headers.Authorization?.ToString());
        Assert.Equal(1, kept.Grant.Requests);
    }

    [Fact]
    public async Task Row_28_a_second_refusal_stands_and_the_token_is_not_renewed_again_for_it()
    {
        await kept.Loaded();
        http.Expect(HttpStatusCode.Unauthorized).Expect(HttpStatusCode.Unauthorized).Expect(HttpStatusCode.Unauthorized);

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(new Uri("http://provider/data"), Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(new Uri("http://provider/data"), Cancellation)).StatusCode);

        Assert.Equal((1, "refresh-1"), (kept.Grant.Requests, await kept.StoredRefresh()));
    }

    [Fact]
    public async Task Row_28_twenty_refusals_at_once_are_one_renewal()
    {
        await kept.Loaded();
        http.Otherwise((request, _) => new HttpResponseMessage(
            request.Headers.Authorization?.Parameter == "access-0" ? HttpStatusCode.Unauthorized : HttpStatusCode.OK));
        kept.Grant.Hold();
        var arrived = kept.Grant.Arrived;

        var requests = Enumerable.Range(0, 20).Select(_ => client.GetAsync(new Uri("http://provider/data"), Cancellation)).ToList();
        await arrived;
        kept.Grant.Release();

        Assert.All(await Task.WhenAll(requests), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(1, kept.Grant.Requests);
    }

    [Fact]
    public async Task Row_29_an_answer_that_does_not_mean_the_token_is_handed_on()
    {
        await kept.Loaded();
        http.Expect(HttpStatusCode.Forbidden);

        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync(new Uri("http://provider/data"), Cancellation)).StatusCode);

        Assert.Equal(0, kept.Grant.Requests);
    }

    [Fact]
    public async Task A_request_without_a_token_is_not_sent_and_the_message_says_what_to_do()
    {
        await kept.Loaded();
        await kept.TokenManager.ForgetAsync(Cancellation);

        var refusal = await Assert.ThrowsAsync<TokenUnavailableException>(() => client.GetAsync(new Uri("http://provider/data"), Cancellation));

        Assert.Equal("there is no token yet: log in", refusal.Message);
    }
}
