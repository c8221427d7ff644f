using System.Net;
using Exporter.Accounts;
using Exporter.Netatmo;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Limits do not count the time in which the process is stopped.</summary>
public sealed class RunningTimeTests
{
    private readonly ManualTime time = new();

    /// <summary>Shorter than the limit of a token request, within a second of it, within a step of it, and longer.</summary>
    public static TheoryData<double> Stops => [0.1, 5, 19.5, 19.9, 20, 20.1, 20.9, 21, 25, 600, 86400];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void A_limit_ends_after_the_time_in_which_the_process_ran()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20), new RunningTime(time));

        time.Advance(TimeSpan.FromSeconds(19.9));
        Assert.False(limit.IsCancellationRequested);
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(limit.IsCancellationRequested);
    }

    [Fact]
    public void Every_stop_leaves_the_process_time_to_read_what_arrived()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20), new RunningTime(time));

        for (var stop = 0; stop < 50; stop++)
        {
            time.Stop(TimeSpan.FromSeconds(30));
            time.Advance(TimeSpan.FromSeconds(0.2));
            Assert.False(limit.IsCancellationRequested);
        }
        time.Advance(TimeSpan.FromSeconds(20));
        Assert.True(limit.IsCancellationRequested);
    }

    [Fact]
    public void A_stop_while_a_limit_starts_is_no_error()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20), new RunningTime(new StoppedAfterTimer(time)));

        Assert.False(limit.IsCancellationRequested);
    }

    [Fact]
    public void A_timer_that_is_changed_or_disposed_of_fires_as_it_was_set_last()
    {
        var fired = 0;
        using var timer = new RunningTime(time).CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);

        timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, fired);
        timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        time.Advance(TimeSpan.Zero);
        Assert.Equal(1, fired);
        timer.Change(TimeSpan.FromSeconds(2), Timeout.InfiniteTimeSpan);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(2, fired);
        timer.Change(TimeSpan.FromSeconds(2), Timeout.InfiniteTimeSpan);
        timer.Dispose();
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((2, 0), (fired, time.Waiting));
    }

    [Theory]
    [MemberData(nameof(Stops))]
    public async Task A_token_response_that_arrived_while_the_process_was_stopped_is_used(double seconds)
    {
        using var network = new Network();
        using var http = new HttpClient(network);
        var endpoint = new TokenEndpoint(http, new Uri("http://provider/token"), new OAuthClient("id", null), time);

        var request = endpoint.RequestAsync([new("grant_type", "refresh_token")], Cancellation);
        time.Stop(TimeSpan.FromSeconds(seconds));
        network.Arrive("""{"access_token":"new","expires_in":3600}""");

        var token = Assert.IsType<Renewal.Renewed>(await request).Token;
        Assert.Equal("new", token.AccessToken?.Reveal());
        // The lifetime may have started when the request was sent.
        Assert.Equal(time.GetUtcNow() - TimeSpan.FromSeconds(seconds) + TimeSpan.FromHours(1), token.ExpiresAt);
    }

    [Theory]
    [InlineData(25)]
    [InlineData(90)]
    [InlineData(600)]
    public async Task A_reading_that_arrived_while_the_process_was_stopped_is_used(double seconds)
    {
        using var network = new Network();
        var api = ProviderApi.Services(new NetatmoSource(), network, time).GetRequiredService<INetatmoApi>();

        var request = api.GetHomeCoachsData(new ApiAccount(new Secret("given"), new Uri("https://one.example")), Cancellation);
        await network.Called.WaitAsync(Cancellation);
        time.Stop(TimeSpan.FromSeconds(seconds));
        network.Arrive("{}");

        using var response = await request;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
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
    private sealed class Network : HttpMessageHandler
    {
        private readonly TaskCompletionSource<HttpResponseMessage> response = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource called = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Called => called.Task;

        public void Arrive(string body) => response.SetResult(StubHttp.Answer(HttpStatusCode.OK, body));

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            called.SetResult();
            return response.Task.WaitAsync(cancellationToken);
        }
    }
}
