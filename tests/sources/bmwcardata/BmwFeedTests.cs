using Exporter.BmwCarData;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Refit;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>What becomes of the reading when a part of the feed does not end as it should. There is no broker.</summary>
public sealed class BmwFeedTests : IDisposable
{
    private static readonly BmwCarDataOptions Options = new(null, [], new Uri("https://auth.invalid"), "127.0.0.1", 1, MqttLogging: false);

    private readonly ManualTime time = new();
    private readonly TemporaryDirectory directory = new();
    private readonly CollectedLog log = new();
    private readonly TokenManager manager;
    private readonly BmwAccount account;

    public BmwFeedTests()
    {
        manager = new TokenManager("car", new FakeGrant(time), new MemoryStore(StreamBench.Token(0)), new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) }, time, log);
        account = new BmwAccount(manager, new Uri("https://api.invalid"), new DailyBudget(50, directory["calls.json"], time, log));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string ValuesFile => BmwValuesFile.PathOf(directory.Path, "car");

    public void Dispose()
    {
        manager.Dispose();
        directory.Dispose();
    }

    [Fact]
    public async Task Values_are_saved_although_the_end_is_still_waited_for()
    {
        var api = new OddApi();
        using var stop = new CancellationTokenSource();
        await manager.LoadAsync(Cancellation);
        var feed = Open(log, new BmwRest(api, account, new BmwRestOptions([], directory["cars.json"]), time, log));
        var running = Task.Run(() => feed.RunAsync(stop.Token), Cancellation);
        await api.Asked.Task.WaitAsync(Cancellation);
        feed.Update(_ => Car.Reading(Car.Messages("electric.jsonl")));

        await stop.CancelAsync();
        for (var began = TimeProvider.System.GetTimestamp(); !File.Exists(ValuesFile); await Task.Yield())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(30), "nothing is saved");
        }

        Assert.False(running.IsCompleted);
        api.Answers.SetResult();
        await running;
    }

    [Fact]
    public async Task A_fault_of_the_stream_ends_the_feed_at_once_and_costs_no_value()
    {
        await manager.LoadAsync(Cancellation);
        var feed = Open(new LogThatFails("there is no stream"), rest: null);
        feed.Load();
        feed.Update(_ => Car.Reading(Car.Messages("electric.jsonl")));

        await Assert.ThrowsAsync<InvalidOperationException>(() => feed.RunAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation));

        Assert.NotEmpty(new BmwValuesFile(ValuesFile, time, log).Load());
    }

    [Fact]
    public async Task A_call_that_fails_as_nobody_foresaw_is_a_failure_and_is_made_again()
    {
        var api = new OddApi();
        api.Answers.SetException(new InvalidOperationException("nobody foresaw this"));
        using var stop = new CancellationTokenSource();
        await manager.LoadAsync(Cancellation);
        var rest = new BmwRest(api, account, new BmwRestOptions([], directory["cars.json"]), time, log);
        var running = rest.RunAsync(_ => { }, _ => { }, stop.Token);

        await time.AdvanceUntilAsync(() => running.IsCompleted || api.Calls == 2, TimeSpan.FromDays(1));

        Assert.Contains("not foreseen (InvalidOperationException)", Assert.IsType<ApiFailure.Unavailable>(rest.Failure).Reason, StringComparison.Ordinal);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private BmwFeed Open(ILogger logger, BmwRest? rest) => new(
        new BmwStream("car", Options, manager, time, logger), Options.Limits, BmwMetricsOptions.Plain, new BmwValuesFile(ValuesFile, time, log), time, rest);

    /// <summary>Its first question is answered when the test says so, whoever gives up; no other is expected.</summary>
    private sealed class OddApi : IBmwApi
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Answers { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Calls { get; private set; }

        public async Task<IApiResponse<IReadOnlyList<MappedCar>>> GetMappings(ApiAccount account, CancellationToken cancellationToken)
        {
            Calls++;
            Asked.TrySetResult();
            await Answers.Task;
            return new ApiResponse<IReadOnlyList<MappedCar>>(new HttpRequestMessage(), new HttpResponseMessage(), [], new RefitSettings(), null);
        }

        public Task<IApiResponse<BasicData>> GetBasicData(ApiAccount account, string vin, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IApiResponse<IReadOnlyList<Container>>> GetContainers(ApiAccount account, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IApiResponse<Container>> CreateContainer(ApiAccount account, NewContainer container, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IApiResponse<TelematicData>> GetTelematicData(ApiAccount account, string vin, string containerId, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }

    private sealed class LogThatFails(string at) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).Contains(at, StringComparison.Ordinal))
            {
                throw new InvalidOperationException("nobody foresaw this");
            }
        }
    }
}
