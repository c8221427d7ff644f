namespace Exporter.Accounts;

/// <summary>The open accounts, in the order of the configuration. A reload replaces the list. Safe for concurrent use.</summary>
public sealed class AccountList(IReadOnlyList<Account> accounts)
{
    private readonly Latest<IReadOnlyList<Account>> latest = new(accounts);

    /// <summary>Immutable. Read it once for each operation, so that all of the operation works with the same accounts.</summary>
    public IReadOnlyList<Account> Current => latest.Value;

    /// <summary>Completes when the list is replaced next. Get it before you read <see cref="Current"/>.</summary>
    public Task Changed => latest.Changed;

    public void Replace(IReadOnlyList<Account> next) => latest.Set(next);

    /// <summary>Runs <paramref name="work"/> for each account, from now or when it enters the list, until it leaves the list.</summary>
    /// <param name="work">Its cancellation is requested when the account leaves the list. A failure ends all work.</param>
    public async Task ForEachAsync(Func<Account, CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new Dictionary<Account, (CancellationTokenSource Leaving, Task Work)>();
        try
        {
            while (true)
            {
                var (changed, current) = (Changed, Current);
                foreach (var gone in running.Keys.Except(current).ToList())
                {
                    running.Remove(gone, out var left);
                    await EndAsync(left.Leaving, left.Work);
                }
                foreach (var account in current.Where(account => !running.ContainsKey(account)))
                {
                    var leaving = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
                    running[account] = (leaving, work(account, leaving.Token));
                }
                var working = running.Values.Select(one => one.Work).Where(task => !task.IsCompletedSuccessfully);
                await await Task.WhenAny([changed, .. working]).WaitAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll(running.Values.Select(one => EndAsync(one.Leaving, one.Work)));
        }
    }

    private static async Task EndAsync(CancellationTokenSource leaving, Task work)
    {
        using (leaving)
        {
            await leaving.CancelAsync();
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
