using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Exporter.Accounts;
using Exporter.Web;

namespace Exporter;

/// <summary>The program's arguments: every setting that has a flag, on every command. No command means <c>serve</c>.</summary>
internal sealed class CommandLine
{
    private readonly IReadOnlyList<ISource> sources;
    private readonly TextWriter error;
    private readonly Setting[] settings;
    private readonly Dictionary<Setting, Option<string[]>> options;
    private readonly Dictionary<Command, IReadOnlyList<string>> examples = [];
    private readonly RootCommand root;

    public CommandLine(IReadOnlyList<ISource> sources, IReadOnlyDictionary<string, string> environment, TextWriter output, TextWriter error)
    {
        (this.sources, Environment, this.error) = (sources, environment, error);
        Setting[] declared = [.. new[] { Configuration.ConfigFile }.Concat(ProgramSettings).Concat(sources.SelectMany(s => s.Settings.All)).Where(s => s.Flag is not null).DistinctBy(s => s.Flag)];
        settings = [.. Setting.WithFiles(declared)];
        options = settings.ToDictionary(s => s, s => new Option<string[]>(s.Flag!) { Arity = ArgumentArity.ZeroOrMore, Recursive = true, Hidden = true });
        root = new RootCommand("Keeps OAuth tokens alive and shows Prometheus what they open.") { TreatUnmatchedTokensAsErrors = false };
        foreach (var option in options.Values)
        {
            root.Add(option);
        }
        root.Options.OfType<HelpOption>().Single().Action = new CommandHelp(root, declared, examples, output);
        root.Options.OfType<VersionOption>().Single().Action = new Print(output, $"exporter {BuildInfo.Current.Version} ({BuildInfo.Current.Commit})");
    }

    /// <summary>The process's variables.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>The settings of the program itself.</summary>
    public static IReadOnlyList<Setting> ProgramSettings { get; } = [.. WebOptions.Settings, StateDirectory.Setting, LogLines.LevelSetting];

    /// <summary>What the program does without a command.</summary>
    public void Default(Func<Startup, CancellationToken, Task<int>> run) => root.SetAction(Checking(Configured((startup, _, cancellationToken) => run(startup, cancellationToken))));

    /// <summary>A command; <paramref name="run"/> is called with a configuration that is right.</summary>
    public void Add(string name, string help, Func<Startup, CancellationToken, Task<int>> run) =>
        Add(new Command(name, help), [], (startup, _, cancellationToken) => run(startup, cancellationToken));

    /// <summary>A command with arguments and options of its own.</summary>
    /// <param name="calls">Examples for its help, each a call and what it is for.</param>
    public void Add(Command command, IReadOnlyList<string> calls, Func<Startup, ParseResult, CancellationToken, Task<int>> run) =>
        AddRaw(command, calls, Configured(run));

    /// <summary>A command below others, which are made when they are new: <c>source things</c> of <c>source things list</c>.</summary>
    public void Add(IEnumerable<string> below, Command command, IReadOnlyList<string> calls, Func<Startup, ParseResult, CancellationToken, Task<int>> run) =>
        AddRaw(below.Aggregate((Command)root, Group), command, calls, Configured(run));

    /// <summary>A command that asks for its configuration itself.</summary>
    public void AddRaw(Command command, IReadOnlyList<string> calls, Func<ParseResult, CancellationToken, Task<int>> run) => AddRaw(root, command, calls, run);

    private void AddRaw(Command parent, Command command, IReadOnlyList<string> calls, Func<ParseResult, CancellationToken, Task<int>> run)
    {
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(Checking(run));
        examples[command] = calls;
        parent.Add(command);
    }

    /// <summary>A word that stands before commands, and is none.</summary>
    private Command Group(Command parent, string name)
    {
        if (parent.Subcommands.FirstOrDefault(c => c.Name == name) is { } known)
        {
            return known;
        }
        var group = new Command(name, $"Commands about {name}.") { TreatUnmatchedTokensAsErrors = false };
        group.SetAction(Checking((_, _) =>
        {
            error.WriteLine($"exporter {name}: say which: {string.Join(", ", group.Subcommands.Select(c => c.Name))}");
            return Task.FromResult(ExitCode.Failed);
        }));
        parent.Add(group);
        return group;
    }

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        // A value that begins with @ is a value: no response files. Arguments.Normalise has unbundled what is bundled.
        var result = root.Parse([.. Arguments.Normalise(arguments, settings)], new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        try
        {
            return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Told to end before it was done.
            return ExitCode.TryLater;
        }
    }

    /// <summary>The configuration; null when something is wrong, which has been told then, a line each.</summary>
    public Startup? Read(ParseResult result) => Checked(Load(result, sources, []), sources);

    /// <summary>The same for a single account, at this source and with these values as if by flag.</summary>
    public Startup? Read(ParseResult result, ISource only, IEnumerable<(Setting Setting, string Value)> given) => Checked(Load(result, [only], given), [only]);

    /// <summary>The configuration as it is, with its problems.</summary>
    public Configuration Peek(ParseResult result) => Load(result, sources, []);

    private Func<ParseResult, CancellationToken, Task<int>> Checking(Func<ParseResult, CancellationToken, Task<int>> run) => async (result, cancellationToken) =>
        TellUnknown(result) ? ExitCode.Failed : await run(result, cancellationToken);

    private Func<ParseResult, CancellationToken, Task<int>> Configured(Func<Startup, ParseResult, CancellationToken, Task<int>> run) => async (result, cancellationToken) =>
        Read(result) is { } startup ? await run(startup, result, cancellationToken) : ExitCode.Failed;

    /// <summary>Tells what is no flag of ours, or has no value; true when there was something that must not be passed over.</summary>
    private bool TellUnknown(ParseResult result)
    {
        var unknown = result.UnmatchedTokens.Where(token => token.StartsWith('-') && token.Length > 1).ToList();
        var known = settings.Select(s => s.Flag!).Concat(result.CommandResult.Command.Options.Select(o => o.Name)).ToList();
        foreach (var flag in unknown)
        {
            var name = flag.Split('=')[0];
            error.WriteLine($"{Tokens.Sanitize.Line(name)}: there is no such flag; {(Nearest.To(name, known) is { } near ? $"did you mean {near}?" : "exporter --help lists them all")}");
        }
        var commands = result.CommandResult.Command.Subcommands.Select(c => c.Name).ToList();
        var misspelt = false;
        foreach (var stray in result.UnmatchedTokens.Except(unknown))
        {
            // netatmo-exporter ignores stray words; one that is nearly a command is no stray, and serving would be the wrong answer to it.
            if (Nearest.To(stray, commands) is { } meant)
            {
                misspelt = true;
                error.WriteLine($"{Tokens.Sanitize.Line(stray)}: there is no such command; did you mean {meant}?");
                continue;
            }
            error.WriteLine($"level=warning msg=\"the argument {Tokens.Sanitize.Line(stray).Replace('"', '\'')} is ignored\"");
        }
        var valueless = Given(result).Where(g => g.Value.Count == 0).Select(g => g.Key.Flag).ToList();
        valueless.ForEach(flag => error.WriteLine($"{flag}: needs a value; write {flag}=VALUE"));
        return misspelt || unknown.Count + valueless.Count > 0;
    }

    private Dictionary<Setting, IReadOnlyList<string>> Given(ParseResult result) =>
        options.Where(o => result.GetResult(o.Value) is { Implicit: false }).ToDictionary(o => o.Key, o => (IReadOnlyList<string>)(result.GetValue(o.Value) ?? []));

    private Configuration Load(ParseResult result, IReadOnlyList<ISource> of, IEnumerable<(Setting Setting, string Value)> more)
    {
        var given = Given(result).Where(g => g.Value.Count > 0).ToDictionary(g => g.Key, g => g.Value);
        foreach (var (setting, value) in more)
        {
            given[setting] = [value];
        }
        return Configuration.Load(ProgramSettings, [.. of.Select(s => s.Settings)], given, Environment, Directory.GetCurrentDirectory());
    }

    private Startup? Checked(Configuration configuration, IReadOnlyList<ISource> of)
    {
        var web = WebOptions.Read(configuration.Program);
        var startup = new Startup(
            web,
            configuration.Program.Get(LogLines.LevelSetting),
            ConfiguredAccount.All(configuration, of),
            [.. configuration.Warnings.Select(w => w.ToString()), .. web.Warnings]);
        foreach (var problem in configuration.Problems)
        {
            error.WriteLine(problem);
        }
        return configuration.Problems.Count == 0 ? startup : null;
    }

    private sealed class Print(TextWriter output, string line) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            output.WriteLine(line);
            return 0;
        }
    }
}

/// <summary>A configuration in which nothing is wrong.</summary>
internal sealed record Startup(WebOptions Web, LogLevel Level, IReadOnlyList<ConfiguredAccount> Accounts, IReadOnlyList<string> Warnings);
