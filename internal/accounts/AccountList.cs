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
}
