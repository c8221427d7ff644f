using Xunit;

namespace Exporter.Tests.Postgres;

/// <summary>Tests of one replica over a database that is empty at first.</summary>
public abstract class ReplicaTests(SharedDatabase database) : IClassFixture<SharedDatabase>, IAsyncLifetime
{
    private protected ReplicaBench replica = null!;

    protected SharedDatabase Shared => database;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.EmptyAsync(Cancellation);
        replica = new ReplicaBench(database);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await replica.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
