using System.Text.RegularExpressions;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>Compatibility with BmwTokenManager: its flags, file, log lines and exit codes.</summary>
public sealed class KeepCommandTests
{
    private static readonly TimeSpan AnHour = TimeSpan.FromHours(1);

    [Fact]
    public async Task It_renews_at_once_and_again_before_expiry_until_shutdown()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, "-t", bench["token.json"]);

        await bench.WaitForErrorAsync("[info] sleeping");
        Assert.Matches(
            @"^(\[warn\] .*\n)*\[info\] initial refresh ok; expires_at=2026-11-21T13:00:00\+00:00\n"
            + @"\[info\] sleeping \d+s; refresh at 2026-11-21T12:5\d:\d\d\+00:00\n$", bench.Error);
        var first = bench.Read("token.json").Text("refresh_token");
        await bench.AdvanceUntilErrorAsync("[info] refreshed; expires_at=2026-11-21T1");
        await stop.CancelAsync();

        Assert.Equal(0, await keep);
        Assert.NotEqual(first, bench.Read("token.json").Text("refresh_token"));
        // The clock may have advanced further than the first renewal.
        var elapsed = bench.Time.GetUtcNow() - ManualTime.Start;
        Assert.InRange(bench.Sandbox.Bmw.Authorization.Counters.Rotations, 2, 1 + (int)(elapsed / TimeSpan.FromMinutes(50)));
        Assert.Equal(0, bench.Sandbox.Bmw.Authorization.Counters.ReusedRefreshTokens);
    }

    [Fact]
    public async Task The_file_keeps_its_layout_its_order_and_unknown_members()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, "-t", bench["token.json"]);

        await bench.WaitForErrorAsync("[info] sleeping");
        await stop.CancelAsync();
        await keep;

        var file = await File.ReadAllTextAsync(bench["token.json"], TestContext.Current.CancellationToken);
        var now = bench.Time.GetUtcNow();
        Assert.StartsWith("{\n    \"access_token\": \"", file, StringComparison.Ordinal);
        Assert.Contains("\n    \"mine\": [1, 2],\n", file, StringComparison.Ordinal);
        Assert.EndsWith(
            $"    \"fetched_at\": {now.ToUnixTimeSeconds()},\n    \"expires_at\": {(now + AnHour).ToUnixTimeSeconds()}\n}}",
            file, StringComparison.Ordinal);
        string[] names =
        [
            "access_token", "refresh_token", "gcid", "client_id", "mine", "expires_in", "token_type", "scope", "id_token", "fetched_at", "expires_at",
        ];
        Assert.Equal(names, bench.Read("token.json").Names);
    }

    [Theory]
    [InlineData(new string[0], 120)]
    [InlineData(new[] { "-m", "600" }, 600)]
    [InlineData(new[] { "-m600" }, 600)]
    [InlineData(new[] { "-m", " 600\n" }, 600)]
    [InlineData(new[] { "--refresh-margin=300" }, 300)]
    public async Task The_margin_is_two_minutes_unless_a_flag_sets_it(string[] flags, int margin)
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, ["-t", bench["token.json"], .. flags]);

        await bench.WaitForErrorAsync("[info] sleeping");
        await stop.CancelAsync();
        await keep;

        // Jitter makes a renewal earlier by at most a twentieth of the lifetime.
        Assert.InRange(int.Parse(Regex.Match(bench.Error, @"sleeping (\d+)s").Groups[1].Value), 3600 - margin - 181, 3600 - margin);
    }

    [Fact]
    public async Task The_margin_of_BmwTokenManagers_variable_counts_without_a_flag()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = bench.RunWithoutConfigurationAsync(Variables(bench, "600"), stop.Token, "keep", $"-t{bench["token.json"]}");

        await bench.WaitForErrorAsync("[info] sleeping");
        await stop.CancelAsync();
        await keep;

        Assert.InRange(int.Parse(Regex.Match(bench.Error, @"sleeping (\d+)s").Groups[1].Value), 3600 - 600 - 181, 3600 - 600);
    }

    [Theory]
    [InlineData("-m 2m", "-m", "2m")]
    [InlineData("-m abc", "-mabc")]
    [InlineData("--refresh-margin 1.5", "--refresh-margin=1.5")]
    [InlineData("-m 99999999999", "-m", "99999999999")]
    [InlineData("BMW_REFRESH_MARGIN 2m")]
    public async Task A_margin_that_is_not_whole_seconds_is_named(string written, params string[] flags)
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();

        Assert.Equal(1, await bench.RunWithoutConfigurationAsync(Variables(bench, "2m"), stop.Token, ["keep", "-t", bench["token.json"], .. flags]));

        Assert.Contains($"{written}: write whole seconds, for example 120", bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_help_contains_the_calls_of_BmwTokenManager_and_every_source_has_the_same_defaults()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(0, await bench.RunWithoutConfigurationAsync([], TestContext.Current.CancellationToken, "keep", "--help"));

        Assert.Contains("oauth-exporter keep -t /var/lib/bmw/token.json -m 300", bench.Output, StringComparison.Ordinal);
        Assert.All(Composition.Sources, source => Assert.Equal(("token.json", TimeSpan.FromMinutes(2)), (source.Keep.TokenFile, source.Keep.Margin)));
    }

    [Fact]
    public async Task A_temporary_failure_after_the_start_does_not_end_it()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, "-t", bench["token.json"]);
        await bench.WaitForErrorAsync("[info] sleeping");

        bench.Sandbox.Bmw.Token.Fail(new Fault.ServerError());
        await bench.AdvanceUntilAsync(() => bench.Sandbox.Bmw.Token.Requests > 7);
        await bench.AdvanceUntilErrorAsync("[warn] refresh failed (attempt ");
        bench.Sandbox.Bmw.Token.Clear();
        await bench.AdvanceUntilErrorAsync("[info] refreshed");
        await stop.CancelAsync();

        Assert.Equal(0, await keep);
        Assert.Matches(@"\[warn\] refresh failed \(attempt \d+\): .*HTTP 503.* — retrying in \d+s\n", bench.Error);
    }

    [Fact]
    public async Task A_rejected_refresh_token_after_the_start_ends_it_with_1()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, "-t", bench["token.json"]);
        await bench.WaitForErrorAsync("[info] sleeping");

        bench.Sandbox.Bmw.Authorization.RevokeAll();
        await bench.AdvanceUntilErrorAsync("[error] BMW rejected the refresh token");

        Assert.Equal(1, await keep);
        Assert.True(File.Exists(bench["token.json"]));
    }

    [Fact]
    public async Task A_failure_at_the_start_ends_it_with_1_after_one_request()
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
    [InlineData("""{"refresh_token":""", "is not a token file: it is not JSON")]
    [InlineData("""{"gcid":"g","refresh_token":null}""", "neither an access token nor a refresh token")]
    public async Task It_names_what_the_file_lacks_and_sends_nothing(string content, string error)
    {
        await using var bench = await CommandBench.StartAsync();
        bench.Write("token.json", content);
        using var stop = Stop();

        Assert.Equal(1, await Keep(bench, stop, "-t", bench["token.json"]));

        Assert.Contains(error, bench.Error, StringComparison.Ordinal);
        Assert.Equal(0, bench.Sandbox.Bmw.Token.Requests);
    }

    [Fact]
    public async Task A_file_without_a_detectable_provider_needs_the_source_flag()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.Write("token.json", """{"access_token":"a","refresh_token":"r","expiry":"2026-11-21T12:00:00Z"}""");

        Assert.Equal(1, await bench.RunWithoutConfigurationAsync([], TestContext.Current.CancellationToken, "keep", "-t", bench["token.json"]));

        Assert.Contains("choose it with --source netatmo|bmw-cardata|", bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_names_a_missing_file()
    {
        await using var bench = await CommandBench.StartAsync();
        using var stop = Stop();

        Assert.Equal(1, await Keep(bench, stop, "-t", bench["none.json"]));

        Assert.StartsWith($"[error] there is no file {bench["none.json"]}", bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_client_id_comes_from_the_environment_if_the_file_has_none()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.Write("token.json", $$"""{"refresh_token":"{{bench.Sandbox.Bmw.Login().RefreshToken}}"}""");
        using var stop = Stop();

        var environment = new Dictionary<string, string>
        {
            ["BMW_AUTH_URL"] = bench.Sandbox.Address.OriginalString,
            ["BMW_CLIENT_ID"] = bench.Sandbox.Bmw.ClientId.ToUpperInvariant(),
            ["BMW_TOKEN_FILE"] = bench["token.json"],
        };
        var keep = bench.RunWithoutConfigurationAsync(environment, stop.Token, "keep");
        await bench.WaitForErrorAsync("[info] sleeping");
        await stop.CancelAsync();

        Assert.Equal(0, await keep);
        Assert.NotNull(bench.Read("token.json").Text("expires_at"));
    }

    [Fact]
    public async Task A_file_of_the_CarData_client_is_detected_and_keeps_its_format()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.Write("bmw_tokens.json", $$"""
            {"refresh_token": {"token": "{{bench.Sandbox.Bmw.Login().RefreshToken}}", "expires_at": "2026-12-05T12:00:00"}, "gcid": "g"}
            """);
        using var stop = Stop();

        var environment = new Dictionary<string, string>
        {
            ["BMW_AUTH_URL"] = bench.Sandbox.Address.OriginalString,
            ["BMW_CLIENT_ID"] = bench.Sandbox.Bmw.ClientId,
        };
        var keep = bench.RunWithoutConfigurationAsync(environment, stop.Token, "keep", "-t", bench["bmw_tokens.json"]);
        await bench.WaitForErrorAsync("[info] sleeping");
        await stop.CancelAsync();

        Assert.Equal(0, await keep);
        Assert.Equal("2026-11-21T13:00:00.000000", bench.Read("bmw_tokens.json").Inner("access_token")!.Text("expires_at"));
    }

    [Fact]
    public async Task A_file_of_another_source_is_renewed_if_its_variables_or_a_flag_name_the_source()
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
            var keep = bench.RunWithoutConfigurationAsync(netatmo, stop.Token, ["keep", "-t", bench["home.json"], .. flags]);
            await bench.PollUntilAsync(() => bench.Error.Split("sleeping").Length > sleeping);
            await stop.CancelAsync();
            Assert.Equal(0, await keep);
        }
        Assert.Equal(2, bench.Sandbox.Netatmo.Authorization.Counters.Rotations);
    }

    [Fact]
    public async Task All_accounts_of_a_configuration_are_renewed_until_all_are_lost()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        bench.LogInCar();
        using var stop = Stop();
        var keep = bench.RunAsync("keep");
        await bench.WaitForErrorAsync("[info] car: sleeping");

        bench.Sandbox.Netatmo.Authorization.RevokeAll();
        await bench.AdvanceUntilErrorAsync("[error] home: ");
        await bench.AdvanceUntilErrorAsync("[info] car: refreshed");
        Assert.False(keep.IsCompleted);
        bench.Sandbox.Bmw.Authorization.RevokeAll();
        await bench.AdvanceUntilErrorAsync("[error] car: BMW rejected");

        Assert.Equal(1, await keep);
    }

    [Fact]
    public async Task It_adopts_a_login_of_another_process()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, "-t", bench["token.json"]);
        await bench.WaitForErrorAsync("[info] sleeping");

        bench.LogInCar("token.json");
        await bench.AdvanceUntilErrorAsync("[info] refreshed");
        await stop.CancelAsync();

        Assert.Equal(0, await keep);
        Assert.Equal(0, bench.Sandbox.Bmw.Authorization.Counters.ReusedRefreshTokens);
    }

    [Fact]
    public async Task It_prints_no_secret()
    {
        await using var bench = await CommandBench.StartAsync();
        var before = bench.LogInCar("token.json");
        using var stop = Stop();
        var keep = Keep(bench, stop, "-t", bench["token.json"]);
        await bench.WaitForErrorAsync("[info] sleeping");
        await stop.CancelAsync();
        await keep;

        var file = bench.Read("token.json");
        Assert.All(
            [before.AccessToken, before.RefreshToken, file.Text("access_token")!, file.Text("refresh_token")!, file.Text("id_token")!],
            secret => Assert.DoesNotContain(secret, bench.Error + bench.Output, StringComparison.Ordinal));
    }

    private static CancellationTokenSource Stop() => CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    private static Dictionary<string, string> Variables(CommandBench bench, string margin) =>
        new() { ["BMW_AUTH_URL"] = bench.Sandbox.Address.OriginalString, ["BMW_REFRESH_MARGIN"] = margin };

    private static Task<int> Keep(CommandBench bench, CancellationTokenSource stop, params string[] arguments) =>
        bench.RunWithoutConfigurationAsync(new() { ["BMW_AUTH_URL"] = bench.Sandbox.Address.OriginalString }, stop.Token, ["keep", .. arguments]);
}
