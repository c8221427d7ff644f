using System.Text.Json;
using Exporter.BmwCarData;
using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>The customer interface as an account asks it, against the stand-in, through restarts.</summary>
public sealed class BmwRestTests : IAsyncLifetime
{
    private readonly ManualTime time = new();
    private readonly TemporaryDirectory directory = new();
    private readonly CollectedLog log = new();
    private SandboxServer sandbox = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Exporter.Sandbox.BmwRest Provider => sandbox.Bmw.Rest;

    public async ValueTask InitializeAsync() => sandbox = await SandboxServer.StartAsync(new SandboxOptions { Time = time }, Cancellation);

    public async ValueTask DisposeAsync()
    {
        await sandbox.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task After_a_start_cars_and_their_last_values_are_known_for_five_calls()
    {
        await using var run = await StartAsync();
        await run.UntilAsync(() => run.Found.Count == 1);

        Assert.Equal([new CarInfo(BmwProviderCar.Sample.Vin, "BMW", "i4 eDrive40", "G26", "BEV")], run.Rest.Cars);
        var message = run.Found.Single();
        Assert.Equal(BmwProviderCar.Sample.Vin, message.GetProperty("vin").GetString());
        Assert.Equal("66", message.GetProperty("data").GetProperty("vehicle.drivetrain.batteryManagement.header").GetProperty("value").GetString());
        Assert.Equal((5, 5), (Provider.CallsToday, run.Budget.Used));
    }

    [Fact]
    public async Task A_restart_finds_the_container_and_asks_no_car_again_what_it_is()
    {
        await using (var first = await StartAsync())
        {
            await first.UntilAsync(() => first.Found.Count == 1);
        }
        await using var second = await StartAsync();
        await second.UntilAsync(() => second.Found.Count == 1);

        Assert.Equal((1, 1), (Provider.Mappings.Requests, Provider.BasicData.Requests));
        Assert.Single(Provider.Containers);
        Assert.Equal(7, second.Budget.Used);
        Assert.Equal("i4 eDrive40", second.Rest.Cars.Single().Model);
    }

    [Fact]
    public async Task Restarts_cannot_spend_more_than_the_budget()
    {
        for (var start = 0; start < 12; start++)
        {
            await using var run = await StartAsync(dailyCalls: 9);
            await run.UntilAsync(() => run.Found.Count == 1 || run.Rest.Failure is not null);
        }

        Assert.Equal(9, Provider.CallsToday);
        Assert.Contains(log.All, line => line.Contains("the budget of 9 calls within 24 hours is used up", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Retries_of_what_may_pass_are_calls_too()
    {
        Provider.Mappings.Fail(new Fault.ServerError(), times: 2);

        await using var run = await StartAsync();
        await run.UntilAsync(() => run.Found.Count == 1);

        Assert.Equal(7, run.Budget.Used);
    }

    [Fact]
    public async Task A_day_later_it_is_asked_again_what_the_cars_are()
    {
        await using var run = await StartAsync();
        await run.UntilAsync(() => run.Found.Count == 1);
        await run.UntilAsync(() => Provider.BasicData.Requests == 2);

        Assert.Equal(2, Provider.Mappings.Requests);
        Assert.Equal(1, Provider.TelematicData.Requests);
        Assert.Equal(ManualTime.Start + TimeSpan.FromDays(1), time.GetUtcNow(), TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task A_quota_that_others_have_used_up_is_said_and_waited_for()
    {
        Provider.Spend(50);

        await using var run = await StartAsync();
        await run.UntilAsync(() => run.Rest.Failure is ApiFailure.RateLimited);
        await run.UntilAsync(() => run.Found.Count == 1);

        Assert.Contains(log.All, line => line.Contains("BMW's quota of calls is used up", StringComparison.Ordinal) && line.Contains("CU-429", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_does_not_delay_the_next_call()
    {
        await using var run = await StartAsync(scope: ["openid", "cardata:streaming:read"]);
        await run.UntilAsync(() => run.Rest.Failure is not null);
        var began = time.GetTimestamp();

        time.Advance(TimeSpan.FromHours(5));
        time.StepWallClock(-TimeSpan.FromHours(3));
        await run.UntilAsync(() => Provider.Mappings.Requests == 2);

        Assert.InRange(time.GetElapsedTime(began), TimeSpan.FromHours(5), TimeSpan.FromHours(6) + TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task A_token_without_the_scope_is_told_with_its_remedy()
    {
        await using var run = await StartAsync(scope: ["openid", "cardata:streaming:read"]);
        await run.UntilAsync(() => run.Rest.Failure is not null);

        Assert.Contains("Subscribe CarData API in the portal", Assert.IsType<ApiFailure.MissingScope>(run.Rest.Failure).Reason, StringComparison.Ordinal);
        Assert.Equal(1, Provider.Mappings.Requests);
    }

    [Fact]
    public async Task An_unreadable_budget_counts_as_spent()
    {
        Directory.CreateDirectory(directory["bmw-cardata/car"]);
        directory.Write("bmw-cardata/car/calls.json", "{");

        await using var run = await StartAsync();
        await run.UntilAsync(() => run.Rest.Failure is ApiFailure.RateLimited);

        Assert.Equal(0, Provider.Mappings.Requests);
        Assert.Contains(log.All, line => line.Contains("Delete the file to go on at once", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_login_is_noticed_at_once_and_no_call_is_made_before_it()
    {
        await using var run = await StartAsync(loggedIn: false);
        while (run.Rest.Failure is not ApiFailure.NoToken)
        {
            await Task.Yield();
        }
        Assert.Equal(0, run.Budget.Used);

        await LogInAsync(run.TokenManager);
        while (run.Found.IsEmpty)
        {
            await Task.Yield();
            Cancellation.ThrowIfCancellationRequested();
        }

        Assert.Equal(ManualTime.Start, time.GetUtcNow());
    }

    [Fact]
    public async Task An_account_shows_what_the_interface_tells_before_its_car_talks()
    {
        var issued = sandbox.Bmw.Login();
        directory.Write("car.json", $$"""{"access_token":"{{issued.AccessToken}}","refresh_token":"{{issued.RefreshToken}}","client_id":"{{sandbox.Bmw.ClientId}}","expires_at":{{(time.GetUtcNow() + issued.ExpiresIn).ToUnixTimeSeconds()}}}""");
        var source = new BmwCarDataSource();
        var configuration = Configuration.Load([StateDirectory.Setting], [source.Settings], new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = [directory.Write("exporter.yml", $"""
            accounts:
              car:
                source: bmw-cardata
                token_file: car.json
                auth_url: {sandbox.Address}
                api_url: {sandbox.Address}
                mqtt_host: 127.0.0.1
                mqtt_port: 9
                rest: true

            """)] }, new Dictionary<string, string> { ["EXPORTER_STATE_FOLDER"] = directory.Path }, directory.Path);
        var accounts = ConfiguredAccount.All(configuration, [source]);
        Assert.Empty(configuration.Problems);
        using var account = Assert.Single(accounts).Open(new TokenManagerOptions(), time, log);
        await account.TokenManager.LoadAsync(Cancellation);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        var running = account.RunAsync(ending.Token);
        IReadOnlyList<Exporter.Metrics.MetricFamily> families;
        while (true)
        {
            var changed = account.ReadingSource!.Changed;
            families = account.ReadingSource.Collect(time.GetUtcNow()).Families;
            if (families.Any(family => family.Name == "bmw_vehicle_odometer_meters"))
            {
                break;
            }
            await changed.WaitAsync(Cancellation);
        }
        await ending.CancelAsync();
        await running;

        Assert.Contains(families, family => family.Name == "bmw_vehicle_info" && family.Samples[0].Labels["model"] == "i4 eDrive40");
        Assert.Equal(10_489_000, families.Single(family => family.Name == "bmw_vehicle_odometer_meters").Samples.Single().Value);
        Assert.Equal(["bmw_api_quota_limit", "bmw_api_quota_used"], account.Live.Select(live => live.Name));
        Assert.Equal(5, account.Live[1].Read(new AccountSnapshot(account, account.TokenManager.Snapshot, null)));
    }

    [Fact]
    public void Calls_age_one_by_one()
    {
        var budget = new DailyBudget(2, directory["budget/calls.json"], time, log);

        Assert.Null(budget.Take());
        time.Advance(TimeSpan.FromHours(1));
        Assert.Null(budget.Take());
        Assert.Equal(TimeSpan.FromHours(23), budget.Take());
        time.Advance(TimeSpan.FromHours(23));
        Assert.Null(budget.Take());
        Assert.Equal(TimeSpan.FromHours(1), budget.Exhausted);
    }

    [Fact]
    public async Task Who_looks_how_many_calls_were_made_waits_for_no_disk()
    {
        // What is told while a call is put on record is told by its writer, who has not ended.
        Directory.CreateDirectory(directory["budget/calls.json"]);
        DailyBudget? budget = null;
        var looking = new LookingLog(() => Task.Run(() => budget!.Used));
        budget = new DailyBudget(2, directory["budget/calls.json"], time, looking);

        Assert.Equal(TimeSpan.FromMinutes(15), budget.Take());

        Assert.True(looking.Saw);
        Assert.Equal(0, await Task.Run(() => budget.Used, Cancellation));
    }

    [Fact]
    public void A_clock_that_was_set_back_does_not_forget_calls()
    {
        var budget = new DailyBudget(1, directory["budget/calls.json"], time, log);
        Assert.Null(budget.Take());

        time.StepWallClock(-TimeSpan.FromDays(30));

        Assert.Equal(TimeSpan.FromDays(1), new DailyBudget(1, directory["budget/calls.json"], time, log).Take());
    }

    private async Task<Run> StartAsync(int dailyCalls = 20, IReadOnlyList<string>? scope = null, bool loggedIn = true)
    {
        var options = new BmwCarDataOptions(sandbox.Bmw.ClientId, [], sandbox.Address, "127.0.0.1", 1, false) { Rest = true, RestDailyCalls = dailyCalls, Api = sandbox.Address };
        var store = new FileStore(directory[$"token-{Guid.NewGuid():N}.json"], [new BmwTokenManagerFormat()], time);
        var http = TokenEndpoint.CreateHttp();
        TokenManager? manager = null;
        var login = new BmwLogin(options, http, () => manager?.Snapshot.State.Token, time);
        manager = new TokenManager("car", login.Renewal, store, new TokenManagerOptions(), time, log);
        await manager.LoadAsync(Cancellation);
        if (loggedIn)
        {
            await LogInAsync(manager, scope);
        }
        var context = new AccountContext("car", true, store, new TokenManagerOptions(), Composition.Services(time, log)) { StateDirectory = directory.Path };
        var opened = Exporter.BmwCarData.BmwRest.Open(options, manager, context, log);
        return new Run(opened.Reader, opened.Budget, manager, time, [http, manager]);
    }

    private Task LogInAsync(TokenManager manager, IReadOnlyList<string>? scope = null)
    {
        var issued = sandbox.Bmw.Login([.. scope ?? []]);
        return manager.AdoptAsync(new Token { AccessToken = new Secret(issued.AccessToken), RefreshToken = new Secret(issued.RefreshToken), ExpiresAt = time.GetUtcNow() + issued.ExpiresIn }, Cancellation);
    }

    /// <summary>Looks at something from another thread, while the one that logs is where it is.</summary>
    private sealed class LookingLog(Func<Task> look) : ILogger
    {
        public bool Saw { get; private set; }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Saw = look().Wait(TimeSpan.FromSeconds(10));
    }

    private sealed class Run : IAsyncDisposable
    {
        private readonly CancellationTokenSource ending = new();
        private readonly IReadOnlyList<IDisposable> owned;
        private readonly ManualTime time;
        private readonly Task running;

        public Run(Exporter.BmwCarData.BmwRest rest, DailyBudget budget, TokenManager manager, ManualTime time, IReadOnlyList<IDisposable> owned)
        {
            (Rest, Budget, TokenManager, this.time, this.owned) = (rest, budget, manager, time, owned);
            running = Task.Run(() => rest.RunAsync(_ => { }, message => Found.Enqueue(JsonDocument.Parse(message).RootElement), ending.Token), Cancellation);
        }

        public Exporter.BmwCarData.BmwRest Rest { get; }

        public DailyBudget Budget { get; }

        public TokenManager TokenManager { get; }

        public System.Collections.Concurrent.ConcurrentQueue<JsonElement> Found { get; } = new();

        /// <summary>Moves the clock for pauses, a minute at most, and for the moments before a retry; never for the patience with which an answer is awaited.</summary>
        public async Task UntilAsync(Func<bool> reached)
        {
            for (var end = time.GetUtcNow() + TimeSpan.FromDays(3); !reached();)
            {
                Assert.True(!running.IsCompleted && time.GetUtcNow() < end, "it did not come about");
                var next = time.ToNextTimer();
                if (next < TimeSpan.FromSeconds(10) ? time.Waiting > 0 : time.Waiting == 1 && next <= TimeSpan.FromMinutes(1))
                {
                    time.Advance(next);
                }
                await Task.Yield();
                Cancellation.ThrowIfCancellationRequested();
            }
        }

        public async ValueTask DisposeAsync()
        {
            await ending.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
            foreach (var one in owned)
            {
                one.Dispose();
            }
            ending.Dispose();
        }
    }
}
