using Exporter.Tokens;
using Microsoft.Extensions.Logging;

namespace Exporter.Sources;

/// <summary>An account as configured: checked, and not opened yet. Making one touches neither disk nor network.</summary>
public sealed class PlannedAccount
{
    private readonly Func<AccountContext, Account> open;
    private readonly ISource source;
    private readonly string tokenFile;
    private readonly TimeSpan? margin;

    private PlannedAccount(AccountSection account, ISource source)
    {
        this.source = source;
        (Name, Labelled) = (account.Name, account.Labelled);
        // A source may have declared the file anew, with the flag and the variable of the tool it replaces.
        var file = source.Settings.All.OfType<Setting<string>>().Single(s => s.Key == AccountSettings.TokenFile.Key);
        tokenFile = account.Section.Require(file) ?? "";
        margin = account.Section.Value(AccountSettings.RefreshMargin, out var configured) ? configured : null;
        open = source.Configure(account.Section);
    }

    public string Name { get; }

    /// <summary>The source's name.</summary>
    public string Source => source.Name;

    public bool Labelled { get; }

    /// <summary>All configured accounts. What is wrong with them stands in the configuration's problems afterwards, and then none may be opened.</summary>
    public static IReadOnlyList<PlannedAccount> All(Configuration configuration, IReadOnlyList<ISource> sources) =>
        [.. configuration.Accounts.Select(a => new PlannedAccount(a, sources.Single(s => s.Name == a.Source)))];

    public Account Open(KeeperOptions keeping, TimeProvider time, ILoggerFactory logging) =>
        open(new AccountContext(Name, Labelled, new FileStore(tokenFile, source.TokenFormats, time), keeping with { Margin = margin }, time, logging));
}
