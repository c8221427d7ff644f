using System.CommandLine.Parsing;

namespace Exporter;

/// <summary>Reports what is wrong with the arguments: the word, the reason and the fix. Values of options may be secrets and are not shown.</summary>
internal sealed class ArgumentErrors(IEnumerable<Setting> flags, IReadOnlyDictionary<Command, CommandNotes> notes, TextWriter error)
{
    private readonly List<string> flagNames = [.. flags.Select(setting => setting.Flag!)];

    /// <summary>Prints all errors of the parser, such as a missing argument or value.</summary>
    public void ReportParser(ParseResult result)
    {
        var command = result.CommandResult.Command;
        foreach (var found in result.Errors.Select(found => Explain(found.SymbolResult, command)).Distinct())
        {
            error.WriteLine(found);
        }
    }

    /// <summary>Prints surplus arguments and unknown flags. False if one of them is an error.</summary>
    public bool AcceptSurplus(ParseResult result)
    {
        var accepted = true;
        var command = result.CommandResult.Command;
        var isGroup = command.Subcommands.Count > 0 && command is not RootCommand;
        var knownFlags = flagNames.Concat(command.Options.Select(o => o.Name)).ToList();
        var path = CommandHelp.PathOf(command);
        foreach (var token in result.UnmatchedTokens)
        {
            var commands = command.Subcommands.Select(c => c.Name).ToList();
            if (token.StartsWith('-') && token.Length > 1)
            {
                var name = token.Split('=')[0];
                Reject($"{Sanitize.Line(name)}: unknown flag{Nearest.Remedy(name, knownFlags, $"see {path} --help")}");
            }
            else if (isGroup || Nearest.To(token, commands) is not null)
            {
                Reject($"{Sanitize.Line(token, 60)}: unknown command{Nearest.Remedy(token, commands, $"choose one of {string.Join(", ", commands)}")}");
                return false;
            }
            else if (command is RootCommand || notes[command].IgnoresSurplusArguments)
            {
                error.WriteLine($"level=warning msg=\"ignoring the argument {Sanitize.Line(token).Replace('"', '\'')}\"");
            }
            else
            {
                Reject($"{path}: there is one argument too many, \"{Sanitize.Line(token, 60)}\"; write: {CommandHelp.Usage(command)}");
            }
        }
        return accepted;

        void Reject(string sentence)
        {
            error.WriteLine(sentence);
            accepted = false;
        }
    }

    private static string Explain(SymbolResult? symbol, Command command)
    {
        var path = CommandHelp.PathOf(command);
        // A value that cannot be converted is reported for the option's argument.
        var option = symbol as OptionResult ?? symbol?.Parent as OptionResult;
        return (option, symbol) switch
        {
            ({ Option: { } flag, IdentifierToken: var typed }, _) when flag.ValueType == typeof(bool) =>
                $"{typed?.Value ?? flag.Name}: this option takes no value; write only {flag.Name}",
            ({ Option: { } flag, Tokens.Count: > 1, IdentifierToken: var typed }, _) =>
                $"{typed?.Value ?? flag.Name}: this option is there more than once; keep one",
            ({ Option: { } flag, IdentifierToken: var typed }, _) =>
                $"{typed?.Value ?? flag.Name}: missing value; write {flag.Name} {flag.HelpName ?? "VALUE"}",
            (_, ArgumentResult { Argument: { } argument }) =>
                $"{path}: missing {argument.Name}; write: {CommandHelp.Usage(command)}",
            _ => $"{path}: the arguments cannot be understood; see {path} --help",
        };
    }
}
