namespace Exporter.Tokens;

/// <summary>
/// Lets one at a time change a keeper's token or its store: a renewal, a login, a logout, a look at the store. Inside a
/// turn, the store's lock keeps other processes out. Safe for concurrent use; not to be entered twice.
/// </summary>
/// <param name="one">Of one. Never disposed of: who comes late is to find the keeper closed, not broken.</param>
internal sealed class Turn(SemaphoreSlim one, ITokenStore store, Custody custody)
{
    public async Task InTurnAsync(Func<Task> work, CancellationToken cancellation) =>
        await InTurnAsync(async () => { await work(); return true; }, cancellation);

    public async Task<T> InTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellation)
    {
        await one.WaitAsync(cancellation);
        try
        {
            return await work();
        }
        finally
        {
            one.Release();
        }
    }

    public async Task LockedAsync(Func<StoreLock, Task> work, CancellationToken cancellation) =>
        await LockedAsync(async held => { await work(held); return true; }, cancellation);

    public async Task<T> LockedAsync<T>(Func<StoreLock, Task<T>> work, CancellationToken cancellation)
    {
        var held = await LockAsync(cancellation);
        custody.Unlocked((held as StoreLock.Unavailable)?.Reason);
        try
        {
            return await work(held);
        }
        finally
        {
            held.Release();
        }
    }

    private async ValueTask<StoreLock> LockAsync(CancellationToken cancellation)
    {
        try
        {
            return await store.LockAsync(cancellation);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new StoreLock.Unavailable(Plain.Unforeseen(e));
        }
    }
}
