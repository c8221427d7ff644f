using Exporter.Tokens;
using Microsoft.Extensions.DependencyInjection;

namespace Exporter.Accounts;

/// <summary>An account as configured: checked, and not opened yet. Making one touches neither disk nor network.</summary>
public sealed class PlannedAccount
{
    private readonly Func<AccountContext, Account> open;
    private readonly ISource source;
    private readonly Func<string?> tokenFile;
    private readonly string stateFolder;
    private readonly TimeSpan? margin;
    private readonly Sink? sink;

    private PlannedAccount(AccountSection account, ISource source, Section program)
    {
        (this.source, stateFolder) = (source, StateFolder.Read(program));
        (Name, Labelled) = (account.Name, account.Labelled);
        // A source may have declared the file anew, with the flag and the variable of the tool it replaces.
        var file = source.Settings.All.OfType<Setting<string>>().Single(s => s.Key == AccountSettings.TokenFile.Key);
        tokenFile = account.Section.Find(file) is null && source.PickTokenFile is { } pick
            ? StateFolder.IsGiven(program) ? () => pick(InStateFolder) : Given(account.Section.Require(file))
            : Given(account.Section.Find(file));
        margin = account.Section.Value(AccountSettings.RefreshMargin, out var configured) ? configured : null;
        sink = Sink.Read(account.Section);
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
    public Account Open(KeeperOptions keeping, IServiceProvider services)
    {
        var time = services.GetRequiredService<TimeProvider>();
        ITokenStore store = tokenFile() is { } file ? new FileStore(file, source.TokenFormats(time), time) : new MemoryStore();
        ITokenStore WithSink(ITokenStore own) => sink is null ? own : new SunkStore(own, sink);
        return open(new AccountContext(Name, Labelled, WithSink(store), keeping with { Margin = margin }, services) { StateFolder = stateFolder, WithSink = WithSink });
    }

    private static Func<string?> Given(string? file) => () => file;

    private UnnamedTokenFile InStateFolder => new(Path.Combine(stateFolder, $"{Uri.EscapeDataString(Name)}-token.json"), Labelled);
}

/// <summary>The program's own folder, for what no account names a place for.</summary>
public static class StateFolder
{
    public static readonly Setting<string> Setting = Settings.Path("state_folder",
        "Folder for what the program has to keep and no account names a place for; by default systemd's, else exporter in the user's state folder.",
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
