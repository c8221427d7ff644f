using Exporter.Postgres;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>Results of renewals on their way to the database.</summary>
public sealed class RowSaverTests(SharedDatabase database) : ReplicaTests(database)
{
    [Fact]
    public async Task A_result_stays_in_memory_while_the_database_is_down_and_is_saved_afterwards()
    {
        var row = await TakenAsync("car");
        var saving = Task.FromResult(false);
        await Shared.StoppedAsync(replica, async () =>
        {
            await replica.StartSaverAsync();
            saving = replica.Saver.SaveAsync(Renewed(row));
            while (replica.Log.Count("results of renewals are only in memory") == 0)
            {
                await Task.Yield();
            }
            Assert.Equal(1, replica.Saver.Unsaved);
        }, Cancellation);
        while (!saving.IsCompleted)
        {
            replica.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Cancellation);
        }

        Assert.True(await saving);
        Assert.Equal(0, replica.Saver.Unsaved);
        Assert.Equal("refresh-1", await replica.RefreshTokenOfAsync("car"));
    }

    [Fact]
    public async Task A_value_that_the_database_never_takes_does_not_keep_others_from_being_saved()
    {
        var (first, wrong, last) = (await TakenAsync("a"), await TakenAsync("b"), await TakenAsync("c"));
        await Shared.QueryAsync("alter table account add constraint few_failures check (failures < 1000)", Cancellation);
        try
        {
            var change = Renewed(wrong);
            Task<bool>[] saving =
            [
                replica.Saver.SaveAsync(Renewed(first)),
                replica.Saver.SaveAsync(change with { Next = change.Next with { Failures = 1000 } }),
                replica.Saver.SaveAsync(Renewed(last)),
            ];
            await replica.StartSaverAsync();

            var saved = await Task.WhenAll(saving);
            Assert.Equal([true, false, true], saved);
            Assert.Contains("few_failures", Assert.Single(replica.Log.At(LogLevel.Error)), StringComparison.Ordinal);
            Assert.Equal("2", await Shared.QueryAsync("select count(*) from account where version = 2", Cancellation));
        }
        finally
        {
            await Shared.QueryAsync("alter table account drop constraint few_failures", CancellationToken.None);
        }
    }

    [Fact]
    public async Task A_change_of_a_deleted_account_is_answered_and_does_not_keep_others_from_being_saved()
    {
        var (gone, other) = (await TakenAsync("a"), await TakenAsync("b"));
        await Shared.QueryAsync("delete from account where name = 'a'", Cancellation);
        Task<bool>[] saving = [replica.Saver.SaveAsync(Renewed(gone)), replica.Saver.SaveAsync(Renewed(other))];

        await replica.StartSaverAsync();

        var saved = await Task.WhenAll(saving);
        Assert.Equal([false, true], saved);
    }

    [Fact]
    public async Task The_shutdown_saves_what_waits()
    {
        var saving = replica.Saver.SaveAsync(Renewed(await TakenAsync("car")));
        await replica.StartSaverAsync();

        Assert.Equal(0, await replica.Saver.FinishAsync(Cancellation));

        Assert.True(await saving);
    }

    private async Task<AccountRow> TakenAsync(string name) => (await replica.Rows.TakeAsync((await replica.CreateAsync(name)).Id, Cancellation))!;

    private RowChange Renewed(AccountRow row)
    {
        var token = replica.Token("1", TimeSpan.FromHours(1));
        var next = new TokenProgress(new TokenState.Active(token, token.ExpiresAt!.Value, 0), null, token.ExpiresAt);
        return new RowChange(row.Id, row.Version, row.Attempt, AccountRow.Seal(ReplicaBench.Keys, row.Name, token), next)
        {
            Source = row.Source,
            Outcome = "renewed",
        };
    }
}
