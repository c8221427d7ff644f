using Exporter.BmwCarData;
using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>The requests of an account to the sandbox of the CarData API, with restarts.</summary>
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
    public async Task After_a_start_five_requests_read_the_cars_and_their_last_values()
    {
        await using var run = await StartAsync();
        await run.UntilAsync(() => run.Found.Count == 1);

        Assert.Equal([new CarInfo(BmwProviderCar.Sample.Vin, "BMW", "i4 eDrive40", "G26", "BEV")], run.Rest.Cars);
        var message = run.Found.Single();
        Assert.Equal(BmwProviderCar.Sample.Vin, message.Vin);
        Assert.Equal(new BmwValue.Number(66), message.Entries.Single(entry => entry.Key == "vehicle.drivetrain.batteryManagement.header").Value);
        Assert.Equal((5, 5), (Provider.CallsToday, run.Budget.Used));
    }

    [Fact]
    public async Task A_restart_reuses_the_container_and_the_descriptions()
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
    public async Task Another_process_of_a_shared_store_continues_with_the_descriptions_and_without_a_file()
    {
        CarDescriptions descriptions;
        await using (var first = await StartAsync(keepsFiles: false))
        {
            await first.UntilAsync(() => first.Found.Count == 1);
            descriptions = first.Rest.Descriptions;
        }
        Assert.False(File.Exists(directory["bmw-cardata/car/cars.json"]));

        await using var second = await StartAsync(keepsFiles: false, descriptions: descriptions);
        await second.UntilAsync(() => second.Found.Count == 1);

        Assert.Equal((1, 1), (Provider.Mappings.Requests, Provider.BasicData.Requests));
        Assert.Equal("i4 eDrive40", second.Rest.Cars.Single().Model);
        Assert.Equal(0, log.Count("cars.json"));
    }

    [Fact]
    public async Task Restarts_cannot_exceed_the_budget()
    {
        for (var start = 0; start < 12; start++)
        {
            await using var run = await StartAsync(dailyCalls: 9);
            await run.UntilAsync(() => run.Found.Count == 1 || run.Rest.Failure is not null);
        }

        Assert.Equal(9, Provider.CallsToday);
        Assert.Contains(log.All, line => line.Contains("the budget of 9 requests in 24 hours is used up", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Retries_count_as_requests()
    {
        Provider.Mappings.Fail(new Fault.ServerError(), times: 2);

        await using var run = await StartAsync();
        await run.UntilAsync(() => run.Found.Count == 1);

        Assert.Equal(7, run.Budget.Used);
    }

    [Fact]
    public async Task The_descriptions_are_read_again_after_a_day()
    {
        await using var run = await StartAsync();
        await run.UntilAsync(() => run.Found.Count == 1);
        await run.UntilAsync(() => Provider.BasicData.Requests == 2);

        Assert.Equal(2, Provider.Mappings.Requests);
        Assert.Equal(1, Provider.TelematicData.Requests);
        Assert.Equal(ManualTime.Start + TimeSpan.FromDays(1), time.GetUtcNow(), TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task A_key_that_BMW_no_longer_has_costs_only_this_key()
    {
        string[] gone = [BmwKeys.Container[4], BmwKeys.Container[10]];
        Array.ForEach(gone, Provider.Retire);

        await using var run = await StartAsync();
        await run.UntilAsync(() => run.Found.Count == 1);

        Assert.Equal(BmwKeys.Container.Except(gone), Assert.Single(Provider.Containers).Keys);
        Assert.Equal(7, run.Budget.Used);
        Assert.All(gone, key => Assert.Single(log.All, line => line.Contains($"BMW does not have {key};", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task If_BMW_does_not_name_the_unknown_key_a_part_of_the_list_is_used()
    {
        Provider.NamesUnknownKeys = false;
        Provider.Retire(BmwKeys.Container[4]);

        await using var run = await StartAsync();
        await run.UntilAsync(() => run.Found.Count == 1);

        Assert.Equal(BmwKeys.Container.Skip(12), Assert.Single(Provider.Containers).Keys);
        Assert.Equal(7, run.Budget.Used);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_rejected_list_is_never_sent_again(bool named)
    {
        Provider.NamesUnknownKeys = named;
        foreach (var key in BmwKeys.Container)
        {
            Provider.Retire(key);
        }

        await using var run = await StartAsync(dailyCalls: 50);
        // With names, each list is one key shorter. Without, the lists are the halves, their halves and so on.
        var lists = named ? BmwKeys.Container.Count : (2 * BmwKeys.Container.Count) - 1;
        await run.UntilAsync(() => Provider.Rejected.Count == lists);
        await run.UntilAsync(() => Provider.Mappings.Requests == 3 && run.Rest.Failure is ApiFailure.Rejected);

        Assert.Equal(lists, Provider.Rejected.DistinctBy(list => string.Join(' ', list)).Count());
        Assert.Equal(lists, Provider.Rejected.Count);
    }

    [Fact]
    public async Task A_quota_used_up_by_other_programs_is_logged_and_waited_for()
    {
        Provider.UseQuota(50);

        await using var run = await StartAsync();
        await run.UntilAsync(() => run.Rest.Failure is ApiFailure.RateLimited);
        await run.UntilAsync(() => run.Found.Count == 1);

        Assert.Contains(log.All, line =>
            line.Contains("BMW's daily quota is used up", StringComparison.Ordinal) && line.Contains("CU-429", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_does_not_delay_the_next_request()
    {
        await using var run = await StartAsync(scope: ["openid", "cardata:streaming:read"]);
        await run.UntilAsync(() => run.Rest.Failure is not null && time.Waiting > 0);
        var began = time.GetTimestamp();

        time.Advance(TimeSpan.FromHours(5));
        time.StepWallClock(-TimeSpan.FromHours(3));
        await run.UntilAsync(() => Provider.Mappings.Requests == 2);

        Assert.InRange(time.GetElapsedTime(began), TimeSpan.FromHours(5), TimeSpan.FromHours(6) + TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task A_token_without_the_scope_is_reported_with_the_fix()
    {
        await using var run = await StartAsync(scope: ["openid", "cardata:streaming:read"]);
        await run.UntilAsync(() => run.Rest.Failure is not null);

        var failure = Assert.IsType<ApiFailure.MissingScope>(run.Rest.Failure);
        Assert.Contains("Subscribe to CarData API in the portal", failure.Reason, StringComparison.Ordinal);
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
        Assert.Contains(log.All, line => line.Contains("to resume now, delete the file", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_login_is_detected_at_once_and_no_request_is_sent_before_it()
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
    public async Task An_account_exports_values_of_the_API_before_the_first_message()
    {
        var issued = sandbox.Bmw.Login();
        directory.Write("car.json", $$"""
            {"access_token":"{{issued.AccessToken}}","refresh_token":"{{issued.RefreshToken}}","client_id":"{{sandbox.Bmw.ClientId}}",
             "expires_at":{{(time.GetUtcNow() + issued.ExpiresIn).ToUnixTimeSeconds()}}}
            """);
        var source = new BmwCarDataSource();
        var file = directory.Write("exporter.yml", $"""
            accounts:
              car:
                source: bmw-cardata
                token_file: car.json
                auth_url: {sandbox.Address}
                api_url: {sandbox.Address}
                mqtt_host: 127.0.0.1
                mqtt_port: 9
                rest: true

            """);
        var configuration = Configuration.Load(
            [StateDirectory.Setting],
            [source.Settings],
            new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = [file] },
            new Dictionary<string, string> { ["EXPORTER_STATE_FOLDER"] = directory.Path },
            directory.Path);
        var accounts = ConfiguredAccount.All(configuration, [source]);
        Assert.Empty(configuration.Problems);
        using var account = Assert.Single(accounts).Open(new TokenManagerOptions(), time, log);
        await account.TokenManager.LoadAsync(Cancellation);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        var running = account.RunAsync(stopping.Token);
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
        await stopping.CancelAsync();
        await running;

        Assert.Contains(families, family => family.Name == "bmw_vehicle_info" && family.Samples[0].Labels["model"] == "i4 eDrive40");
        Assert.Equal(10_489_000, families.Single(family => family.Name == "bmw_vehicle_odometer_meters").Samples.Single().Value);
        Assert.Equal(["bmw_api_quota_limit", "bmw_api_quota_used"], account.Live.Select(live => live.Name));
        Assert.Equal(5, account.Live[1].Read(new AccountSnapshot(account, account.TokenManager.Snapshot, null)));
    }

    [Fact]
    public void Requests_expire_one_by_one()
    {
        var budget = new RequestBudget("BMW", [new BudgetWindow(2, TimeSpan.FromDays(1))], directory["budget/calls.json"], time, log);

        Assert.Null(budget.Reserve());
        time.Advance(TimeSpan.FromHours(1));
        Assert.Null(budget.Reserve());
        Assert.Equal(TimeSpan.FromHours(23), budget.Reserve());
        time.Advance(TimeSpan.FromHours(23));
        Assert.Null(budget.Reserve());
        Assert.Equal(TimeSpan.FromHours(1), budget.Failure?.RetryAfter);
    }

    [Fact]
    public async Task Reading_the_number_of_requests_does_not_wait_for_the_disk()
    {
        // The budget logs this error while it holds its lock.
        Directory.CreateDirectory(directory["budget/calls.json"]);
        RequestBudget? budget = null;
        var callback = new CallbackLog(() => Task.Run(() => budget!.Used));
        budget = new RequestBudget("BMW", [new BudgetWindow(2, TimeSpan.FromDays(1))], directory["budget/calls.json"], time, callback);

        Assert.Equal(TimeSpan.FromMinutes(15), budget.Reserve());

        Assert.True(callback.Completed);
        Assert.Equal(0, await Task.Run(() => budget.Used, Cancellation));
    }

    [Fact]
    public void A_clock_that_was_set_back_does_not_forget_requests()
    {
        var budget = new RequestBudget("BMW", [new BudgetWindow(1, TimeSpan.FromDays(1))], directory["budget/calls.json"], time, log);
        Assert.Null(budget.Reserve());

        time.StepWallClock(-TimeSpan.FromDays(30));

        Assert.Equal(TimeSpan.FromDays(1), new RequestBudget("BMW", [new BudgetWindow(1, TimeSpan.FromDays(1))], directory["budget/calls.json"], time, log).Reserve());
    }

    private async Task<Run> StartAsync(
        int dailyCalls = 20, IReadOnlyList<string>? scope = null, bool loggedIn = true, bool keepsFiles = true, CarDescriptions? descriptions = null)
    {
        var options = new BmwCarDataOptions(sandbox.Bmw.ClientId, [], sandbox.Address, "127.0.0.1", 1, false)
        {
            Rest = true,
            RestDailyCalls = dailyCalls,
            Api = sandbox.Address,
        };
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
        var context = new AccountContext("car", true, store, new TokenManagerOptions(), Composition.Services(time, log))
        {
            StateDirectory = directory.Path,
            KeepsFiles = keepsFiles,
        };
        var rest = Exporter.BmwCarData.BmwRest.Open(options, manager, context, log);
        if (descriptions is not null)
        {
            rest.Restore(descriptions);
        }
        return new Run(rest, manager, time, [http, manager]);
    }

    private Task LogInAsync(TokenManager manager, IReadOnlyList<string>? scope = null)
    {
        var issued = sandbox.Bmw.Login([.. scope ?? []]);
        return manager.AdoptAsync(new Token
        {
            AccessToken = new Secret(issued.AccessToken),
            RefreshToken = new Secret(issued.RefreshToken),
            ExpiresAt = time.GetUtcNow() + issued.ExpiresIn,
        }, Cancellation);
    }

    /// <summary>Runs a task on another thread while the logging thread waits.</summary>
    private sealed class CallbackLog(Func<Task> run) : ILogger
    {
        public bool Completed { get; private set; }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Completed = run().Wait(TimeSpan.FromSeconds(10));
    }

    private sealed class Run : IAsyncDisposable
    {
        private readonly CancellationTokenSource stopping = new();
        private readonly IReadOnlyList<IDisposable> owned;
        private readonly ManualTime time;
        private readonly Task running;

        public Run(Exporter.BmwCarData.BmwRest rest, TokenManager manager, ManualTime time, IReadOnlyList<IDisposable> owned)
        {
            (Rest, TokenManager, this.time, this.owned) = (rest, manager, time, owned);
            running = Task.Run(() => rest.RunAsync(_ => { }, Found.Enqueue, stopping.Token), Cancellation);
        }

        public Exporter.BmwCarData.BmwRest Rest { get; }

        public IRequestBudget Budget => Rest.Budget;

        public TokenManager TokenManager { get; }

        public System.Collections.Concurrent.ConcurrentQueue<BmwMessage> Found { get; } = new();

        /// <summary>Advances the clock over waits of at most a minute and over retry delays, but not over response timeouts.</summary>
        public async Task UntilAsync(Func<bool> reached)
        {
            for (var end = time.GetUtcNow() + TimeSpan.FromDays(3); !reached();)
            {
                Assert.True(!running.IsCompleted && time.GetUtcNow() < end, "the condition was not met");
                // The limit of a request in flight counts in steps of this length; a jittered retry delay can be shorter.
                var wait = time.ToLastTimer();
                if (wait > TimeSpan.Zero && wait != RunningTime.Step && (wait < TimeSpan.FromSeconds(10) || (time.Waiting == 1 && wait <= TimeSpan.FromMinutes(1))))
                {
                    time.Advance(wait);
                }
                else if (wait == RunningTime.Step && time.ToNextTimer() < wait)
                {
                    // A retry delay can also be shorter than the step of the limit around all retries. A request ends while the clock stands still.
                    await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancellation);
                    time.Advance(time.ToNextTimer());
                }
                await Task.Yield();
                Cancellation.ThrowIfCancellationRequested();
            }
        }

        public async ValueTask DisposeAsync()
        {
            await stopping.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
            foreach (var one in owned)
            {
                one.Dispose();
            }
            stopping.Dispose();
        }
    }
}
