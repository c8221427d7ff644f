using System.Net;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>The timeout does not count the time in which the process is stopped.</summary>
public sealed class RunningTimeoutTests
{
    private readonly ManualTime time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void It_cancels_after_the_time_in_which_the_process_ran()
    {
        using var timeout = new RunningTimeout(TimeSpan.FromSeconds(20), time);

        time.Advance(TimeSpan.FromSeconds(19));
        Assert.False(timeout.Token.IsCancellationRequested);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(timeout.Token.IsCancellationRequested);
    }

    [Fact]
    public void A_stop_while_it_starts_is_no_error()
    {
        using var timeout = new RunningTimeout(TimeSpan.FromSeconds(20), new StoppedAfterTimer(time));

        Assert.False(timeout.Token.IsCancellationRequested);
    }

    [Fact]
    public async Task A_response_that_arrived_while_the_process_was_stopped_is_used()
    {
        var arrived = new TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var http = new HttpClient(new Handler(arrived.Task));
        var endpoint = new TokenEndpoint(http, new Uri("http://provider/token"), new OAuthClient("id", null), time);

        var request = endpoint.RequestAsync([new("grant_type", "refresh_token")], Cancellation);
        time.Stop(TimeSpan.FromMinutes(10));
        using var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("""{"access_token":"new"}""") };
        arrived.SetResult(response);

        Assert.Equal("new", Assert.IsType<Renewal.Renewed>(await request).Token.AccessToken?.Reveal());
    }

    /// <summary>Stops the process for ten minutes after each new timer.</summary>
    private sealed class StoppedAfterTimer(ManualTime time) : TimeProvider
    {
        public override long TimestampFrequency => time.TimestampFrequency;

        public override long GetTimestamp() => time.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = time.CreateTimer(callback, state, dueTime, period);
            time.Stop(TimeSpan.FromMinutes(10));
            return timer;
        }
    }

    /// <summary>A connection with a late response, unless the request is cancelled before.</summary>
    private sealed class Handler(Task<HttpResponseMessage> response) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            response.WaitAsync(cancellationToken);
    }
}
