using System.Net;
using Exporter.Tokens;
using Exporter.Tokens.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Examples.Library;

/// <summary>What a test of one's own code looks like: no provider, no waiting, and every request counted.</summary>
internal static class Fakes
{
    public static async Task RunAsync()
    {
        var time = new ManualTime();
        var grant = new FakeGrant(time) { NeedsNoToken = true, Lifetime = TimeSpan.FromHours(3) };
        await using var manager = new TokenManager("fake", grant, new MemoryStore(), new TokenManagerOptions(), time, NullLogger.Instance);
        using var http = new HttpClient(new TokenHandler(manager) { InnerHandler = new Echo() });

        // First use logs in, the second does not.
        Check(await http.GetStringAsync("http://provider.example/") == "Bearer access-1", "the first token is on the request");
        Check(await http.GetStringAsync("http://provider.example/") == "Bearer access-1" && grant.Requests == 1, "one login is enough");

        // Three hours later, fifty callers at once share one renewal.
        time.Advance(TimeSpan.FromHours(3));
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => http.GetStringAsync("http://provider.example/")));
        Check(answers.All(a => a == "Bearer access-2") && grant.Requests == 2, "fifty callers, one renewal");

        // The provider limits us for a minute: until then nobody asks again, and requests fail with the reason.
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
                Check(e.Message.Contains("too many requests", StringComparison.Ordinal), "the reason is told");
            }
        }
        Check(grant.Requests == 3, "one refused request, not five");

        time.Advance(TimeSpan.FromMinutes(1));
        Check(await http.GetStringAsync("http://provider.example/") == "Bearer access-3", "it goes on by itself");
        Console.WriteLine($"fakes: {grant.Requests} requests");
    }

    private static void Check(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"this does not hold: {what}");
        }
    }

    /// <summary>A provider that says what it was sent.</summary>
    private sealed class Echo : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(request.Headers.Authorization!.ToString()) });
    }
}
