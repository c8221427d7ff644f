namespace Exporter.Accounts;

/// <summary>An account with valid settings that is not open yet. Creating one uses neither disk nor network.</summary>
public sealed class ConfiguredAccount
{
    private readonly AccountSection account;
    private readonly ISource source;
    private readonly Func<AccountContext, Account> open;
    private readonly Func<string?> tokenFile;
    private readonly string stateDirectory;
    private readonly bool isStateDirectoryConfigured;
    private readonly TimeSpan? margin;
    private readonly SeriesLimit series;
    private readonly TokenExport? export;
    private readonly TokenKeys? keys;

    private ConfiguredAccount(AccountSection account, ISource source, Section program, bool needsTokenFile)
    {
        (this.account, this.source, stateDirectory) = (account, source, StateDirectory.Read(program));
        isStateDirectoryConfigured = StateDirectory.IsConfigured(program);
        // A source may declare the setting itself, with the flag and the variable of the tool that it replaces.
        var setting = source.Settings.All.OfType<Setting<string>>().Single(s => s.Key == AccountSettings.TokenFile.Key);
        var file = account.Section.Find(setting);
        var stores = source.StoresToken(account.Section);
        if (file is null && stores && source.ChooseTokenFile is { } choose && isStateDirectoryConfigured)
        {
            var inStateDirectory = Path.Combine(stateDirectory, $"{Uri.EscapeDataString(Name)}-token.json");
            tokenFile = () => choose(new DefaultTokenFile(inStateDirectory, HasAccountLabel));
        }
        else
        {
            file ??= source.ChooseTokenFile is null || !stores || !needsTokenFile ? null : account.Section.Require(setting);
            tokenFile = () => file;
        }
        margin = account.Section.Find(AccountSettings.RefreshMargin);
        series = new SeriesLimit(account.Section.Get(AccountSettings.MaxSeries));
        export = TokenExport.Read(account.Section);
        keys = TokenSealing.ReadKeys(
            account.Section, stores, hasFile: file is not null || source.ChooseTokenFile is not null, source.TokenFormats(TimeProvider.System));
        open = source.Configure(account.Section);
    }

    public string Name => account.Name;

    public string Source => account.Source;

    public bool HasAccountLabel => account.HasAccountLabel;

    /// <summary>All configured accounts. Errors are added to the configuration's problems; if there are any, do not open an account.</summary>
    /// <param name="needsTokenFile">Whether an account with a token must have a token file. The shared store needs none.</param>
    public static IReadOnlyList<ConfiguredAccount> All(
        Configuration configuration, IReadOnlyList<ISource> sources, bool needsTokenFile = true) =>
    [
        .. configuration.Accounts.Select(
            a => new ConfiguredAccount(a, sources.Single(s => s.Name == a.Source), configuration.Program, needsTokenFile)),
    ];

    /// <summary>Whether both are the same account with equal settings, including secrets, files of secrets and the program's defaults.</summary>
    public bool IsEqualTo(ConfiguredAccount other) =>
        (Name, Source, HasAccountLabel, stateDirectory, isStateDirectoryConfigured)
            == (other.Name, other.Source, other.HasAccountLabel, other.stateDirectory, other.isStateDirectoryConfigured)
        && account.Section.IsEqualTo(other.account.Section);

    /// <summary>
    /// The token file that <see cref="Open"/> uses, in its formats and with its keys; null if the account has none. Uses no disk yet.
    /// </summary>
    public FileStore? OpenTokenFile(TimeProvider time)
    {
        var formats = source.TokenFormats(time);
        return tokenFile() is { } file
            ? new FileStore(file, keys is null ? formats : [new SealedTokenFormat(formats, keys, Name)], time)
            : null;
    }

    /// <param name="services">A container with the services of <see cref="AccountServices.AddSources"/>.</param>
    public Account Open(TokenManagerOptions options, IServiceProvider services)
    {
        var file = OpenTokenFile(services.GetRequiredService<TimeProvider>());
        ITokenStore store = file is null ? new MemoryStore() : file;
        ITokenStore WithTokenExport(ITokenStore own) => export is null ? own : new ExportingTokenStore(own, export);
        return open(new AccountContext(Name, HasAccountLabel, WithTokenExport(store), options with { Margin = margin }, services)
        {
            TokenFile = file?.Location,
            StateDirectory = stateDirectory,
            Series = series,
            WithTokenExport = WithTokenExport,
        });
    }

    /// <summary>
    /// Opens an account of a shared store, which has these settings and another name and store. Its token is exported nowhere, and its source
    /// writes no files.
    /// </summary>
    /// <param name="services">A container with the services of <see cref="AccountServices.AddSources"/>.</param>
    public Account OpenAs(string name, ITokenStore store, TokenManagerOptions options, IServiceProvider services) =>
        open(new AccountContext(name, HasAccountLabel: true, store, options with { Margin = margin }, services)
        {
            Template = Name,
            StateDirectory = stateDirectory,
            KeepsFiles = false,
            Series = series,
        });
}
