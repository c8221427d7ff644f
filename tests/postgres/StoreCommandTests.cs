using Exporter.Postgres;
using Exporter.Sandbox;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>Tokens that move between a file and the store. A test for each point at which the command may be killed.</summary>
[Trait("Suite", "slow")]
public sealed class StoreCommandTests : IAsyncLifetime
{
    private StoreBench bench = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => bench = await StoreBench.StartAsync();

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    [Fact]
    public async Task A_token_moves_to_the_store_and_back_and_the_home_program_uses_it_only_in_the_file()
    {
        var token = bench.LogIn();

        var import = await bench.StoreAsync("import", "home");
        var marked = await bench.HomeAsync("refresh", "home");
        var stored = await bench.StoredAsync();
        var export = await bench.StoreAsync("export", "home");
        var given = await bench.HomeAsync("refresh", "home");

        Assert.Equal((0, ""), (import.ExitCode, import.Error));
        Assert.StartsWith("home: imported from ", import.Output, StringComparison.Ordinal);
        Assert.Equal(token.RefreshToken, stored!.RefreshToken);
        Assert.NotEqual(0, marked.ExitCode);
        Assert.Contains("oauth-exporter-cluster store export home", marked.Error, StringComparison.Ordinal);
        Assert.Equal((0, ""), (export.ExitCode, export.Error));
        Assert.Null(await bench.StoredAsync());
        Assert.Equal((0, 1, 0), (given.ExitCode, bench.Sandbox.Netatmo.Authorization.Counters.Rotations,
            bench.Sandbox.Netatmo.Authorization.Counters.ReusedRefreshTokens));
    }

    [Fact]
    public async Task An_account_without_a_token_does_not_stop_the_import_of_others()
    {
        bench.LogIn();
        bench.Write("work.json", "{ not a token");

        var (exitCode, output, error) = await bench.StoreAsync("import");

        Assert.Equal(1, exitCode);
        Assert.StartsWith("home: imported from ", output, StringComparison.Ordinal);
        Assert.StartsWith("work: ", error, StringComparison.Ordinal);
        Assert.NotNull(await bench.StoredAsync());
    }

    [Fact]
    public async Task An_import_that_was_killed_after_the_mark_continues()
    {
        var token = bench.LogIn();
        await MarkAsync();

        await ImportsAsync(token);
    }

    [Fact]
    public async Task An_import_that_was_killed_after_the_row_continues()
    {
        var token = bench.LogIn();
        await MarkAsync();
        await bench.CreateAsync(token);

        await ImportsAsync(token);
    }

    [Fact]
    public async Task An_import_continues_after_a_replica_has_renewed_the_token()
    {
        bench.LogIn();
        await MarkAsync();
        var renewed = bench.LogIn("work.json");
        await bench.CreateAsync(renewed);
        await bench.Postgres.QueryAsync("update account set version = 2", Stop);

        Assert.Equal(0, (await bench.StoreAsync("import", "home")).ExitCode);
        Assert.DoesNotContain("home.json", bench.Files);
        Assert.Equal(renewed.RefreshToken, (await bench.StoredAsync())!.RefreshToken);
    }

    [Fact]
    public async Task An_import_keeps_the_token_of_a_file_if_the_store_has_another_one()
    {
        var token = bench.LogIn();
        await bench.CreateAsync(bench.LogIn("work.json"));

        var (exitCode, _, error) = await bench.StoreAsync("import", "home");

        Assert.Equal(1, exitCode);
        Assert.Contains("the store already has an account home", error, StringComparison.Ordinal);
        Assert.Equal(token.RefreshToken, (await bench.FiledAsync())!.RefreshToken);
    }

    [Fact]
    public async Task An_import_may_be_repeated()
    {
        await ImportsAsync(bench.LogIn());

        var (exitCode, output, _) = await bench.StoreAsync("import", "home");

        Assert.Equal((0, "home: the store has it already.\n"), (exitCode, output));
    }

    [Fact]
    public async Task An_export_that_was_killed_before_the_file_continues()
    {
        var token = await ImportedAsync();
        await HoldAsync();
        Assert.Empty(await bench.Rows.TakeDueAsync(10, Stop));

        await ExportsAsync(token);
    }

    [Fact]
    public async Task An_export_that_was_killed_after_the_file_deletes_the_row_and_keeps_the_token_that_is_newer()
    {
        var token = await ImportedAsync();
        await HoldAsync();
        Assert.IsType<WriteResult.Written>(await bench.File.GiveBackAsync(token, Stop));
        Assert.Equal(0, (await bench.HomeAsync("refresh", "home")).ExitCode);
        var newer = await bench.FiledAsync();

        await ExportsAsync(newer!);
        Assert.NotEqual(token.RefreshToken, newer!.RefreshToken);
    }

    [Fact]
    public async Task An_export_deletes_nothing_if_the_file_has_a_token_of_its_own()
    {
        var stored = await ImportedAsync();
        File.Delete(bench.File.Location + ".in-store");
        var own = bench.LogIn();

        var (exitCode, _, error) = await bench.StoreAsync("export", "home");

        Assert.Equal(1, exitCode);
        Assert.Contains("has a token of its own", error, StringComparison.Ordinal);
        Assert.Equal(own.RefreshToken, (await bench.FiledAsync())!.RefreshToken);
        Assert.Equal(stored.RefreshToken, (await bench.StoredAsync())!.RefreshToken);
        Assert.Equal("", await bench.Postgres.QueryAsync("select holder from account", Stop));
    }

    [Fact]
    public async Task A_late_renewal_during_an_export_keeps_the_row()
    {
        await ImportedAsync();
        var row = (await bench.Rows.FindAsync("home", Stop))!;
        var held = await HoldAsync();
        var late = bench.LogIn("work.json");
        var progress = new TokenProgress(new TokenState.Active(late, late.ExpiresAt!.Value, 0), "2", late.ExpiresAt);
        await bench.Rows.SaveAsync(
            [new RowChange(row.Id, row.Version, row.Attempt, AccountRow.Seal(bench.Keys, "home", late), progress) { Source = "oauth2", Outcome = "renewed" }], Stop);

        Assert.False(await new AdministeredRows(bench.Database).DeleteAsync(held, Stop));
        await ExportsAsync(late);
    }

    [Fact]
    public async Task An_export_waits_for_the_request_in_flight()
    {
        var token = await ImportedAsync();
        var taken = (await bench.Rows.TakeAsync((await bench.Rows.FindAsync("home", Stop))!.Id, Stop))!;

        var export = bench.StoreAsync("export", "home");
        Assert.Null(await bench.FiledAsync());
        await bench.Rows.ReleaseAsync(taken.Id, taken.Attempt, Stop);

        Assert.Equal(0, (await export).ExitCode);
        Assert.Equal(token.RefreshToken, (await bench.FiledAsync())!.RefreshToken);
    }

    [Fact]
    public async Task A_new_key_encrypts_all_tokens_also_those_that_a_replica_renews()
    {
        for (var i = 0; i < 3; i++)
        {
            await bench.CreateAsync(bench.LogIn(), $"car-{i}");
        }
        await bench.Rows.TakeAsync((await bench.Rows.FindAsync("car-0", Stop))!.Id, Stop);
        bench.WriteKeys("second", "first");

        var first = await bench.StoreAsync("rekey");
        var again = await bench.StoreAsync("rekey");
        bench.WriteKeys("second");

        Assert.Equal((0, "Encrypted 3 tokens with the key second.\n", ""), first);
        Assert.Equal((0, "Encrypted 0 tokens with the key second.\n", ""), again);
        Assert.NotNull(await bench.StoredAsync("car-0"));
        Assert.Equal("1", await bench.Postgres.QueryAsync("select max(version) from account", Stop));
    }

    [Fact]
    public async Task A_token_whose_key_is_missing_is_named()
    {
        await bench.CreateAsync(bench.LogIn(), "car");
        bench.WriteKeys("second");

        var (exitCode, _, error) = await bench.StoreAsync("rekey");

        Assert.Equal((1, "car: it is sealed with the key first, which is not in the key file; add that key to the file.\n"), (exitCode, error));
    }

    [Fact]
    public async Task A_database_that_cannot_be_reached_is_one_sentence()
    {
        await bench.Postgres.StopAsync("fast", Stop);
        bench.LogIn();

        var (exitCode, output, error) = await bench.StoreAsync("import");

        Assert.Equal((2, "", 1), (exitCode, output, error.Count(c => c == '\n')));
        Assert.StartsWith("the database cannot be reached: ", error, StringComparison.Ordinal);
        Assert.NotNull(await bench.FiledAsync());
    }

    private async Task MarkAsync() => Assert.IsType<WriteResult.Written>(await bench.File.MarkAsync(StoreBench.Marker, Stop));

    private async Task<Token> ImportedAsync()
    {
        var token = bench.LogIn();
        await ImportsAsync(token);
        return token;
    }

    private async Task<HeldRow> HoldAsync() =>
        (await new AdministeredRows(bench.Database).HoldAsync((await bench.Rows.FindAsync("home", Stop))!.Id, Stop))!;

    private async Task ImportsAsync(Token token)
    {
        var (exitCode, output, error) = await bench.StoreAsync("import", "home");
        Assert.Equal((0, ""), (exitCode, error));
        Assert.StartsWith("home: imported from ", output, StringComparison.Ordinal);
        Assert.Equal(["home.json.in-store", "home.json.lock"], bench.Files);
        Assert.Equal(token.RefreshToken, (await bench.StoredAsync())!.RefreshToken);
    }

    private async Task ExportsAsync(Token token)
    {
        var (exitCode, output, error) = await bench.StoreAsync("export", "home");
        Assert.Equal((0, ""), (exitCode, error));
        Assert.StartsWith("home: exported to ", output, StringComparison.Ordinal);
        Assert.Equal(token.RefreshToken, (await bench.FiledAsync())!.RefreshToken);
        Assert.Null(await bench.StoredAsync());
        Assert.DoesNotContain("home.json.in-store", bench.Files);
    }
}
