using System.Text.Json;
using Exporter.BmwCarData;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Refit;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>Failures of the parts of a feed. There is no broker.</summary>
public sealed class BmwFeedTests : IDisposable
{
    private readonly ManualTime time = new();
    private readonly TemporaryDirectory directory = new();
    private readonly CollectedLog log = new();
    private readonly TokenManager manager;
    private readonly BmwAccount account;

    public BmwFeedTests()
    {
        var options = new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) };
        manager = new TokenManager("car", new FakeGrant(time), new MemoryStore(StreamBench.Token(0)), options, time, log);
        account = new BmwAccount(manager, new Uri("https://api.invalid"), new RequestBudget("BMW", [new BudgetWindow(50, TimeSpan.FromDays(1))], directory["calls.json"], time, log));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string ValuesFile => BmwValuesFile.PathOf(directory.Path, "car");

    public void Dispose()
    {
        manager.Dispose();
        directory.Dispose();
    }

    [Fact]
    public void A_message_with_too_many_series_is_a_failure_until_the_next_message()
    {
        var feed = Open(log, rest: null, Car.Options with { Series = new SeriesLimit(100) });
        var first = Car.Message("vehicle.one", "1");
        feed.Update(reading => reading.With(Car.Parse(first), Car.Options, Car.Now));
        var before = feed.Reading;

        feed.Update(_ => Car.Reading(Car.Messages("electric.jsonl")));

        Assert.Same(before, feed.Reading);
        Assert.Matches(@"^The reading has \d+ series, more than max_series \(100\);", feed.Status.Failure!.Reason);
        Assert.Equal((false, 1), (feed.Status.Up, feed.Status.Failures["rejected"]));

        feed.Update(reading => reading.With(Car.Parse(first), Car.Options, Car.Now));
        Assert.Null(feed.Status.Failure);
    }

    [Fact]
    public async Task Values_are_saved_before_all_parts_have_stopped()
    {
        var api = new PendingApi();
        using var stop = new CancellationTokenSource();
        await manager.LoadAsync(Cancellation);
        var feed = Open(log, new BmwRest(api, account, Car.Options, directory["cars.json"], time, log));
        var running = Task.Run(() => feed.RunAsync(stop.Token), Cancellation);
        await api.Requested.Task.WaitAsync(Cancellation);
        feed.Update(_ => Car.Reading(Car.Messages("electric.jsonl")));

        await stop.CancelAsync();
        for (var began = TimeProvider.System.GetTimestamp(); !File.Exists(ValuesFile); await Task.Yield())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(30), "the feed saved nothing");
        }

        Assert.False(running.IsCompleted);
        api.Response.SetResult();
        await running;
    }

    [Fact]
    public async Task An_exception_of_the_stream_stops_the_feed_and_loses_no_value()
    {
        await manager.LoadAsync(Cancellation);
        var feed = Open(new FailingLog("the stream is disconnected"), rest: null);
        feed.Load();
        feed.Update(_ => Car.Reading(Car.Messages("electric.jsonl")));

        await Assert.ThrowsAsync<InvalidOperationException>(() => feed.RunAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation));

        Assert.NotEmpty(new BmwValuesFile(ValuesFile, time, log).Load());
    }

    [Fact]
    public async Task An_unexpected_exception_of_a_request_is_a_failure_and_is_retried()
    {
        var api = new PendingApi();
        api.Response.SetException(new InvalidOperationException("unexpected"));
        using var stop = new CancellationTokenSource();
        await manager.LoadAsync(Cancellation);
        var rest = new BmwRest(api, account, Car.Options, directory["cars.json"], time, log);
        var running = rest.RunAsync(_ => { }, _ => { }, stop.Token);

        await time.AdvanceUntilAsync(() => running.IsCompleted || api.Requests == 2, TimeSpan.FromDays(1));

        var failure = Assert.IsType<ApiFailure.Unavailable>(rest.Failure);
        Assert.Contains("failed unexpectedly (InvalidOperationException)", failure.Reason, StringComparison.Ordinal);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private BmwFeed Open(ILogger logger, BmwRest? rest, BmwCarDataOptions? options = null) => new(
        options ?? Car.Options, new BmwStream("car", Car.Options, manager, time, logger), new BmwValuesFile(ValuesFile, time, log), time, rest);

    /// <summary>Completes the first request when the test says so, even after cancellation. It expects no other request.</summary>
    private sealed class PendingApi : IBmwApi
    {
        public TaskCompletionSource Requested { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Response { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Requests { get; private set; }

        public async Task<IApiResponse<JsonElement>> GetMappings(ApiAccount account, CancellationToken cancellationToken)
        {
            Requests++;
            Requested.TrySetResult();
            await Response.Task;
            return new ApiResponse<JsonElement>(
                new HttpRequestMessage(), new HttpResponseMessage(), JsonElement.Parse("[]"), new RefitSettings(), null);
        }

        public Task<IApiResponse<JsonElement>> GetBasicData(ApiAccount account, string vin, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<IApiResponse<JsonElement>> GetContainers(ApiAccount account, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<IApiResponse<JsonElement>> CreateContainer(ApiAccount account, NewContainer container, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<IApiResponse<JsonElement>> GetTelematicData(
            ApiAccount account, string vin, string containerId, CancellationToken cancellationToken) => throw new NotSupportedException();
    }

    private sealed class FailingLog(string text) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).Contains(text, StringComparison.Ordinal))
            {
                throw new InvalidOperationException("unexpected");
            }
        }
    }
}
