namespace Exporter;

/// <summary>Writes the help of a command: usage, subcommands, options, examples, exit codes, and all settings.</summary>
internal sealed class CommandHelp(
    RootCommand root, IReadOnlyList<Setting> settings, IReadOnlyDictionary<Command, IReadOnlyList<string>> examples, TextWriter output)
{
    public void Write(ParseResult result)
    {
        var command = result.CommandResult.Command;
        output.WriteLine($"{command.Description}\n\nUsage:\n  {Usage(command)}");
        WriteSection(command == root ? "Commands (default: serve)" : "Commands", command.Subcommands.Select(c => (c.Name, c.Description)));
        if (command != root)
        {
            WriteSection("Arguments", command.Arguments.Select(argument => (argument.Name, argument.Description)));
            WriteSection("Options", command.Options.Select(option => (Names(option), option.Description)));
        }
        if (examples.GetValueOrDefault(command) is { Count: > 0 } calls)
        {
            output.WriteLine($"\nExamples:\n  {string.Join("\n  ", calls)}");
            WriteSection("Exit codes",
            [
                ("0", "success"),
                ("1", "fix the configuration or log in, then try again"),
                ("2", "temporary failure or interrupted; try again later"),
            ]);
        }
        output.Write($"\nSettings:\n{SettingsTable.Text(settings)}");
    }

    private string Usage(Command command)
    {
        if (command == root)
        {
            return $"{CommandLine.ProgramName} [COMMAND] [SETTINGS]";
        }
        string[] commands = command.Subcommands.Count > 0 ? ["COMMAND"] : [];
        var arguments = command.Arguments.Select(a => a.Arity.MinimumNumberOfValues > 0 ? a.Name : $"[{a.Name}]");
        string[] options = command.Options.Count > 0 ? ["[OPTIONS]"] : [];
        return string.Join(' ', [CommandLine.ProgramName, .. Path(command), .. commands, .. arguments, .. options, "[SETTINGS]"]);
    }

    private IEnumerable<string> Path(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault(p => p != root) is { } parent ? [.. Path(parent), command.Name] : [command.Name];

    private static string Names(Option option) =>
        string.Join(", ", option.Aliases.Append(option.Name).OrderBy(n => n.Length)) + (option.HelpName is { } value ? $" {value}" : "");

    private void WriteSection(string title, IEnumerable<(string Name, string? Help)> rows)
    {
        var lines = string.Concat(rows.Select(row => $"  {row.Name,-32}{row.Help}\n"));
        if (lines.Length > 0)
        {
            output.Write($"\n{title}:\n{lines}");
        }
    }
}
