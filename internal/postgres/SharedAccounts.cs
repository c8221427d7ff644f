namespace Exporter.Postgres;

/// <summary>The accounts of the shared store, for pages and for the API. Safe for concurrent use.</summary>
internal sealed class SharedAccounts(
    AccountCatalog catalog, AccountRows rows, AccountTemplates templates, AttendedAccounts attended, OverviewCache overview, QueueMetrics queue,
    TokenKeys keys, TimeProvider time) : ISharedAccounts
{
    /// <summary>While a renewal is in flight, or was too late.</summary>
    private static readonly TimeSpan RenewalTakes = TimeSpan.FromSeconds(10);

    public SharedOverview Overview
    {
        get
        {
            var numbers = overview.Latest;
            var outage = queue.UnreachableSince is { } since ? new StoreOutage(since, "the database cannot be reached") : null;
            return numbers is null ? new SharedOverview([], null, outage) : new SharedOverview(
                [.. numbers.States.Select(count => new SharedCount(count.Source, count.State, count.Accounts))], numbers.At, outage);
        }
    }

    public async Task<Result<SharedAccount, SharedAccountProblem>> CreateAsync(NewSharedAccount account, CancellationToken cancellationToken)
    {
        if (SharedAccountName.ProblemOf(account.Name) is { } wrong)
        {
            return new SharedAccountProblem.InvalidName(wrong);
        }
        if (templates.Find(account.Template) is null)
        {
            return new SharedAccountProblem.UnknownTemplate(templates.Names);
        }
        var token = account.RefreshToken is null ? null : new Token { RefreshToken = account.RefreshToken };
        var row = templates.NewRow(account.Name, account.Template, token, Instant.Now(time));
        if ((await Database.OrUnavailableAsync(() => catalog.CreateAsync([row], cancellationToken))).Count == 0)
        {
            return new SharedAccountProblem.NameTaken();
        }
        return await FindAsync(account.Name, cancellationToken) is { } created ? created : new SharedAccountProblem.NameTaken();
    }

    public Task<SharedAccountPage> ListAsync(SharedAccountQuery query, CancellationToken cancellationToken) => Database.OrUnavailableAsync(async () =>
    {
        var (found, total) = await catalog.ListAsync(query, cancellationToken);
        var isMore = found.Count > query.Limit;
        List<SharedAccount> accounts = [.. found.Take(query.Limit).Select(Describe)];
        return new SharedAccountPage(accounts, Math.Min(total, AccountCatalog.MostCounted), total > AccountCatalog.MostCounted,
            isMore ? accounts[^1].Name : null);
    });

    public Task<SharedAccount?> FindAsync(string name, CancellationToken cancellationToken) => Database.OrUnavailableAsync(async () =>
        await rows.FindAsync(name, cancellationToken) is { } row ? Describe(row) : null);

    public Task<bool> DeleteAsync(string name, CancellationToken cancellationToken) =>
        Database.OrUnavailableAsync(() => catalog.DeleteAsync(name, cancellationToken));

    public Task<Account?> OpenAsync(string name, CancellationToken cancellationToken) =>
        Database.OrUnavailableAsync(() => attended.OpenAsync(name, cancellationToken));

    public Task<SharedToken> GetTokenAsync(string name, CancellationToken cancellationToken) => Database.OrUnavailableAsync(async () =>
        await rows.FindAsync(name, cancellationToken) is { } row ? TokenOf(row) : new SharedToken.NoAccount());

    public Task<bool> UseLinkAsync(string id, DateTimeOffset until, CancellationToken cancellationToken) =>
        Database.OrUnavailableAsync(() => catalog.UseLinkAsync(id, until, cancellationToken));

    public Task<bool> IsLinkUsedAsync(string id, CancellationToken cancellationToken) =>
        Database.OrUnavailableAsync(() => catalog.IsLinkUsedAsync(id, cancellationToken));

    private SharedToken TokenOf(AccountRow row)
    {
        var (progress, unsealed) = row.Progress(keys);
        if (progress is null)
        {
            return new SharedToken.NotNow(unsealed!, Database.RetryAfter);
        }
        if (progress.State.Token is { AccessToken: { } access } token && token.IsUsable(time.GetUtcNow()))
        {
            return new SharedToken.Valid(access, token.ExpiresAt);
        }
        return progress switch
        {
            { State: TokenState.Lost(_, var reason, _) } => new SharedToken.LoginRequired(reason),
            { State: TokenState.Missing, NextRenewal: null } => new SharedToken.LoginRequired("no user has logged in"),
            { LastError: { } error, NextRenewal: { } next } =>
                new SharedToken.NotNow(error, next > time.GetUtcNow() ? next - time.GetUtcNow() : RenewalTakes),
            _ => new SharedToken.NotNow("the token is being renewed", RenewalTakes),
        };
    }

    private SharedAccount Describe(AccountRow row)
    {
        var provider = templates.ProviderOf(row.Template) ?? row.Source;
        return new SharedAccount(row.Name, row.Template, row.Source, row.CreatedAt, AccountStatus.OfToken(
            row.Name, row.Source, provider, PostgresStore.Name, row.WithoutSecrets(), row.RenewAt, reading: null));
    }
}
