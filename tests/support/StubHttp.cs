using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Xunit;

namespace Exporter.Tests.Support;

/// <summary>
/// A network that responds to expected calls in order. Disposing fails the test if a call was unexpected or missing, even if the code under
/// test handled that.
/// </summary>
internal sealed class StubHttp : HttpMessageHandler
{
    private readonly ConcurrentQueue<Func<HttpRequestMessage, string, CancellationToken, Task<HttpResponseMessage>>> expected = new();
    private readonly ConcurrentQueue<string> unexpected = new();
    private readonly ConcurrentQueue<(HttpRequestMessage Request, string Body)> calls = new();

    private Func<HttpRequestMessage, string, HttpResponseMessage>? otherwise;

    /// <summary>The received requests with their bodies.</summary>
    public IReadOnlyList<(HttpRequestMessage Request, string Body)> Calls => [.. calls];

    public HttpClient Client => new(this, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

    public StubHttp Expect(Func<HttpRequestMessage, string, CancellationToken, Task<HttpResponseMessage>> answer)
    {
        expected.Enqueue(answer);
        return this;
    }

    /// <summary>The response to any further call.</summary>
    public StubHttp Otherwise(Func<HttpRequestMessage, string, HttpResponseMessage> answer)
    {
        otherwise = answer;
        return this;
    }

    public StubHttp Expect(HttpStatusCode status, string body = "", params (string Name, string Value)[] headers) =>
        Expect((_, _, _) => Task.FromResult(Answer(status, body, headers)));

    /// <summary>The next call fails with an exception.</summary>
    public StubHttp ExpectFailure(Exception failure) => Expect((_, _, _) => Task.FromException<HttpResponseMessage>(failure));

    /// <summary>The next call gets no response.</summary>
    public StubHttp ExpectSilence() => Expect(async (_, _, cancellationToken) =>
    {
        var never = new TaskCompletionSource<HttpResponseMessage>();
        await using var _ = cancellationToken.Register(() => never.TrySetCanceled(cancellationToken));
        return await never.Task;
    });

    public static HttpResponseMessage Answer(HttpStatusCode status, string body, params (string Name, string Value)[] headers)
    {
        var response = new HttpResponseMessage(status) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        foreach (var (name, value) in headers)
        {
            response.Headers.TryAddWithoutValidation(name, value);
        }
        return response;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        calls.Enqueue((request, body));
        if (expected.TryDequeue(out var answer))
        {
            return await answer(request, body, cancellationToken);
        }
        if (otherwise is not null)
        {
            return otherwise(request, body);
        }
        unexpected.Enqueue($"{request.Method} {request.RequestUri}");
        throw new InvalidOperationException("this call was not expected");
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        Assert.Empty(unexpected);
        Assert.Empty(expected);
    }
}
