using System.Collections.Concurrent;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter.Tests.Web;

/// <summary>The rows that all replicas of a test share, in memory instead of in a database.</summary>
internal sealed class MemoryRows(TimeProvider time)
{
    /// <summary>The templates of the configuration, with their sources.</summary>
    public Dictionary<string, string> Templates { get; } = new() { ["home"] = "netatmo", ["fleet"] = "webex" };

    public ConcurrentDictionary<string, MemoryRow> All { get; } = new();

    /// <summary>The IDs that were used, for all replicas.</summary>
    public ConcurrentDictionary<string, DateTimeOffset> Used { get; } = new();

    /// <summary>Set while the database cannot be reached.</summary>
    public StoreOutage? Outage { get; set; }

    /// <summary>Runs before each account is created.</summary>
    public Func<NewSharedAccount, Task> Creating { get; set; } = _ => Task.CompletedTask;

    public MemoryRow Add(string name, string template = "home", string state = "active") => All[name] = new MemoryRow(
        new NewSharedAccount(name, template, null), Templates[template], time.GetUtcNow())
    { State = state };
}

internal sealed record MemoryRow(NewSharedAccount Account, string Source, DateTimeOffset Created)
{
    public string State { get; set; } = "active";

    public SharedToken? Token { get; set; }
}

/// <summary>The shared accounts as one replica sees them.</summary>
/// <param name="open">Opens an account on this replica.</param>
internal sealed class MemoryAccounts(MemoryRows rows, TimeProvider time, Func<MemoryRow, Task<Account>> open) : ISharedAccounts
{
    private readonly ConcurrentDictionary<string, Task<Account>> opened = new();
    private SharedOverview last = new([], null, null);

    public IEnumerable<Account> Opened => opened.Values.Select(task => task.Result);

    public SharedOverview Overview
    {
        get
        {
            if (rows.Outage is null)
            {
                var counts = rows.All.Values.GroupBy(row => (row.Source, row.State));
                last = new([.. counts.Select(group => new SharedCount(group.Key.Source, group.Key.State, group.Count()))], time.GetUtcNow(), null);
            }
            return last with { Outage = rows.Outage };
        }
    }

    public async Task<Result<SharedAccount, SharedAccountProblem>> CreateAsync(NewSharedAccount account, CancellationToken cancellationToken)
    {
        Check();
        await rows.Creating(account);
        if (SharedAccountName.ProblemOf(account.Name) is { } problem)
        {
            return new SharedAccountProblem.InvalidName(problem);
        }
        if (!rows.Templates.TryGetValue(account.Template, out var source))
        {
            return new SharedAccountProblem.UnknownTemplate([.. rows.Templates.Keys]);
        }
        var row = new MemoryRow(account, source, time.GetUtcNow()) { State = account.RefreshToken is null ? "missing" : "active" };
        return rows.All.TryAdd(account.Name, row) ? Of(row) : new SharedAccountProblem.NameTaken();
    }

    public Task<SharedAccountPage> ListAsync(SharedAccountQuery query, CancellationToken cancellationToken)
    {
        Check();
        var matching = rows.All.Values
            .Where(row => (query.State is null || row.State == query.State) && query.Templates?.Contains(row.Account.Template) != false
                && (query.Source is null || row.Source == query.Source)
                && (query.Find is null || row.Account.Name.Contains(query.Find, StringComparison.OrdinalIgnoreCase)))
            .OrderBy(row => row.Account.Name, StringComparer.Ordinal).ToList();
        var rest = matching.Where(row => query.After is null || string.CompareOrdinal(row.Account.Name, query.After) > 0).ToList();
        var page = rest.Take(query.Limit).Select(Of).ToList();
        return Task.FromResult(new SharedAccountPage(page, matching.Count, false, rest.Count > page.Count ? page[^1].Name : null));
    }

    public Task<SharedAccount?> FindAsync(string name, CancellationToken cancellationToken)
    {
        Check();
        return Task.FromResult(rows.All.TryGetValue(name, out var row) ? Of(row) : null);
    }

    public Task<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        Check();
        opened.TryRemove(name, out _);
        return Task.FromResult(rows.All.TryRemove(name, out _));
    }

    public async Task<Account?> OpenAsync(string name, CancellationToken cancellationToken)
    {
        Check();
        return rows.All.TryGetValue(name, out var row) ? await opened.GetOrAdd(name, _ => open(row)) : null;
    }

    public async Task<SharedToken> GetTokenAsync(string name, CancellationToken cancellationToken)
    {
        if (await OpenAsync(name, cancellationToken) is not { } account)
        {
            return new SharedToken.NoAccount();
        }
        return rows.All[name].Token ?? (await account.TokenManager.GetTokenAsync(cancellationToken) is { } token
            ? new SharedToken.Valid(token.AccessToken!, token.ExpiresAt)
            : new SharedToken.LoginRequired("there is no token"));
    }

    public Task<bool> UseLinkAsync(string id, DateTimeOffset until, CancellationToken cancellationToken)
    {
        Check();
        return Task.FromResult(rows.Used.TryAdd(id, until));
    }

    public Task<bool> IsLinkUsedAsync(string id, CancellationToken cancellationToken)
    {
        Check();
        return Task.FromResult(rows.Used.ContainsKey(id));
    }

    private void Check()
    {
        if (rows.Outage is { } outage)
        {
            throw new StoreUnavailableException(outage.Reason, TimeSpan.FromSeconds(5));
        }
    }

    private SharedAccount Of(MemoryRow row) => new(row.Account.Name, row.Account.Template, row.Source, row.Created, new AccountStatus
    {
        Account = row.Account.Name,
        Source = row.Source,
        Provider = row.Source == "netatmo" ? "Netatmo" : "Webex",
        State = row.State,
        Condition = row.State == "active" ? "ok" : "problem",
        Summary = row.State switch { "active" => "OK", "refused" => "Credentials rejected", _ => "Login needed" },
        LoginRequired = row.State is "missing" or "lost",
        NextRenewal = row.State == "active" ? row.Created.AddHours(3).UtcDateTime : null,
        LastError = row.State == "lost" ? "invalid_grant" : null,
        LostSince = row.State == "lost" ? row.Created.UtcDateTime : null,
        Store = "memory",
    });
}
