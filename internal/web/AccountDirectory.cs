namespace Exporter.Web;

/// <summary>Finds the accounts that requests name. Safe for concurrent use.</summary>
internal interface IAccountDirectory
{
    /// <summary>All accounts; empty if there may be too many to choose from without a name.</summary>
    IReadOnlyList<Account> Listed { get; }

    /// <summary>Whether <see cref="Listed"/> contains every account.</summary>
    bool ListsAll { get; }

    /// <summary>The open account of that name; null if there is none.</summary>
    ValueTask<Account?> FindAsync(string name, CancellationToken cancellationToken);

    /// <summary>Differs for accounts that must not share a login in progress, also for one that replaces another under the same name.</summary>
    string IdentityOf(Account account);

    /// <summary>The query of the start page that shows the account's card; empty if the page without a query does.</summary>
    string QueryOf(Account account);

    /// <summary>How an operator makes a one-time link, as the subject of a sentence's verb <c>run</c> or <c>send</c>.</summary>
    Html LinkRemedy(string command);
}

/// <summary>The accounts of the configuration, all open.</summary>
internal sealed class ListedAccounts(AccountList accounts) : IAccountDirectory
{
    public IReadOnlyList<Account> Listed => accounts.Current;

    public bool ListsAll => true;

    public ValueTask<Account?> FindAsync(string name, CancellationToken cancellationToken) =>
        ValueTask.FromResult(accounts.Current.FirstOrDefault(account => account.Name == name));

    public string IdentityOf(Account account) => $"{account.Id}";

    public string QueryOf(Account account) => "";

    public Html LinkRemedy(string command) => $"""
        on the exporter's machine, run <code>oauth-exporter {command}</code>, or
        <code>docker exec CONTAINER /usr/bin/oauth-exporter {command}</code>.
        """;
}
