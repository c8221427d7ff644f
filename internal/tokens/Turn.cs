namespace Exporter.Tokens;

/// <summary>
/// Lets one at a time change a token manager's token or its store: a renewal, a login, a logout, a look at the store. Inside a
/// turn, the store's lock keeps other processes out. Safe for concurrent use; not to be entered twice.
/// </summary>
/// <param name="one">Of one. Never disposed of: who comes late is to find the token manager closed, not broken.</param>
internal sealed class Turn(SemaphoreSlim one, ITokenStore store, Custody custody)
{
    public async Task InTurnAsync(Func<Task> work, CancellationToken cancellationToken) =>
        await InTurnAsync(async () => { await work(); return true; }, cancellationToken);

    public async Task<T> InTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        await one.WaitAsync(cancellationToken);
        try
        {
            return await work();
        }
        finally
        {
            one.Release();
        }
    }

    public async Task LockedAsync(Func<StoreLock, Task> work, CancellationToken cancellationToken) =>
        await LockedAsync(async held => { await work(held); return true; }, cancellationToken);

    public async Task<T> LockedAsync<T>(Func<StoreLock, Task<T>> work, CancellationToken cancellationToken)
    {
        var held = await LockAsync(cancellationToken);
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

    private async ValueTask<StoreLock> LockAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await store.LockAsync(cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new StoreLock.Unavailable(Sanitize.Unforeseen(e));
        }
    }
}
