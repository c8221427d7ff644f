using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Exporter.Sources;
using Exporter.Web;

namespace Exporter;

/// <summary>The program's arguments: every setting that has a flag, on every command. No command means <c>serve</c>.</summary>
internal sealed class CommandLine
{
    private readonly IReadOnlyList<ISource> sources;
    private readonly IReadOnlyDictionary<string, string> environment;
    private readonly TextWriter error;
    private readonly Setting[] settings;
    private readonly Dictionary<Setting, Option<string[]>> options;
    private readonly RootCommand root;

    public CommandLine(IReadOnlyList<ISource> sources, IReadOnlyDictionary<string, string> environment, TextWriter output, TextWriter error)
    {
        (this.sources, this.environment, this.error) = (sources, environment, error);
        Setting[] declared = [.. new[] { Configuration.ConfigFile }.Concat(ProgramSettings).Concat(sources.SelectMany(s => s.Settings.All)).Where(s => s.Flag is not null).DistinctBy(s => s.Flag)];
        settings = [.. Setting.WithFiles(declared)];
        options = settings.ToDictionary(s => s, s => new Option<string[]>(s.Flag!) { Arity = ArgumentArity.ZeroOrMore, Recursive = true, Hidden = true });
        root = new RootCommand("Keeps OAuth tokens alive and shows Prometheus what they open.") { TreatUnmatchedTokensAsErrors = false };
        foreach (var option in options.Values)
        {
            root.Add(option);
        }
        root.Options.OfType<HelpOption>().Single().Action = new Help(root, declared, output);
        root.Options.OfType<VersionOption>().Single().Action = new Print(output, $"exporter {BuildInfo.Current.Version} ({BuildInfo.Current.Commit})");
    }

    /// <summary>The settings of the program itself.</summary>
    public static IReadOnlyList<Setting> ProgramSettings { get; } = [.. WebOptions.Settings, LogLines.LevelSetting];

    /// <summary>What the program does without a command.</summary>
    public void Default(Func<Startup, CancellationToken, Task<int>> run) => Act(root, run);

    /// <summary>A command; <paramref name="run"/> is called with a configuration that is right.</summary>
    public Command Add(string name, string help, Func<Startup, CancellationToken, Task<int>> run)
    {
        var command = new Command(name, help) { TreatUnmatchedTokensAsErrors = false };
        Act(command, run);
        root.Add(command);
        return command;
    }

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        // A value that begins with @ is a value: no response files. Arguments.Normalise has unbundled what is bundled.
        var result = root.Parse([.. Arguments.Normalise(arguments, settings)], new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, cancellation);
    }

    private void Act(Command command, Func<Startup, CancellationToken, Task<int>> run) => command.SetAction(async (result, cancellation) =>
        Read(result) is { } startup ? await run(startup, cancellation) : 1);

    /// <summary>The configuration; null when something is wrong, which has been told then, a line each.</summary>
    private Startup? Read(ParseResult result)
    {
        var unknown = result.UnmatchedTokens.Where(token => token.StartsWith('-') && token.Length > 1).ToList();
        var known = settings.Select(s => s.Flag!).ToList();
        foreach (var flag in unknown)
        {
            var name = flag.Split('=')[0];
            error.WriteLine($"{Tokens.Plain.Line(name)}: there is no such flag; {(Nearest.To(name, known) is { } near ? $"did you mean {near}?" : "exporter --help lists them all")}");
        }
        foreach (var stray in result.UnmatchedTokens.Except(unknown))
        {
            error.WriteLine($"level=warning msg=\"the argument {Tokens.Plain.Line(stray).Replace('"', '\'')} is ignored\"");
        }

        var given = options.Where(o => result.GetResult(o.Value) is { Implicit: false }).ToDictionary(o => o.Key, o => (IReadOnlyList<string>)(result.GetValue(o.Value) ?? []));
        var valueless = given.Where(g => g.Value.Count == 0).Select(g => g.Key.Flag).ToList();
        valueless.ForEach(flag => error.WriteLine($"{flag}: needs a value; write {flag}=VALUE"));
        if (unknown.Count + valueless.Count > 0)
        {
            return null;
        }
        var configuration = Configuration.Load(ProgramSettings, [.. sources.Select(s => s.Settings)], given, environment, Environment.CurrentDirectory);
        var startup = new Startup(
            WebOptions.Read(configuration.Program),
            configuration.Program.Get(LogLines.LevelSetting),
            PlannedAccount.All(configuration, sources),
            [.. configuration.Warnings.Select(w => w.ToString())]);
        foreach (var problem in configuration.Problems)
        {
            error.WriteLine(problem);
        }
        return configuration.Problems.Count == 0 ? startup : null;
    }

    /// <summary>Help in three parts: usage, commands, and the settings with their flags, variables and defaults.</summary>
    private sealed class Help(RootCommand root, IReadOnlyList<Setting> settings, TextWriter output) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var command = parseResult.CommandResult.Command;
            output.WriteLine(command.Description);
            output.WriteLine();
            output.WriteLine(command == root ? "Usage:\n  exporter [COMMAND] [SETTINGS]" : $"Usage:\n  exporter {command.Name} [SETTINGS]");
            if (command == root)
            {
                output.WriteLine("\nCommands (none serves metrics):");
                foreach (var one in root.Subcommands)
                {
                    output.WriteLine($"  {one.Name,-32}{one.Description}");
                }
            }
            output.WriteLine("\nSettings:");
            output.Write(SettingsTable.Text(settings));
            return 0;
        }
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
internal sealed record Startup(WebOptions Web, LogLevel Level, IReadOnlyList<PlannedAccount> Accounts, IReadOnlyList<string> Warnings);
