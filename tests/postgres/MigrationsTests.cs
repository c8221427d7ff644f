using Exporter.Postgres;
using Exporter.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>The schema of the database.</summary>
public sealed class MigrationsTests(SharedDatabase shared) : IClassFixture<SharedDatabase>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Replicas_that_start_together_with_an_empty_database_apply_each_file_once()
    {
        await shared.QueryAsync("drop schema public cascade; create schema public", Cancellation);
        using var log = new CollectedLog();
        var migrations = new Migrations(shared.Database, new Logger<Migrations>(log));

        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => migrations.RunAsync(Cancellation))));

        Assert.All(results, Assert.Null);
        Assert.Equal(Migrations.Latest, log.At(LogLevel.Information).Count);
        Assert.Equal($"{Migrations.Latest}", await shared.QueryAsync("select count(*) from migration", Cancellation));
    }

    [Fact]
    public async Task A_second_start_changes_nothing()
    {
        using var log = new CollectedLog();

        Assert.Null(await new Migrations(shared.Database, new Logger<Migrations>(log)).RunAsync(Cancellation));

        Assert.Empty(log.All);
    }

    [Fact]
    public async Task A_schema_of_a_newer_program_is_refused()
    {
        var newer = Migrations.Latest + 1;
        await shared.QueryAsync($"insert into migration (number, name) values ({newer}, 'later')", Cancellation);
        try
        {
            Assert.Equal(
                $"the database has the schema {newer} of a newer version of this program, which works with {Migrations.Latest}; update this replica",
                await new Migrations(shared.Database, NullLogger<Migrations>.Instance).RunAsync(Cancellation));
        }
        finally
        {
            await shared.QueryAsync($"delete from migration where number = {newer}", CancellationToken.None);
        }
        Assert.Equal("0", await shared.QueryAsync("select count(*) from pg_locks where locktype = 'advisory'", Cancellation));
    }

    [Fact]
    public async Task A_server_that_does_not_respond_is_a_failure_of_the_database()
    {
        await using var replica = new ReplicaBench(shared);
        await shared.StoppedAsync(replica, async () =>
        {
            var failure = await Assert.ThrowsAnyAsync<NpgsqlException>(() => replica.Get<Migrations>().RunAsync(Cancellation));
            Assert.True(Database.IsFailure(failure));
        }, Cancellation);
    }
}
