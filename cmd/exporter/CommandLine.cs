using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Exporter;

/// <summary>The command line of the program. Every command accepts every setting that has a flag.</summary>
internal sealed class CommandLine
{
    public const string ProgramName = "oauth-exporter";

    private readonly Dictionary<Setting, Option<string[]>> flags;
    private readonly Dictionary<Command, IReadOnlyList<string>> examples = [];
    private readonly RootCommand root = new("Keeps OAuth tokens fresh and exports provider data to Prometheus.")
    {
        TreatUnmatchedTokensAsErrors = false,
    };

    public CommandLine(IReadOnlyList<ISource> sources, IReadOnlyDictionary<string, string> environment, Terminal terminal, TimeProvider time)
    {
        (Sources, Environment, Terminal, Time) = (sources, environment, terminal, time);
        Setting[] settings =
        [
            .. ProgramSettings.Prepend(Configuration.ConfigFile).Concat(sources.SelectMany(s => s.Settings.All))
                .Where(s => s.Flag is not null).DistinctBy(s => s.Flag),
        ];
        flags = Setting.WithFiles(settings).ToDictionary(
            s => s, s => new Option<string[]>(s.Flag!) { Arity = ArgumentArity.ZeroOrMore, Recursive = true, Hidden = true });
        foreach (var flag in flags.Values)
        {
            root.Add(flag);
        }
        var help = new CommandHelp(root, settings, examples, terminal.Output);
        var version = $"{ProgramName} {BuildInfo.Current.Version} ({BuildInfo.Current.Commit})";
        root.Options.OfType<HelpOption>().Single().Action = new WriteAction(help.Write);
        root.Options.OfType<VersionOption>().Single().Action = new WriteAction(_ => terminal.Output.WriteLine(version));
    }

    public static IReadOnlyList<Setting> ProgramSettings { get; } =
        [.. WebOptions.Settings, StateDirectory.Setting, LogfmtLogger.LevelSetting];

    public IReadOnlyList<ISource> Sources { get; }

    public IReadOnlyDictionary<string, string> Environment { get; }

    public Terminal Terminal { get; }

    public TimeProvider Time { get; }

    public static Argument<string?> AccountArgument() =>
        new("ACCOUNT") { Arity = ArgumentArity.ZeroOrOne, Description = "The account. Optional if there is only one." };

    public static Option<bool> Switch(string name, string help, params string[] aliases) => new(name, aliases) { Description = help };

    /// <summary>Sets what the program does without a command.</summary>
    public void SetDefault(Func<CommandContext, ParseResult, CancellationToken, Task<int>> run) =>
        SetAction(root, StoreAccess.Service, WithConfiguration(run));

    /// <summary>Adds a command that needs a valid configuration.</summary>
    /// <param name="examples">Example calls for the help.</param>
    /// <param name="access">How it uses the files of accounts.</param>
    /// <param name="groups">The commands above it: <c>source things</c> for <c>source things list</c>. Missing ones are created.</param>
    public void Add(
        Command command, IReadOnlyList<string> examples, Func<CommandContext, ParseResult, CancellationToken, Task<int>> run,
        StoreAccess access = StoreAccess.Command, params IEnumerable<string> groups) =>
        AddUnconfigured(command, examples, WithConfiguration(run), access, groups);

    /// <summary>Adds a command that works on one account, its optional argument.</summary>
    public void Add(
        Command command, IReadOnlyList<string> examples, Func<CommandContext, Account, ParseResult, CancellationToken, Task<int>> run)
    {
        var account = AccountArgument();
        command.Add(account);
        Add(command, examples, (context, result, cancellationToken) => context.RunAsync(
            result.GetValue(account), opened => run(context, opened, result, cancellationToken), cancellationToken));
    }

    /// <summary>Adds a command that works without a valid configuration.</summary>
    public void AddUnconfigured(
        Command command, IReadOnlyList<string> examples, Func<ParseResult, CancellationToken, Task<int>> run,
        StoreAccess access = StoreAccess.Command, params IEnumerable<string> groups)
    {
        command.TreatUnmatchedTokensAsErrors = false;
        SetAction(command, access, run);
        this.examples[command] = examples;
        groups.Aggregate((Command)root, Group).Add(command);
    }

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        // A value may start with @, so response files are off. ArgumentNormalizer has already split short flags from their values.
        var configuration = new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false };
        var command = root.Subcommands.FirstOrDefault(known => arguments.Contains(known.Name));
        var valued = command?.Options.Where(option => option.ValueType != typeof(bool)).SelectMany(option => option.Aliases).ToList();
        var result = root.Parse([.. ArgumentNormalizer.Normalize(arguments, flags.Keys, valued)], configuration);
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
            ConfiguredAccount.All(configuration, SourcesOrOnly(only)),
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
        return Configuration.Load(ProgramSettings, settings, values, Environment, Directory.GetCurrentDirectory());
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
            $"{ProgramName} {name}: missing command; choose one of: {string.Join(", ", group.Subcommands.Select(c => c.Name))}")));
        parent.Add(group);
        return group;
    }

    /// <summary>Prints unknown arguments and flags without a value. False if one of them is an error.</summary>
    private bool AcceptsArguments(ParseResult result)
    {
        var accepted = true;
        var command = result.CommandResult.Command;
        var knownFlags = flags.Keys.Select(s => s.Flag!).Concat(command.Options.Select(o => o.Name)).ToList();
        foreach (var token in result.UnmatchedTokens)
        {
            if (token.StartsWith('-') && token.Length > 1)
            {
                var name = token.Split('=')[0];
                Reject($"{Sanitize.Line(name)}: unknown flag{Nearest.Remedy(name, knownFlags, $"see {ProgramName} --help")}");
            }
            else if (Nearest.To(token, command.Subcommands.Select(c => c.Name)) is { } near)
            {
                Reject($"{Sanitize.Line(token)}: unknown command; did you mean {near}?");
            }
            else
            {
                // netatmo-exporter ignores stray arguments too.
                Terminal.Error.WriteLine($"level=warning msg=\"ignoring the argument {Sanitize.Line(token).Replace('"', '\'')}\"");
            }
        }
        foreach (var setting in FlagValues(result).Where(v => v.Value.Count == 0).Select(v => v.Key))
        {
            Reject($"{setting.Flag}: missing value; write {setting.Flag}=VALUE");
        }
        return accepted;

        void Reject(string error)
        {
            Terminal.Error.WriteLine(error);
            accepted = false;
        }
    }

    private Dictionary<Setting, IReadOnlyList<string>> FlagValues(ParseResult result) => flags
        .Where(f => result.GetResult(f.Value) is { Implicit: false })
        .ToDictionary(f => f.Key, f => (IReadOnlyList<string>)(result.GetValue(f.Value) ?? []));

    private sealed class WriteAction(Action<ParseResult> write) : SynchronousCommandLineAction
    {
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
