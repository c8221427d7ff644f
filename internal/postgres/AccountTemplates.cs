using System.Collections.Concurrent;
using System.Collections.Frozen;

namespace Exporter.Postgres;

/// <summary>
/// Opens accounts of the shared store with the settings of their templates, the entries of the configuration. Safe for concurrent use.
/// </summary>
internal sealed class AccountTemplates(IReadOnlyList<ConfiguredAccount> configured, AccountRows rows, TokenKeys keys, IServiceProvider services)
{
    /// <summary>
    /// Earlier than in one process: a request whose outcome is unknown stays in doubt until shortly before the access token expires, and a replica
    /// that was stopped for a minute must still be able to save its result.
    /// </summary>
    private static readonly TokenManagerOptions Options = new() { LeastMargin = TimeSpan.FromMinutes(2) };

    private readonly FrozenDictionary<string, ConfiguredAccount> templates = configured.ToFrozenDictionary(one => one.Name, StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> providers = new(StringComparer.Ordinal);
    private readonly Lazy<FrozenDictionary<string, ReadingKind>> readings = new(() => configured.ToFrozenDictionary(
        one => one.Name, one => KindOf(one, services), StringComparer.Ordinal));
    private readonly TimeProvider time = services.GetRequiredService<TimeProvider>();

    public IReadOnlyList<string> Names { get; } = [.. configured.Select(one => one.Name)];

    public ConfiguredAccount? Find(string name) => templates.GetValueOrDefault(name);

    /// <summary>The provider's name for people; null if the template is not configured.</summary>
    public string? ProviderOf(string template) => Find(template) is null ? null : providers.GetOrAdd(template, _ =>
    {
        using var account = Find(template)!.OpenAs(template, new MemoryStore(), Options, services);
        return account.Provider;
    });

    /// <summary>How the accounts of each configured template take readings.</summary>
    public IReadOnlyDictionary<string, ReadingKind> Readings => readings.Value;

    /// <summary>A new account with a configured template. If it has a token, the lifecycle decides when to renew it.</summary>
    public NewRow NewRow(string name, string template, Token? token, Instant now)
    {
        var configured = Find(template)!;
        using var account = configured.OpenAs(name, new MemoryStore(), Options, services);
        var lifecycle = new TokenLifecycle(account.TokenManager.Rules);
        // A grant that needs no token logs in now.
        var progress = token is null ? lifecycle.Loaded(ignoresLogout: true, now).Progress : lifecycle.Adopted(token, now);
        return new NewRow(name, template, configured.Source, token is null ? null : AccountRow.Seal(keys, name, token), progress)
        {
            Readings = KindOf(account),
        };
    }

    /// <summary>The account of a row, which nothing renews or reads yet. Null if its template is not configured.</summary>
    public Account? Open(AccountRow row)
    {
        if (Find(row.Template) is not { } template)
        {
            return null;
        }
        var store = new PostgresStore(rows, keys, row.Id, row.Name, time);
        var account = template.OpenAs(row.Name, store, Options, services);
        store.Rules = account.TokenManager.Rules;
        return account;
    }

    /// <summary>
    /// The account of a row without its token, for pages: it has the state of the row, and its readings are restored. Null if its template is not
    /// configured.
    /// </summary>
    public Account? OpenForPages(AccountRow row) =>
        Find(row.Template)?.OpenAs(row.Name, new MemoryStore(location: PostgresStore.Name), Options, services);

    /// <summary>The account of a row, whose reading source continues with the saved reading; or why this replica cannot read it.</summary>
    /// <typeparam name="T">What the reading source must be.</typeparam>
    /// <param name="logger">For what of the reading cannot be restored.</param>
    public Result<Account, string> OpenToRead<T>(ReadingRow row, ILogger logger) where T : class, IStoredReadingSource
    {
        var (progress, unsealed) = row.Account.Progress(keys);
        if (unsealed is not null)
        {
            return unsealed;
        }
        var account = Open(row.Account);
        if (account?.ReadingSource is not T source)
        {
            account?.Dispose();
            return $"its configuration has no template {row.Account.Template} with such readings";
        }
        account.TokenManager.Resume(progress!);
        if (row.Saved(keys) is { } saved && source.Restore(saved, time.GetUtcNow()) is { } problem)
        {
            logger.LogWarning("account {Account}: {Problem}", row.Account.Name, problem);
        }
        return account;
    }

    private static ReadingKind KindOf(ConfiguredAccount configured, IServiceProvider services)
    {
        using var account = configured.OpenAs(configured.Name, new MemoryStore(), Options, services);
        return KindOf(account);
    }

    private static ReadingKind KindOf(Account account) => account.ReadingSource switch
    {
        IPolledReadingSource => ReadingKind.Polled,
        IStoredReadingSource => ReadingKind.Streamed,
        _ => ReadingKind.None,
    };
}
