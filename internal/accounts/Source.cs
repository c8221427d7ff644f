namespace Exporter.Accounts;

/// <summary>A kind of provider that the exporter reads. It contributes everything that its provider needs in other parts of the program.</summary>
public interface ISource
{
    /// <summary>The name in configuration, labels and pages.</summary>
    string Name { get; }

    /// <summary>Whether the program reports the missing settings of this source when nothing is configured. True for exactly one source.</summary>
    bool IsDefault => false;

    SourceSettings Settings { get; }

    /// <summary>The formats of its token files. A new file has the first format.</summary>
    /// <param name="time">Provides the time zone for times without one.</param>
    IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time);

    /// <summary>
    /// Chooses the token file of an account whose settings name none. The program calls it when it opens the account, and only if the state
    /// directory is configured; otherwise the token file is a required setting. Null if the source stores such a token elsewhere.
    /// </summary>
    Func<DefaultTokenFile, string>? ChooseTokenFile => file => file.InStateDirectory;

    /// <summary>Whether an account has a token to store. If not, its token file is neither required nor chosen.</summary>
    bool StoresToken(Section section) => true;

    /// <summary>The defaults of <c>keep</c> for this source.</summary>
    KeepDefaults Keep => KeepDefaults.Common;

    /// <summary>The source's own commands, in addition to those of every account.</summary>
    IReadOnlyList<SourceCommand> Commands => [];

    /// <summary>Registers the services that all accounts of the source share, such as its HTTP client. Called once for each container.</summary>
    void AddServices(IServiceCollection services) { }

    /// <summary>Reads the settings of one account without opening anything. If the section has problems, the result is never called.</summary>
    Func<AccountContext, Account> Configure(Section section);
}

/// <summary>The token file of an account whose settings name none.</summary>
/// <param name="InStateDirectory">The account's own file in the program's state directory.</param>
/// <param name="HasAccountLabel">Whether the configuration names the account.</param>
public sealed record DefaultTokenFile(string InStateDirectory, bool HasAccountLabel);

/// <summary>The defaults of <c>keep</c>.</summary>
/// <param name="TokenFile">The token file, in the working directory.</param>
/// <param name="Margin">How long before it expires the token is renewed.</param>
/// <param name="Examples">Command lines for the help.</param>
public sealed record KeepDefaults(string TokenFile, TimeSpan Margin, params IReadOnlyList<string> Examples)
{
    public static KeepDefaults Common { get; } = new("token.json", TimeSpan.FromMinutes(2));

    /// <summary>The variable of the tool that <c>keep</c> replaces, for the margin in seconds; null if there is none.</summary>
    public string? MarginVariable { get; init; }
}

/// <summary>The dependencies of an account.</summary>
/// <param name="Store">The account's token file, or memory if it has none. It exports tokens if a sink is configured.</param>
/// <param name="Services">The container with the services of <see cref="ISource.AddServices"/>.</param>
public sealed record AccountContext(string Name, bool HasAccountLabel, ITokenStore Store, TokenManagerOptions TokenOptions, IServiceProvider Services)
{
    public TimeProvider Time { get; } = Services.GetRequiredService<TimeProvider>();

    public ILoggerFactory Logging { get; } = Services.GetRequiredService<ILoggerFactory>();

    /// <summary>The client for token requests of all accounts. The account does not dispose it.</summary>
    public HttpClient TokenHttp { get; } = Services.GetRequiredKeyedService<HttpClient>(AccountServices.TokenHttp);

    /// <summary>The account's token file; null if its token is in memory. A source names its own files after it.</summary>
    public string? TokenFile { get; init; }

    /// <summary>The entry of the configuration with the account's settings. Accounts of a shared store can have the same.</summary>
    public string Template { get; init; } = Name;

    /// <summary>The program's state directory. A source creates its own directory in it.</summary>
    public string StateDirectory { get; init; } = Exporter.Accounts.StateDirectory.Default;

    /// <summary>
    /// Whether the source may have files of its own. If not, a shared store keeps the token, and the reading that
    /// <see cref="IStoredReadingSource.Save"/> returns.
    /// </summary>
    public bool KeepsFiles { get; init; } = true;

    /// <summary>For the account's readings.</summary>
    public SeriesLimit Series { get; init; } = SeriesLimit.Default;

    /// <summary>Adds the account's token export to a store that the source creates.</summary>
    public Func<ITokenStore, ITokenStore> WithTokenExport { get; init; } = store => store;

    /// <summary>Opens the budget of requests to a provider. It is in the shared store, otherwise in a file.</summary>
    /// <param name="windows">At least one; all of them hold.</param>
    /// <param name="file">The account's own file in <see cref="StateDirectory"/>.</param>
    public IRequestBudget OpenBudget(BudgetKey key, IReadOnlyList<BudgetWindow> windows, string file, ILogger logger) =>
        Services.GetService<IRequestBudgets>() is { } shared
            ? shared.Open(key, windows)
            : new RequestBudget(key.Provider, windows, file, Time, logger);

    /// <summary>The manager of the account's token.</summary>
    /// <param name="store">By default <see cref="Store"/>.</param>
    /// <param name="options">By default <see cref="TokenOptions"/>.</param>
    public TokenManager CreateTokenManager(IGrant grant, ITokenStore? store = null, TokenManagerOptions? options = null) =>
        new(Name, grant, store ?? Store, options ?? TokenOptions, Time, Logging.CreateLogger<TokenManager>());
}
