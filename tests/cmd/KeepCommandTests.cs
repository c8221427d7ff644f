using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>BmwTokenManager's job: its flags, its file, its lines and its exit codes.</summary>
public sealed class KeepCommandTests
{
    private static readonly TimeSpan AnHour = TimeSpan.FromHours(1);

    [Fact]
    public async Task It_renews_at_once_and_again_before_the_end_until_it_is_told_to_stop()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, "-t", bench["token.json"]);

        await bench.SaysAsync("[info] sleeping");
        Assert.Matches(@"^(\[warn\] .*\n)*\[info\] initial refresh ok; expires_at=2026-11-21T13:00:00\+00:00\n\[info\] sleeping \d+s; refresh at 2026-11-21T12:5\d:\d\d\+00:00\n$", bench.Error);
        var first = bench.Read("token.json").Text("refresh_token");
        await bench.TickUntilSaysAsync("[info] refreshed; expires_at=2026-11-21T1");
        await stop.CancelAsync();

        Assert.Equal(0, await keep);
        Assert.NotEqual(first, bench.Read("token.json").Text("refresh_token"));
        // The clock has gone on until it said so.
        Assert.InRange(bench.Sandbox.Bmw.Authorization.Counters.Rotations, 2, 1 + (int)((bench.Time.GetUtcNow() - ManualTime.Start) / TimeSpan.FromMinutes(50)));
        Assert.Equal(0, bench.Sandbox.Bmw.Authorization.Counters.ReusedRefreshTokens);
    }

    [Fact]
    public async Task The_file_keeps_its_layout_its_order_and_what_is_foreign_in_it()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, "-t", bench["token.json"]);

        await bench.SaysAsync("[info] sleeping");
        await stop.CancelAsync();
        await keep;

        var file = await File.ReadAllTextAsync(bench["token.json"], stop.Token.IsCancellationRequested ? CancellationToken.None : stop.Token);
        Assert.StartsWith("{\n    \"access_token\": \"", file, StringComparison.Ordinal);
        Assert.Contains("\n    \"mine\": [1, 2],\n", file, StringComparison.Ordinal);
        Assert.EndsWith($"    \"fetched_at\": {bench.Time.GetUtcNow().ToUnixTimeSeconds()},\n    \"expires_at\": {(bench.Time.GetUtcNow() + AnHour).ToUnixTimeSeconds()}\n}}", file, StringComparison.Ordinal);
        Assert.Equal(
            ["access_token", "refresh_token", "gcid", "client_id", "mine", "expires_in", "token_type", "scope", "id_token", "fetched_at", "expires_at"], bench.Read("token.json").Names);
    }

    [Theory]
    [InlineData(new string[0], 120)]
    [InlineData(new[] { "-m", "600" }, 600)]
    [InlineData(new[] { "--refresh-margin=300" }, 300)]
    public async Task The_margin_is_two_minutes_or_what_is_told(string[] flags, int margin)
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, ["-t", bench["token.json"], .. flags]);

        await bench.SaysAsync("[info] sleeping");
        await stop.CancelAsync();
        await keep;

        // Jitter only moves it earlier, by a twentieth of the lifetime at most.
        Assert.InRange(int.Parse(Regex.Match(bench.Error, @"sleeping (\d+)s").Groups[1].Value), 3600 - margin - 181, 3600 - margin);
    }

    [Fact]
    public async Task Its_help_has_the_calls_that_users_of_BmwTokenManager_make_and_no_source_has_other_defaults()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(0, await bench.RunBareAsync([], TestContext.Current.CancellationToken, "keep", "--help"));

        Assert.Contains("exporter keep -t /var/lib/bmw/token.json -m 300", bench.Output, StringComparison.Ordinal);
        Assert.All(Composition.Sources, source => Assert.Equal(("token.json", TimeSpan.FromMinutes(2)), (source.Keep.TokenFile, source.Keep.Margin)));
    }

    [Fact]
    public async Task A_failure_that_passes_never_ends_it_after_the_start()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, "-t", bench["token.json"]);
        await bench.SaysAsync("[info] sleeping");

        bench.Sandbox.Bmw.Token.Fail(new Fault.ServerError());
        await bench.TickUntilAsync(() => bench.Sandbox.Bmw.Token.Requests > 7);
        await bench.TickUntilSaysAsync("[warn] refresh failed (attempt ");
        bench.Sandbox.Bmw.Token.Clear();
        await bench.TickUntilSaysAsync("[info] refreshed");
        await stop.CancelAsync();

        Assert.Equal(0, await keep);
        Assert.Matches(@"\[warn\] refresh failed \(attempt \d+\): .*HTTP 503.* — retrying in \d+s\n", bench.Error);
    }

    [Fact]
    public async Task A_refresh_token_that_is_dead_after_the_start_ends_it_with_1()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, "-t", bench["token.json"]);
        await bench.SaysAsync("[info] sleeping");

        bench.Sandbox.Bmw.Authorization.RevokeAll();
        await bench.TickUntilSaysAsync("[error] BMW rejected the refresh token");

        Assert.Equal(1, await keep);
        Assert.True(File.Exists(bench["token.json"]));
    }

    [Fact]
    public async Task A_failure_at_the_start_ends_it_with_1_after_one_try()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        bench.Sandbox.Bmw.Token.Fail(new Fault.ServerError());
        using var stop = Stop();

        Assert.Equal(1, await Keep(bench, stop, "-t", bench["token.json"]));

        Assert.Equal(1, bench.Sandbox.Bmw.Token.Requests);
        Assert.Contains("[error] ", bench.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"access_token":"a","client_id":"c","expires_at":4102444800}""", "missing \"refresh_token\"")]
    [InlineData("""{"refresh_token":"r","gcid":"g"}""", "no client_id")]
    [InlineData("""{"refresh_token":""", "is no token file: it is not JSON")]
    [InlineData("""{"gcid":"g","refresh_token":null}""", "neither an access token nor a refresh token")]
    public async Task What_the_file_lacks_is_named_and_nothing_is_sent(string content, string said)
    {
        await using var bench = await CommandBench.StartAsync();
        bench.Write("token.json", content);
        using var stop = Stop();

        Assert.Equal(1, await Keep(bench, stop, "-t", bench["token.json"]));

        Assert.Contains(said, bench.Error, StringComparison.Ordinal);
        Assert.Equal(0, bench.Sandbox.Bmw.Token.Requests);
    }

    [Fact]
    public async Task A_file_that_could_be_anybodys_is_asked_about()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.Write("token.json", """{"access_token":"a","refresh_token":"r","expiry":"2026-11-21T12:00:00Z"}""");

        Assert.Equal(1, await bench.RunBareAsync([], TestContext.Current.CancellationToken, "keep", "-t", bench["token.json"]));

        Assert.Contains("say it with --source netatmo|bmw-cardata|", bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_named()
    {
        await using var bench = await CommandBench.StartAsync();
        using var stop = Stop();

        Assert.Equal(1, await Keep(bench, stop, "-t", bench["none.json"]));

        Assert.StartsWith($"[error] there is no file {bench["none.json"]}", bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_client_id_comes_from_the_environment_where_the_file_has_none()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.Write("token.json", $$"""{"refresh_token":"{{bench.Sandbox.Bmw.Login().RefreshToken}}"}""");
        using var stop = Stop();

        var keep = bench.RunBareAsync(
            new() { ["BMW_AUTH_URL"] = bench.Sandbox.Address.OriginalString, ["BMW_CLIENT_ID"] = bench.Sandbox.Bmw.ClientId.ToUpperInvariant(), ["BMW_TOKEN_FILE"] = bench["token.json"] }, stop.Token, "keep");
        await bench.SaysAsync("[info] sleeping");
        await stop.CancelAsync();

        Assert.Equal(0, await keep);
        Assert.NotNull(bench.Read("token.json").Text("expires_at"));
    }

    [Fact]
    public async Task The_CarData_clients_file_is_recognised_and_kept_in_kind()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.Write("bmw_tokens.json", $$"""{"refresh_token": {"token": "{{bench.Sandbox.Bmw.Login().RefreshToken}}", "expires_at": "2026-12-05T12:00:00"}, "gcid": "g"}""");
        using var stop = Stop();

        var keep = bench.RunBareAsync(
            new() { ["BMW_AUTH_URL"] = bench.Sandbox.Address.OriginalString, ["BMW_CLIENT_ID"] = bench.Sandbox.Bmw.ClientId }, stop.Token, "keep", "-t", bench["bmw_tokens.json"]);
        await bench.SaysAsync("[info] sleeping");
        await stop.CancelAsync();

        Assert.Equal(0, await keep);
        Assert.Equal("2026-11-21T13:00:00.000000", bench.Read("bmw_tokens.json").Inner("access_token")!.Text("expires_at"));
    }

    [Fact]
    public async Task Another_sources_file_is_kept_when_its_variables_or_a_flag_say_whose_it_is()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        var netatmo = new Dictionary<string, string>
        {
            ["NETATMO_API_URL"] = bench.Sandbox.Address.OriginalString,
            ["NETATMO_CLIENT_ID"] = bench.Sandbox.Netatmo.ClientId,
            ["NETATMO_CLIENT_SECRET"] = bench.Sandbox.Netatmo.ClientSecret,
        };
        foreach (var flags in new string[][] { [], ["--source", "netatmo"] })
        {
            using var stop = Stop();
            var sleeping = bench.Error.Split("sleeping").Length;
            var keep = bench.RunBareAsync(netatmo, stop.Token, ["keep", "-t", bench["home.json"], .. flags]);
            await bench.PollUntilAsync(() => bench.Error.Split("sleeping").Length > sleeping);
            await stop.CancelAsync();
            Assert.Equal(0, await keep);
        }
        Assert.Equal(2, bench.Sandbox.Netatmo.Authorization.Counters.Rotations);
    }

    [Fact]
    public async Task All_accounts_of_a_configuration_are_kept_until_none_is_left()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        bench.LogInCar();
        using var stop = Stop();
        var keep = bench.RunAsync("keep");
        await bench.SaysAsync("[info] car: sleeping");

        bench.Sandbox.Netatmo.Authorization.RevokeAll();
        await bench.TickUntilSaysAsync("[error] home: ");
        await bench.TickUntilSaysAsync("[info] car: refreshed");
        Assert.False(keep.IsCompleted);
        bench.Sandbox.Bmw.Authorization.RevokeAll();
        await bench.TickUntilSaysAsync("[error] car: BMW does not accept");

        Assert.Equal(1, await keep);
    }

    [Fact]
    public async Task A_login_by_another_process_is_taken_up()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, "-t", bench["token.json"]);
        await bench.SaysAsync("[info] sleeping");

        bench.LogInCar("token.json");
        await bench.TickUntilSaysAsync("[info] refreshed");
        await stop.CancelAsync();

        Assert.Equal(0, await keep);
        Assert.Equal(0, bench.Sandbox.Bmw.Authorization.Counters.ReusedRefreshTokens);
    }

    [Fact]
    public async Task No_secret_is_said()
    {
        await using var bench = await CommandBench.StartAsync();
        var before = bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, "-t", bench["token.json"]);
        await bench.SaysAsync("[info] sleeping");
        await stop.CancelAsync();
        await keep;

        var file = bench.Read("token.json");
        Assert.All(
            [before.AccessToken, before.RefreshToken, file.Text("access_token")!, file.Text("refresh_token")!, file.Text("id_token")!],
            secret => Assert.DoesNotContain(secret, bench.Error + bench.Output, StringComparison.Ordinal));
    }

    private static CancellationTokenSource Stop() => CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    private static Task<int> Keep(CommandBench bench, CancellationTokenSource stop, params string[] arguments) =>
        bench.RunBareAsync(new() { ["BMW_AUTH_URL"] = bench.Sandbox.Address.OriginalString }, stop.Token, ["keep", .. arguments]);
}
