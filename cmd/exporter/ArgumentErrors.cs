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

    /// <summary>Prints the options that are switches and have a value, which the parser takes for an argument.</summary>
    /// <returns>Whether there is none.</returns>
    public bool AcceptSwitches(ParseResult result, IReadOnlyList<string> arguments)
    {
        var switches = result.CommandResult.Command.Options.Where(option => option.ValueType == typeof(bool)).ToList();
        var wrong = arguments.TakeWhile(argument => argument != "--").Select(argument => argument.Split('='))
            .Where(parts => parts.Length > 1 && switches.Any(option => option.Name == parts[0] || option.Aliases.Contains(parts[0])))
            .Select(parts => parts[0]).Distinct().ToList();
        foreach (var name in wrong)
        {
            error.WriteLine($"{name}: this option takes no value; write only {name}");
        }
        return wrong.Count == 0;
    }

    /// <summary>Prints surplus arguments and unknown flags. False if one of them is an error.</summary>
    public bool AcceptSurplus(ParseResult result)
    {
        var accepted = true;
        var command = result.CommandResult.Command;
        var isGroup = command.Subcommands.Count > 0 && command is not RootCommand;
        var knownFlags = flagNames.Concat(command.Options.Select(o => o.Name)).ToList();
        var path = CommandHelp.PathOf(command);
        // The parser takes an unknown flag for an argument that the command has. After -- it may be one.
        var flagsAsArguments = result.Tokens.Any(token => token.Type == TokenType.DoubleDash) ? []
            : result.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).Select(token => token.Value)
                .Where(value => value.Length > 1 && value.StartsWith('-'));
        foreach (var token in result.UnmatchedTokens.Concat(flagsAsArguments))
        {
            var commands = command.Subcommands.Select(c => c.Name).ToList();
            if (token.StartsWith('-') && token.Length > 1)
            {
                var name = token.Split('=')[0];
                Reject($"{Sanitize.Line(name)}: unknown flag{Nearest.Remedy(name, knownFlags, $"see {path} --help")}");
            }
            else if (isGroup || Nearest.To(token, commands) is not null)
            {
                var choices = $"choose one of {string.Join(", ", commands)}";
                Reject($"{Sanitize.Line(token, 60)}: unknown command{Nearest.Remedy(token, commands, choices)}");
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
