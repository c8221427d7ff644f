using Exporter.Postgres;
using Npgsql;
using Xunit;
using static Exporter.Tests.Support.Wait;

namespace Exporter.Tests.Postgres;

/// <summary>
/// A database whose synchronous standby does not answer: every commit waits. PostgreSQL ends such a wait with success when it is canceled, although
/// the standby does not have the change.
/// </summary>
public sealed class SynchronousStandbyTests(SharedDatabase database) : ReplicaTests(database)
{
    private const string Waiting = "select count(*) from pg_stat_activity where wait_event = 'SyncRep' and pid <> pg_backend_pid()";

    [Fact]
    public async Task A_renewal_is_not_sent_if_the_standby_does_not_have_its_attempt()
    {
        await replica.CreateAsync("car");
        await LoseStandbyAsync();
        await replica.StartAsync();
        await Shared.UntilAsync(Waiting, "1", Cancellation);

        // A shutdown does not cancel the wait, which would then end with success.
        var stop = replica.Get<RenewalWorker>().StopAsync(Cancellation);
        Assert.Equal("1", await Shared.QueryAsync(Waiting, Cancellation));
        await EndWaitingAsync();
        await stop;
        await replica.Get<RenewalWorker>().FinishAsync(Cancellation);

        // The primary alone has the attempt.
        Assert.Equal(1L, (await replica.FindAsync("car")).Attempt);
        Assert.Equal(0, replica.Grant.Requests);
    }

    [Fact]
    public async Task A_command_that_times_out_fails_although_the_primary_executes_it()
    {
        await replica.CreateAsync("car");
        await LoseStandbyAsync();
        var options = Shared.Server.Options();
        await using var impatient = Database.Open(options with { ConnectionString = $"{options.ConnectionString};Command Timeout=1" });

        await Assert.ThrowsAsync<NpgsqlException>(() => new AccountRows(impatient, "impatient").TakeDueAsync(10, Cancellation));

        await Shared.UntilAsync("select attempt from account", "1", Cancellation);
    }

    [Fact]
    public async Task A_token_is_saved_again_until_the_standby_has_it()
    {
        await replica.CreateAsync("car");
        replica.Grant.Hold();
        await replica.StartAsync();
        await Shared.UntilAsync("select count(*) from account where sent_at is not null", "1", Cancellation);
        await LoseStandbyAsync();

        replica.Grant.Release();
        await Shared.UntilAsync(Waiting, "1", Cancellation);
        // The connection ends after the primary has the token, and before the standby does.
        await EndWaitingAsync();
        await UntilAsync(() => replica.Log.Count("only in memory") == 1);
        Assert.Equal("2", await Shared.QueryAsync("select version from account", Cancellation));
        var again = Shared.UntilAsync(Waiting, "1", Cancellation);
        await replica.AdvanceUntilAsync(again);
        Assert.Equal(1, replica.Saver.Unsaved);
        await FindStandbyAsync();

        await Shared.UntilAsync("select count(*) from account where sent_at is null", "1", Cancellation);
        await UntilAsync(() => replica.Saver.Unsaved == 0);
        Assert.Equal(2L, (await replica.FindAsync("car")).Version);
        Assert.Equal("refresh-1", await replica.RefreshTokenOfAsync("car"));
        Assert.Equal(0, replica.Log.Count("is dropped"));
    }

    public override async ValueTask DisposeAsync()
    {
        await FindStandbyAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends the connections whose commit waits.</summary>
    private Task<string> EndWaitingAsync() =>
        Shared.QueryAsync("select count(pg_terminate_backend(pid)) from pg_stat_activity where wait_event = 'SyncRep'", Cancellation);

    /// <summary>Returns when commits wait, which they do after the checkpointer has read the setting.</summary>
    private async Task LoseStandbyAsync()
    {
        await SetAsync("synchronous_standby_names = 'missing'");
        var commit = Task.CompletedTask;
        do
        {
            await commit;
            commit = Shared.Server.QueryAsync("select pg_logical_emit_message(true, 'test', '')", Cancellation);
            await UntilAsync(async () => commit.IsCompleted || await Shared.QueryAsync(Waiting, Cancellation) == "1");
        }
        while (commit.IsCompleted);
        await EndWaitingAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => commit);
        await Shared.UntilAsync(Waiting, "0", Cancellation);
    }

    private Task FindStandbyAsync() => SetAsync("synchronous_standby_names = ''");

    /// <summary>Of a new session, which has every setting that was loaded.</summary>
    private async Task SetAsync(string setting)
    {
        await Shared.Server.QueryAsync($"alter system set {setting}", Cancellation);
        await Shared.Server.QueryAsync("select pg_reload_conf()", Cancellation);
        while (!setting.EndsWith($"'{await Shared.Server.QueryAsync("show synchronous_standby_names", Cancellation)}'", StringComparison.Ordinal))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Cancellation);
        }
    }
}
