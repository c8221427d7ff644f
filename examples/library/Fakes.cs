using System.Net;
using Exporter.Tokens;
using Exporter.Tokens.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Examples.Library;

/// <summary>A test of your own code: no provider, no delays, and every request is counted.</summary>
internal static class Fakes
{
    public static async Task RunAsync()
    {
        var time = new ManualTime();
        var grant = new FakeGrant(time) { NeedsNoToken = true, Lifetime = TimeSpan.FromHours(3) };
        await using var manager = new TokenManager(
            "fake", grant, new MemoryStore(), new TokenManagerOptions(), time, NullLogger<TokenManager>.Instance);
        using var http = new HttpClient(new TokenHandler(manager) { InnerHandler = new Echo() });

        // Only the first use logs in.
        Check(await http.GetStringAsync("http://provider.example/") == "Bearer access-1", "the first token is on the request");
        Check(await http.GetStringAsync("http://provider.example/") == "Bearer access-1" && grant.Requests == 1, "there is one login");

        // After three hours, fifty concurrent callers share one renewal.
        time.Advance(TimeSpan.FromHours(3));
        var responses = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => http.GetStringAsync("http://provider.example/")));
        Check(responses.All(a => a == "Bearer access-2") && grant.Requests == 2, "fifty callers, one renewal");

        // The provider limits the rate for a minute. Until then, no request is sent, and callers get the reason.
        grant.Then(new Renewal.Transient(FailureKind.RateLimited, "too many requests", TimeSpan.FromMinutes(1)));
        time.Advance(TimeSpan.FromHours(3));
        for (var call = 0; call < 5; call++)
        {
            try
            {
                await http.GetStringAsync("http://provider.example/");
            }
            catch (TokenUnavailableException e)
            {
                Check(e.Message.Contains("too many requests", StringComparison.Ordinal), "the message contains the reason");
            }
        }
        Check(grant.Requests == 3, "one rejected request, not five");

        time.Advance(TimeSpan.FromMinutes(1));
        Check(await http.GetStringAsync("http://provider.example/") == "Bearer access-3", "it recovers");
        Console.WriteLine($"fakes: {grant.Requests} requests");
    }

    private static void Check(bool condition, string expectation)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"failed: {expectation}");
        }
    }

    /// <summary>Returns the credentials of the request.</summary>
    private sealed class Echo : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(request.Headers.Authorization!.ToString()) });
    }
}
