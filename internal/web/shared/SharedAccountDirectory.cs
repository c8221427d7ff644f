namespace Exporter.Web;

/// <summary>Shared accounts, each opened at its first use on this replica.</summary>
internal sealed class SharedAccountDirectory(ISharedAccounts accounts) : IAccountDirectory
{
    public IReadOnlyList<Account> Listed => [];

    public bool ListsAll => false;

    public async ValueTask<Account?> FindAsync(string name, CancellationToken cancellationToken) =>
        SharedAccountName.ProblemOf(name) is null ? await accounts.OpenAsync(name, cancellationToken) : null;

    /// <summary>The same on every replica, unlike <see cref="Account.Id"/>.</summary>
    public string IdentityOf(Account account) => $"{account.Source} {account.Name}";

    public string QueryOf(Account account) => $"?account={Uri.EscapeDataString(account.Name)}";

    public Html LinkRemedy(string command) => $"""
        make one with <code>POST /api/accounts/NAME/login-link</code> and an API key.
        """;
}
