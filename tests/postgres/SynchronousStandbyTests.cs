using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>
/// A database whose synchronous standby does not answer: every commit waits. PostgreSQL ends such a wait with success when it is canceled, although
/// the standby does not have the change.
/// </summary>
public sealed class SynchronousStandbyTests(SharedDatabase database) : ReplicaTests(database)
{
    private const string Waiting = "select count(*) from pg_stat_activity where wait_event = 'SyncRep' and pid <> pg_backend_pid()";

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
        await Shared.QueryAsync("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'", Cancellation);
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

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Cancellation);
        }
    }

    private Task LoseStandbyAsync() => SetAsync("synchronous_standby_names = 'missing'");

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
