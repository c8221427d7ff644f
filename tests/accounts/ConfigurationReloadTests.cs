using Exporter.Accounts;
using Exporter.Sandbox;
using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;
using static Exporter.Tests.Support.Wait;

namespace Exporter.Tests.Accounts;

public sealed class ConfigurationReloadTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_unchanged_account_keeps_its_token_its_stream_and_its_reading()
    {
        string car = "", home = "", old = "";
        await using var bench = await ReloadBench.StartAsync(b => (car = b.Car("car")) + (home = b.Station("home")) + (old = b.Station("old")));
        await bench.ReadsAsync("car", "home", "old");
        var (carAccount, homeAccount, oldAccount) = (bench.Account("car"), bench.Account("home"), bench.Account("old"));
        var (carStatus, homeStatus) = (carAccount.ReadingSource!.Status, homeAccount.ReadingSource!.Status);
        var connects = bench.Sandbox.Bmw.Broker!.Connects;
        var requests = (bench.Sandbox.Bmw.Token.Requests, bench.Sandbox.Netatmo.Token.Requests);

        var result = await bench.ReloadAsync(home + bench.Station("flat") + car);
        await bench.ReadsAsync("flat");

        Assert.Equal([], result.Problems);
        Assert.Equal(["account flat added", "account old removed", "accounts unchanged: 2"], result.Changes);
        Assert.Equal(["home", "flat", "car"], bench.Accounts.Select(account => account.Name));
        Assert.Same(carAccount, bench.Account("car"));
        Assert.Same(homeAccount, bench.Account("home"));
        Assert.Same(carStatus, carAccount.ReadingSource.Status);
        Assert.Same(homeStatus, homeAccount.ReadingSource.Status);
        Assert.Equal(connects, bench.Sandbox.Bmw.Broker!.Connects);
        Assert.Equal((requests.Item1, requests.Item2 + 1), (bench.Sandbox.Bmw.Token.Requests, bench.Sandbox.Netatmo.Token.Requests));
        Assert.True(oldAccount.Leaving.IsCancellationRequested);
        Assert.False(homeAccount.Leaving.IsCancellationRequested);
        Assert.Contains("the configuration was reloaded: account flat added, account old removed, accounts unchanged: 2", bench.Log.All);
    }

    [Fact]
    public async Task A_changed_account_continues_with_the_token_of_its_file()
    {
        await using var bench = await ReloadBench.StartAsync(b => b.Station("home"));
        await bench.ReadsAsync("home");
        var before = bench.Account("home");

        var result = await bench.ReloadAsync(bench.StationWithFile("home", "home.json", ", refresh_interval: 20m"));
        await bench.ReadsAsync("home");

        Assert.Equal(["account home changed", "accounts unchanged: 0"], result.Changes);
        Assert.NotSame(before, bench.Account("home"));
        Assert.Equal(1, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task A_renamed_account_keeps_its_login()
    {
        await using var bench = await ReloadBench.StartAsync(b => b.Station("home"));
        await bench.ReadsAsync("home");

        var result = await bench.ReloadAsync(bench.StationWithFile("flat", "home.json"));
        await bench.ReadsAsync("flat");

        Assert.Equal(["account flat added", "account home removed", "accounts unchanged: 0"], result.Changes);
        Assert.Equal(1, bench.Sandbox.Netatmo.Token.Requests);
    }

    [Fact]
    public async Task A_bad_file_changes_nothing_and_says_why()
    {
        await using var bench = await ReloadBench.StartAsync(b => b.Station("home"));
        await bench.ReadsAsync("home");
        var (list, time) = (bench.Accounts, SuccessTime(bench.Page));

        var result = await bench.ReloadAsync(bench.StationWithFile("home", "home.json", ", refresh_intervall: 1m, max_series: many"));

        Assert.Equal(2, result.Problems.Count);
        Assert.Contains(result.Problems, problem => problem.Contains("refresh_intervall", StringComparison.Ordinal));
        Assert.All(result.Problems, problem => Assert.Contains(
            $"the configuration was not reloaded, and nothing was changed: {problem}", bench.Log.At(LogLevel.Error)));
        Assert.Same(list, bench.Accounts);
        await bench.ShowsAsync("\nexporter_config_last_reload_successful 0\n");
        Assert.Equal(time, SuccessTime(bench.Page));

        var fixedAgain = await bench.ReloadAsync(bench.StationWithFile("home", "home.json"));

        Assert.Equal(["accounts unchanged: 1"], fixedAgain.Changes);
        Assert.Same(list, bench.Accounts);
        await bench.ShowsAsync("\nexporter_config_last_reload_successful 1\n");
        Assert.NotEqual(time, SuccessTime(bench.Page));
    }

    [Fact]
    public async Task A_secret_file_with_another_content_changes_the_account()
    {
        string Account(ReloadBench b) => b.StationWithFile("home", "home.json").Replace(
            $"client_secret: {b.Sandbox.Netatmo.ClientSecret}", "client_secret_file: secret.txt", StringComparison.Ordinal);
        await using var bench = await ReloadBench.StartAsync(b =>
        {
            b.Station("home");
            b.DirectoryPath.Write("secret.txt", "wrong");
            return Account(b);
        });
        await UntilAsync(() => bench.Account("home").TokenManager.Snapshot.State is TokenState.InvalidClient);

        Assert.Equal(["accounts unchanged: 1"], (await bench.ReloadAsync()).Changes);
        bench.DirectoryPath.Write("secret.txt", bench.Sandbox.Netatmo.ClientSecret);
        Assert.Equal(["account home changed", "accounts unchanged: 0"], (await bench.ReloadAsync()).Changes);

        await bench.ReadsAsync("home");
    }

    [Fact]
    public async Task Reloads_at_once_run_one_after_another()
    {
        var home = "";
        await using var bench = await ReloadBench.StartAsync(b => home = b.Station("home"));
        bench.Configure(home + bench.Station("flat"));

        var results = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => bench.ReloadAsync()));

        Assert.All(results, result => Assert.True(result.Succeeded));
        Assert.Equal(2, bench.Accounts.Count);
        Assert.Single(results.Where(result => result.Changes.Contains("account flat added")).Distinct());
    }

    [Fact]
    public async Task The_answer_of_a_renewal_in_flight_is_saved_before_the_changed_account_loads()
    {
        await using var bench = await ReloadBench.StartAsync(b => b.Station("home"));
        var provider = bench.Sandbox.Netatmo;

        var (renewal, reload) = await ReloadDuringARenewalAsync(bench);
        Assert.False(reload.IsCompleted);
        provider.Token.Clear();

        Assert.True((await reload).Succeeded);
        var renewed = (await renewal).State.Token!.AccessToken;
        Assert.Equal(renewed, bench.Account("home").TokenManager.Snapshot.State.Token!.AccessToken);
        var counters = provider.Authorization.Counters;
        Assert.Equal((2, 2, 0), (provider.Token.Requests, counters.Rotations, counters.ReusedRefreshTokens));
    }

    [Fact]
    public async Task A_stop_during_a_reload_saves_the_token()
    {
        await using var bench = await ReloadBench.StartAsync(b => b.Station("home"));
        var (renewal, reload) = await ReloadDuringARenewalAsync(bench);

        var stop = bench.StopAsync();
        bench.Sandbox.Netatmo.Token.Clear();
        await stop;

        Assert.True(bench.Hosted.AllSaved);
        var renewed = (await renewal).State.Token!.RefreshToken!.Reveal();
        Assert.Contains(renewed, await File.ReadAllTextAsync(bench.DirectoryPath["home.json"], Cancellation), StringComparison.Ordinal);
        await Task.WhenAny(reload);
    }

    [Theory]
    [InlineData("refresh_interval: 30m", true)]
    [InlineData("username: another-user", false)]
    public async Task A_token_in_memory_is_taken_over_only_for_the_same_user(string change, bool isTakenOver)
    {
        string Account(ReloadBench b, string more) =>
            $"  work: {{source: ergani, username: {b.Sandbox.Ergani.Username}, password: {b.Sandbox.Ergani.Password}, in_memory: true, "
            + $"api_url: \"{ErganiProvider.AddressAt(b.Sandbox.Address)}\"{more}}}\n";
        await using var bench = await ReloadBench.StartAsync(b => Account(b, ""));
        await bench.ReadsAsync("work");
        var token = bench.Account("work").TokenManager.Snapshot.State.Token!.AccessToken;

        var next = change.StartsWith("username", StringComparison.Ordinal)
            ? Account(bench, "").Replace($"username: {bench.Sandbox.Ergani.Username}", change, StringComparison.Ordinal)
            : Account(bench, $", {change}");
        var result = await bench.ReloadAsync(next);

        Assert.Equal(["account work changed", "accounts unchanged: 0"], result.Changes);
        Assert.Equal(isTakenOver, token!.Equals(bench.Account("work").TokenManager.Snapshot.State.Token?.AccessToken));
        if (isTakenOver)
        {
            await bench.ReadsAsync("work");
            Assert.Equal(1, bench.Sandbox.Ergani.LogIn.Requests);
        }
    }

    [Fact]
    public async Task The_series_of_a_removed_account_disappear_and_the_others_stay()
    {
        string home = "", work = "";
        await using var bench = await ReloadBench.StartAsync(b => (home = b.Station("home")) + (work = Ergani(b)));
        await bench.ReadsAsync("home", "work");
        await bench.ShowsAsync("ergani_api_requests_total{account=\"work\"");
        var before = Series(bench.Page);

        await bench.ReloadAsync(home);

        await bench.HidesAsync("account=\"work\"");
        var after = Series(bench.Page);
        Assert.Equal(before.Where(series => !series.Contains("account=\"work\"", StringComparison.Ordinal)).Order(), after.Order());
        // Names of netatmo-exporter.
        Assert.All(await Support.Promtool.Check(bench.Page, Cancellation), problem => Assert.StartsWith("netatmo_", problem, StringComparison.Ordinal));

        await bench.ReloadAsync(home + work);
        await bench.ReadsAsync("work");
        await bench.ShowsAsync("ergani_api_requests_total{account=\"work\"");
    }

    [Fact]
    public async Task Every_scrape_during_reloads_has_the_unchanged_account()
    {
        string home = "", flat = "";
        await using var bench = await ReloadBench.StartAsync(b => (home = b.Station("home")) + (flat = b.Station("flat")));
        await bench.ReadsAsync("home", "flat");
        using var done = new CancellationTokenSource();
        var scrapes = Task.Run(async () =>
        {
            var (all, lost) = (0, 0);
            while (!done.IsCancellationRequested || all == 0)
            {
                all++;
                var page = bench.Page;
                lost += page.Contains("exporter_up{account=\"home\",source=\"netatmo\"} 1\n", StringComparison.Ordinal)
                    && Series(page).Any(series => series.StartsWith("netatmo_sensor_temperature_celsius{", StringComparison.Ordinal)
                        && series.Contains("account=\"home\"", StringComparison.Ordinal)) ? 0 : 1;
                await Task.Yield();
            }
            return lost;
        }, Cancellation);

        for (var round = 0; round < 5; round++)
        {
            Assert.True((await bench.ReloadAsync(home)).Succeeded);
            Assert.True((await bench.ReloadAsync(flat + home)).Succeeded);
        }
        await done.CancelAsync();

        Assert.Equal(0, await scrapes);
    }

    [Fact]
    public async Task Removed_accounts_are_no_longer_renewed()
    {
        string home = "", flat = "";
        await using var bench = await ReloadBench.StartAsync(b => (home = b.Station("home")) + (flat = b.Station("flat")));
        await bench.ReadsAsync("home", "flat");
        var removed = bench.Account("flat").TokenManager;

        await bench.ReloadAsync(home);

        await Assert.ThrowsAsync<ObjectDisposedException>(() => removed.AdoptAsync(new Token { AccessToken = new Secret("late") }, Cancellation));
        var requests = bench.Sandbox.Netatmo.Token.Requests;
        await removed.RenewAsync(null, Cancellation);
        Assert.Equal(requests, bench.Sandbox.Netatmo.Token.Requests);
        Assert.True(bench.Services.GetRequiredService<BackgroundHealth>().IsHealthy);
    }

    private static string Ergani(ReloadBench bench) =>
        $"  work: {{source: ergani, username: {bench.Sandbox.Ergani.Username}, password: {bench.Sandbox.Ergani.Password}, "
        + $"api_url: \"{ErganiProvider.AddressAt(bench.Sandbox.Address)}\"}}\n";

    private static string SuccessTime(string page) =>
        page.Split('\n').Single(line => line.StartsWith("exporter_config_last_reload_success_timestamp_seconds ", StringComparison.Ordinal));

    private static List<string> Series(string page) =>
        [.. page.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line[..line.LastIndexOf(' ')])];

    /// <summary>Changes the account home while its renewal waits for Netatmo's answer, which comes after the fault of the sandbox is cleared.</summary>
    private static async Task<(Task<TokenSnapshot> Renewal, Task<ReloadResult> Reload)> ReloadDuringARenewalAsync(ReloadBench bench)
    {
        await bench.ReadsAsync("home");
        var (token, home) = (bench.Sandbox.Netatmo.Token, bench.Account("home"));
        token.Fail(new Fault.Hang());
        var renewal = home.TokenManager.RenewAsync(null, Cancellation);
        await token.Reached(2, Cancellation);
        var reload = bench.ReloadAsync(bench.StationWithFile("home", "home.json", ", refresh_interval: 20m"));
        await UntilAsync(() => home.Leaving.IsCancellationRequested);
        return (renewal, reload);
    }
}
