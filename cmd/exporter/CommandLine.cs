using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Reflection;

namespace Exporter;

/// <summary>The command line of the program. Every command accepts every setting that has a flag.</summary>
internal sealed class CommandLine
{
    /// <summary>The name of the program for one machine.</summary>
    public const string Home = "oauth-exporter";

    public const string AccountHelp = "The account. Optional if there is only one.";

    /// <summary>The keys of the settings that a first account needs.</summary>
    private static readonly string[] EssentialKeys = ["client_id", "client_secret", "token_file"];

    private readonly IReadOnlyList<Setting> own;
    private readonly Dictionary<Setting, Option<string[]>> flags;
    private readonly Dictionary<Command, CommandNotes> notes = [];
    private readonly ArgumentErrors errors;

    /// <param name="more">Settings that another program has in addition to <see cref="ProgramSettings"/>.</param>
    public CommandLine(IReadOnlyList<ISource> sources, IReadOnlyDictionary<string, string> environment, Terminal terminal, TimeProvider time,
        params IReadOnlyList<Setting> more)
    {
        (Sources, Environment, Terminal, Time, own) = (sources, environment, terminal, time, [.. ProgramSettings, .. more]);
        Setting[] settings =
        [
            .. own.Prepend(Configuration.ConfigFile).Concat(sources.SelectMany(s => s.Settings.All))
                .Where(s => s.Flag is not null).DistinctBy(s => s.Flag),
        ];
        flags = Setting.WithFiles(settings).ToDictionary(setting => setting, Flag);
        foreach (var flag in flags.Values)
        {
            Root.Add(flag);
        }
        Help = new CommandHelp(Root, own, sources, notes, terminal);
        errors = new ArgumentErrors(flags.Keys, notes, terminal.Error);
        Root.Options.OfType<HelpOption>().Single().Action = new WriteAction(result => Help.Write(result.CommandResult.Command));
        Root.Options.OfType<VersionOption>().Single().Action = new WriteAction(_ => WriteVersion());
    }

    /// <summary>The name of the file, which differs between the two programs that these commands are part of.</summary>
    public static string ProgramName { get; } =
        Assembly.GetEntryAssembly()?.GetName().Name is { } name && name.StartsWith(Home, StringComparison.Ordinal) ? name : Home;

    public static IReadOnlyList<Setting> ProgramSettings { get; } =
        [.. WebOptions.Settings, StateDirectory.Setting, LogfmtLogger.LevelSetting];

    /// <summary>Whether an account with a token must have a token file.</summary>
    public bool NeedsTokenFiles { get; init; } = true;

    public IReadOnlyList<ISource> Sources { get; }

    public IReadOnlyDictionary<string, string> Environment { get; }

    public Terminal Terminal { get; }

    public CommandHelp Help { get; }

    public RootCommand Root { get; } = new("Keeps OAuth tokens fresh and exports provider data to Prometheus.")
    {
        TreatUnmatchedTokensAsErrors = false,
    };

    /// <summary>The settings that select accounts or configure a single one, for the help of commands that open accounts.</summary>
    public IReadOnlyList<Setting> EssentialSettings =>
    [
        Configuration.ConfigFile,
        .. Sources[0].Settings.All.Where(setting => setting.Flag is not null && EssentialKeys.Contains(setting.Key)),
    ];

    public TimeProvider Time { get; }

    /// <summary>The optional argument ACCOUNT. The shell completes the names of the configured accounts.</summary>
    public Argument<string?> AccountArgument()
    {
        var account = new Argument<string?>("ACCOUNT") { Arity = ArgumentArity.ZeroOrOne, Description = AccountHelp };
        account.CompletionSources.Add(context => AccountNames(context.ParseResult));
        return account;
    }

    public static Option<bool> Switch(string name, string help, params string[] aliases) =>
        new(name, aliases) { Description = help, Arity = ArgumentArity.Zero };

    /// <summary>Sets what the program does without a command.</summary>
    /// <param name="examples">Of the program's most important calls.</param>
    public void SetDefault(Func<CommandContext, ParseResult, CancellationToken, Task<int>> run, params IReadOnlyList<string> examples)
    {
        notes[Root] = new(CommandGroup.Exporter, examples, []);
        SetAction(Root, StoreAccess.Service, WithConfiguration(run));
    }

    /// <summary>Adds a command that needs a valid configuration.</summary>
    /// <param name="access">How it uses the files of accounts.</param>
    /// <param name="groups">The commands above it: <c>source things</c> for <c>source things list</c>. Missing ones are created.</param>
    public void Add(
        Command command, CommandNotes notes, Func<CommandContext, ParseResult, CancellationToken, Task<int>> run,
        StoreAccess access = StoreAccess.Command, params IEnumerable<string> groups) =>
        AddUnconfigured(command, notes, WithConfiguration(run), access, groups);

    /// <summary>Adds a command that works on one account, its optional argument.</summary>
    public void Add(
        Command command, CommandNotes notes, Func<CommandContext, Account, ParseResult, CancellationToken, Task<int>> run)
    {
        var account = AccountArgument();
        command.Add(account);
        Add(command, notes, (context, result, cancellationToken) => context.RunAsync(
            result.GetValue(account), opened => run(context, opened, result, cancellationToken), cancellationToken));
    }

    /// <summary>Adds a command that works without a valid configuration.</summary>
    public void AddUnconfigured(
        Command command, CommandNotes notes, Func<ParseResult, CancellationToken, Task<int>> run,
        StoreAccess access = StoreAccess.Command, params IEnumerable<string> groups)
    {
        command.TreatUnmatchedTokensAsErrors = false;
        SetAction(command, access, run);
        this.notes[command] = notes;
        groups.Aggregate((Command)Root, Group).Add(command);
    }

    public void WriteVersion() => Terminal.Output.WriteLine($"{ProgramName} {BuildInfo.Current.Version} ({BuildInfo.Current.Commit})");

    /// <summary>The names of the configured accounts; for a configuration with problems, of those that can be read.</summary>
    public IEnumerable<string> AccountNames(ParseResult result)
    {
        CurrentStoreAccess.Value = StoreAccess.ReadOnlyCommand;
        return Load(result).Accounts.Where(account => account.HasAccountLabel).Select(account => account.Name);
    }

    /// <summary>The words that can stand at the end of a command line, with their explanations. Options only after a dash.</summary>
    public IEnumerable<(string Word, string? Help)> Complete(string line)
    {
        var word = line[(line.LastIndexOf(' ') + 1)..];
        var equals = word.StartsWith('-') ? word.IndexOf('=', StringComparison.Ordinal) : -1;
        var typed = word[(equals + 1)..];
        // The library completes the value of an option that is a word of its own.
        var complete = ArgumentNormalizer.Normalize([.. CommandLineParser.SplitCommandLine(line[..^word.Length]).Skip(1)], flags.Keys).ToList();
        // It also takes a word after a flag with a value for another value, so such flags come first.
        var (set, others) = (complete.Where(IsSet).ToList(), complete.Where(w => !IsSet(w)).ToList());
        IEnumerable<string?> words = [.. others.Count > 0 ? set : [], .. others, equals < 0 ? null : word[..equals]];
        var spaced = $"{ProgramName} {string.Join(' ', words.OfType<string>().Select(w => w.Contains(' ') ? $"\"{w}\"" : w))} {typed}";
        return Root.Parse(spaced).GetCompletions(spaced.Length)
            .Where(item => item.Label.StartsWith(typed, StringComparison.Ordinal) && (typed.Length > 0 || !item.Label.StartsWith('-')))
            .Where(item => item.Label is not ("/?" or "/h"))
            .DistinctBy(item => item.Label)
            .Select(item => (word[..(equals + 1)] + item.Label, item.Detail));

        static bool IsSet(string argument) => argument.StartsWith("--", StringComparison.Ordinal) && argument.Contains('=', StringComparison.Ordinal);
    }

    public ParseResult Parse(IReadOnlyList<string> arguments)
    {
        // A value may start with @, so response files are off. ArgumentNormalizer has already split short flags from their values.
        var configuration = new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false };
        var command = Root.Subcommands.FirstOrDefault(known => arguments.Contains(known.Name));
        var valued = command?.Options.Where(option => option.ValueType != typeof(bool)).SelectMany(option => option.Aliases).ToList();
        return Root.Parse([.. ArgumentNormalizer.Normalize(arguments, flags.Keys, valued)], configuration);
    }

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var result = Parse(arguments);
        if (!errors.AcceptSwitches(result, arguments))
        {
            return ExitCode.Failed;
        }
        if (result.Action is ParseErrorAction)
        {
            errors.ReportParser(result);
            return ExitCode.Failed;
        }
        try
        {
            var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await result.InvokeAsync(invocation, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.TryLater;
        }
    }

    /// <summary>The configuration, or null after printing its problems, one line each.</summary>
    /// <param name="only">The only source to configure. Null for all sources.</param>
    /// <param name="overrides">Settings that take precedence over flags.</param>
    public ProgramOptions? Read(ParseResult result, ISource? only = null, params IEnumerable<(Setting Setting, string Value)> overrides)
    {
        var options = ReadSilently(result, only, overrides);
        var configuration = options.Configuration;
        // The service logs its warnings itself.
        var isService = CurrentStoreAccess.Value == StoreAccess.Service;
        foreach (var problem in configuration.Problems.Concat(configuration.Warnings.Where(w => !isService && w.Place == ".env")))
        {
            Terminal.Error.WriteLine(problem);
        }
        if (configuration is { IsEmpty: true, Missing.Count: > 0 })
        {
            Terminal.Error.Write(FirstRun.Explain(SourcesOrOnly(only)[0], configuration.Missing));
        }
        return configuration.Problems.Count == 0 ? options : null;
    }

    /// <summary>The options without printing anything. They are valid if their configuration has no problems.</summary>
    public ProgramOptions ReadSilently(ParseResult result, ISource? only = null, params IEnumerable<(Setting Setting, string Value)> overrides)
    {
        var configuration = Load(result, only, overrides);
        var web = WebOptions.Read(configuration.Program);
        return new ProgramOptions(
            web,
            configuration.Program.Get(LogfmtLogger.LevelSetting),
            ConfiguredAccount.All(configuration, SourcesOrOnly(only), NeedsTokenFiles),
            [.. configuration.Warnings.Select(w => w.ToString()), .. web.Warnings],
            configuration);
    }

    /// <summary>The configuration, valid or not.</summary>
    public Configuration Load(ParseResult result, ISource? only = null, params IEnumerable<(Setting Setting, string Value)> overrides)
    {
        var values = FlagValues(result).Where(v => v.Value.Count > 0).ToDictionary(v => v.Key, v => v.Value);
        foreach (var (setting, value) in overrides)
        {
            values[setting] = [value];
        }
        var settings = SourcesOrOnly(only).Select(s => s.Settings).ToList();
        return Configuration.Load(own, settings, values, Environment, Directory.GetCurrentDirectory());
    }

    private IReadOnlyList<ISource> SourcesOrOnly(ISource? only) => only is null ? Sources : [only];

    private Func<ParseResult, CancellationToken, Task<int>> WithConfiguration(
        Func<CommandContext, ParseResult, CancellationToken, Task<int>> run) => async (result, cancellationToken) =>
        Read(result) is { } options ? await run(new CommandContext(options, Terminal, Time), result, cancellationToken) : ExitCode.Failed;

    private void SetAction(Command command, StoreAccess access, Func<ParseResult, CancellationToken, Task<int>> run) =>
        command.SetAction(async (result, cancellationToken) =>
        {
            CurrentStoreAccess.Value = access;
            return AcceptsArguments(result) ? await run(result, cancellationToken) : ExitCode.Failed;
        });

    /// <summary>The subcommand of that name, created if missing. It runs nothing itself.</summary>
    private Command Group(Command parent, string name)
    {
        if (parent.Subcommands.FirstOrDefault(c => c.Name == name) is { } existing)
        {
            return existing;
        }
        var group = new Command(name, $"Commands for {name}.") { TreatUnmatchedTokensAsErrors = false };
        SetAction(group, StoreAccess.ReadOnlyCommand, (_, _) => Task.FromResult(Terminal.Fail(
            $"{CommandHelp.PathOf(group)}: missing command; choose one of: {string.Join(", ", group.Subcommands.Select(c => c.Name))}")));
        parent.Add(group);
        return group;
    }

    /// <summary>Prints surplus arguments, unknown flags and flags without a value. False if one of them is an error.</summary>
    private bool AcceptsArguments(ParseResult result)
    {
        var accepted = errors.AcceptSurplus(result);
        foreach (var setting in FlagValues(result).Where(v => v.Value.Count == 0).Select(v => v.Key))
        {
            Terminal.Error.WriteLine($"{setting.Flag}: missing value; write {setting.Flag}={setting.Placeholder}");
            accepted = false;
        }
        return accepted;
    }

    /// <summary>A setting's flag. The shell completes choices, and files where there is nothing else.</summary>
    private static Option<string[]> Flag(Setting setting)
    {
        var flag = new Option<string[]>(setting.Flag!) { Arity = ArgumentArity.ZeroOrMore, Recursive = true, Description = setting.Help };
        string[] choices = setting.IsSwitch ? ["true", "false"] : [.. setting.Choices];
        flag.CompletionSources.Add(choices);
        return flag;
    }

    private Dictionary<Setting, IReadOnlyList<string>> FlagValues(ParseResult result) => flags
        .Where(f => result.GetResult(f.Value) is { Implicit: false })
        .ToDictionary(f => f.Key, f => (IReadOnlyList<string>)(result.GetValue(f.Value) ?? []));

    private sealed class WriteAction(Action<ParseResult> write) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            write(parseResult);
            return ExitCode.Done;
        }
    }
}

/// <summary>A valid configuration.</summary>
internal sealed record ProgramOptions(
    WebOptions Web, LogLevel LogLevel, IReadOnlyList<ConfiguredAccount> Accounts, IReadOnlyList<string> Warnings, Configuration Configuration);
