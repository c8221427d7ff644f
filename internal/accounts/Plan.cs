using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;

namespace Exporter.Accounts;

/// <summary>An account as configured: checked, and not opened yet. Making one touches neither disk nor network.</summary>
public sealed class PlannedAccount
{
    private readonly Func<AccountContext, Account> open;
    private readonly ISource source;
    private readonly Func<string?> tokenFile;
    private readonly string stateDirectory;
    private readonly TimeSpan? margin;
    private readonly TokenExport? sink;

    private PlannedAccount(AccountSection account, ISource source, Section program)
    {
        (this.source, stateDirectory) = (source, StateDirectory.Read(program));
        (Name, Labelled) = (account.Name, account.Labelled);
        // A source may have declared the file anew, with the flag and the variable of the tool it replaces.
        var file = source.Settings.All.OfType<Setting<string>>().Single(s => s.Key == AccountSettings.TokenFile.Key);
        tokenFile = account.Section.Find(file) is null && source.PickTokenFile is { } pick
            ? StateDirectory.IsGiven(program) ? () => pick(InStateDirectory) : Given(account.Section.Require(file))
            : Given(account.Section.Find(file));
        margin = account.Section.Value(AccountSettings.RefreshMargin, out var configured) ? configured : null;
        sink = TokenExport.Read(account.Section);
        open = source.Configure(account.Section);
    }

    public string Name { get; }

    /// <summary>The source's name.</summary>
    public string Source => source.Name;

    public bool Labelled { get; }

    /// <summary>All configured accounts. What is wrong with them stands in the configuration's problems afterwards, and then none may be opened.</summary>
    public static IReadOnlyList<PlannedAccount> All(Configuration configuration, IReadOnlyList<ISource> sources) =>
        [.. configuration.Accounts.Select(a => new PlannedAccount(a, sources.Single(s => s.Name == a.Source), configuration.Program))];

    /// <param name="services">A container with what <see cref="AccountServices.AddSources"/> registers.</param>
    public Account Open(TokenManagerOptions keeping, IServiceProvider services)
    {
        var time = services.GetRequiredService<TimeProvider>();
        ITokenStore store = tokenFile() is { } file ? new FileStore(file, source.TokenFormats(time), time) : new MemoryStore();
        ITokenStore WithTokenExport(ITokenStore own) => sink is null ? own : new ExportingTokenStore(own, sink);
        return open(new AccountContext(Name, Labelled, WithTokenExport(store), keeping with { Margin = margin }, services) { StateDirectory = stateDirectory, WithTokenExport = WithTokenExport });
    }

    private static Func<string?> Given(string? file) => () => file;

    private UnnamedTokenFile InStateDirectory => new(Path.Combine(stateDirectory, $"{Uri.EscapeDataString(Name)}-token.json"), Labelled);
}

/// <summary>The program's own directory, for what no account names a place for.</summary>
public static class StateDirectory
{
    public static readonly Setting<string> Setting = Settings.Path("state_folder",
        "DirectoryPath for what the program has to keep and no account names a place for; by default systemd's, else exporter in the user's state directory.",
        flag: "--state-folder", variable: "EXPORTER_STATE_FOLDER");

    /// <summary><c>STATE_DIRECTORY</c> as systemd sets it (the first of several), else by the XDG base directory specification; never below a web root.</summary>
    public static string Default =>
        Variable("STATE_DIRECTORY") is { } systemd ? systemd.Split(':')[0]
        : Variable("XDG_STATE_HOME") is { } state && Path.IsPathRooted(state) ? Path.Combine(state, "exporter")
        : Variable("HOME") is { } home ? Path.Combine(home, ".local", "state", "exporter")
        : "/var/lib/exporter";

    /// <summary>Whether somebody said where it is, so that tokens may be kept there without more words.</summary>
    internal static bool IsGiven(Section program) => program.Find(Setting) is not null || Variable("STATE_DIRECTORY") is not null;

    internal static string Read(Section program) => program.Find(Setting) ?? Default;

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
