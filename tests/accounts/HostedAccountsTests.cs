using Exporter.Accounts;
using Exporter.Netatmo;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tests.Tokens;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>Accounts in a generic host, registered with <c>services.AddAccounts()</c>.</summary>
public sealed class HostedAccountsTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_host_renews_the_token_takes_readings_and_stops()
    {
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), Cancellation);
        using var host = Host(sandbox);
        var account = Assert.Single(host.Services.GetRequiredService<AccountList>().Current);
        Assert.IsType<TokenState.Missing>(account.TokenManager.Snapshot.State);

        await host.StartAsync(Cancellation);
        while (account.ReadingSource!.Status is not { Up: true })
        {
            await account.ReadingSource.Changed.WaitAsync(Cancellation);
        }
        await host.StopAsync(Cancellation);

        Assert.Equal(1, sandbox.Netatmo.Token.Requests);
        Assert.True(host.Services.GetRequiredService<HostedAccounts>().AllSaved);
        Assert.True(host.Services.GetRequiredService<BackgroundHealth>().IsHealthy);
        Assert.True(host.Services.GetRequiredService<TokenRefresh>().ExecuteTask!.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Tokens_are_loaded_but_not_sent_before_the_server_listens()
    {
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), Cancellation);
        using var host = Host(sandbox, services => services.AddHostedService<CannotListen>());

        await Assert.ThrowsAsync<IOException>(() => host.StartAsync(Cancellation));

        Assert.NotNull(Assert.Single(host.Services.GetRequiredService<AccountList>().Current).TokenManager.Snapshot.State.Token);
        Assert.Equal(0, sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task A_reading_source_that_fails_is_logged_and_the_others_continue()
    {
        var (time, logs) = (new ManualTime(), new CollectedLog());
        using var first = new TokenManagerBench(new MemoryStore(TokenManagerBench.Some(time)), time);
        using var second = new TokenManagerBench(new MemoryStore(TokenManagerBench.Some(time)), time);
        var (broken, working) = (new FakeReadingSource(new InvalidOperationException("a bug")), new FakeReadingSource(null));
        AccountList accounts = new(
        [
            new("a", "x", hasAccountLabel: true, first.TokenManager, broken),
            new("b", "x", hasAccountLabel: true, second.TokenManager, working),
        ]);
        var health = new BackgroundHealth(new Logger<BackgroundHealth>(logs));
        using var refresh = new TokenRefresh(time, logs);
        using var service = new HostedAccounts(accounts, refresh, health, time, new Logger<HostedAccounts>(logs));

        await service.StartedAsync(Cancellation);
        await broken.Ran.WaitAsync(Cancellation);
        await working.Ran.WaitAsync(Cancellation);
        while (health.IsHealthy)
        {
            await Task.Yield();
        }

        Assert.False(service.ExecuteTask!.IsCompleted);
        await service.StopAsync(Cancellation);
        Assert.Contains("a background task failed because of a bug", Assert.Single(logs.At(LogLevel.Critical)), StringComparison.Ordinal);
        Assert.True(working.Stopped);
    }

    /// <summary>The limit of the host counts the time in which the process is stopped.</summary>
    [Fact]
    public async Task A_response_that_arrives_while_the_process_is_stopped_during_its_shutdown_is_saved()
    {
        var (time, logs) = (new ManualTime(), new CollectedLog());
        using var bench = new TokenManagerBench(new MemoryStore(TokenManagerBench.Some(time)), time);
        using var refresh = new TokenRefresh(time, logs);
        using var service = new HostedAccounts(
            new([new("a", "x", hasAccountLabel: true, bench.TokenManager, null)]), refresh, new BackgroundHealth(new Logger<BackgroundHealth>(logs)),
            time, new Logger<HostedAccounts>(logs));
        await service.StartingAsync(Cancellation);
        bench.Grant.Hold();
        var arrived = bench.Grant.Arrived;
        var renewal = bench.TokenManager.RenewAsync(null, Cancellation);
        await arrived.WaitAsync(Cancellation);

        var stopping = service.StopAsync(new CancellationToken(canceled: true));
        time.Stop(TimeSpan.FromMinutes(10));
        bench.Grant.Release();
        await stopping;

        await renewal;
        Assert.True(service.AllSaved);
        Assert.Equal("refresh-1", await bench.StoredRefresh());
    }

    [Fact]
    public async Task A_token_that_could_not_be_saved_moves_to_the_account_that_replaces_its_account()
    {
        var (time, logs) = (new ManualTime(), new CollectedLog());
        var disk = new WatchedStore(new MemoryStore(TokenManagerBench.Some(time))) { BeforeWrite = () => throw new IOException("the disk is full") };
        using var before = new TokenManagerBench(disk, time);
        using var after = new TokenManagerBench(disk, time);
        var leaving = new Account("home", "x", hasAccountLabel: true, before.TokenManager, null);
        using var refresh = new TokenRefresh(time, logs);
        using var service = new HostedAccounts(
            new([leaving]), refresh, new BackgroundHealth(new Logger<BackgroundHealth>(logs)), time, new Logger<HostedAccounts>(logs));
        await service.StartingAsync(Cancellation);
        await service.StartedAsync(Cancellation);
        await before.TokenManager.RenewAsync(null, Cancellation);
        Assert.NotNull(before.Snapshot.Unpersisted);

        var lost = await service.ReplaceAsync(
            [leaving], () => [new Account("home", "x", hasAccountLabel: true, after.TokenManager, null)], Cancellation);

        Assert.Empty(lost);
        Assert.Equal("refresh-1", after.Refresh);
        disk.BeforeWrite = () => { };
        await service.StopAsync(Cancellation);
        Assert.True(service.AllSaved);
        Assert.Equal("refresh-1", await after.StoredRefresh());
    }

    [Fact]
    public async Task The_accounts_continue_if_a_new_one_cannot_be_opened()
    {
        var (time, logs) = (new ManualTime(), new CollectedLog());
        using var bench = new TokenManagerBench(new MemoryStore(TokenManagerBench.Some(time)), time);
        AccountList accounts = new([new("home", "x", hasAccountLabel: true, bench.TokenManager, new FakeReadingSource(null))]);
        using var refresh = new TokenRefresh(time, logs);
        using var service = new HostedAccounts(
            accounts, refresh, new BackgroundHealth(new Logger<BackgroundHealth>(logs)), time, new Logger<HostedAccounts>(logs));
        await service.StartingAsync(Cancellation);
        await service.StartedAsync(Cancellation);
        var home = Assert.Single(accounts.Current);

        await Assert.ThrowsAsync<InvalidDataException>(() => service.ReplaceAsync([home], () => throw new InvalidDataException("a bug"), Cancellation));

        Assert.Same(home, Assert.Single(accounts.Current));
        Assert.False(home.Leaving.IsCancellationRequested);
        await bench.TokenManager.RenewAsync(null, Cancellation);
        Assert.Equal("refresh-1", bench.Refresh);
        await service.StopAsync(Cancellation);
    }

    public void Dispose() => directory.Dispose();

    private IHost Host(SandboxServer sandbox, Action<IServiceCollection>? more = null)
    {
        directory.Write("token.json", $$"""{"refresh_token":"{{sandbox.Netatmo.Login().RefreshToken}}"}""");
        var (accounts, problems) = Support.Configured.Of(new NetatmoSource(), $"""
            accounts:
              home:
                source: netatmo
                client_id: {sandbox.Netatmo.ClientId}
                client_secret: {sandbox.Netatmo.ClientSecret}
                token_file: token.json
                api_url: {sandbox.Address}

            """, new Dictionary<string, string>(), directory);
        Assert.Empty(problems);
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSources([new NetatmoSource()]).AddAccounts(accounts).AddSingleton<IHostLifetime, ShutdownSignals.HostLifetime>();
        more?.Invoke(builder.Services);
        return builder.Build();
    }

    private sealed class CannotListen : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => throw new IOException("the port is taken");

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    /// <summary>Fails immediately, or runs until it is canceled.</summary>
    private sealed class FakeReadingSource(Exception? failure) : IReadingSource
    {
        private readonly TaskCompletionSource ran = new();

        public Task Ran => ran.Task;

        public bool Stopped { get; private set; }

        public ReadingStatus Status { get; } = new();

        public Task Changed { get; } = new TaskCompletionSource().Task;

        public ReadingMetrics Collect(DateTimeOffset now) => ReadingMetrics.None;

        public Presentation Present(DateTimeOffset now) => Presentation.Empty;

        public async Task RunAsync(CancellationToken cancellationToken)
        {
            ran.TrySetResult();
            if (failure is not null)
            {
                throw failure;
            }
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                Stopped = true;
            }
        }
    }
}
