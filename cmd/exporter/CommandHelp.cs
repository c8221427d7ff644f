namespace Exporter;

/// <summary>Writes the help of the program, of a command, and of settings. It fits the width of the terminal.</summary>
internal sealed class CommandHelp(
    RootCommand root, IReadOnlyList<Setting> program, IReadOnlyList<ISource> sources, IReadOnlyDictionary<Command, CommandNotes> notes,
    Terminal terminal)
{
    private readonly TextWriter output = terminal.Output;

    public void Write(Command command)
    {
        WriteText(command.Description ?? "");
        output.WriteLine("\nUsage:");
        WriteText(Usage(command), "  ", "      ");
        if (command == root)
        {
            WriteCommands();
        }
        else
        {
            WriteSection("Commands", command.Subcommands.Select(sub => (sub.Name, (string?)Summary(sub))));
            WriteSection("Arguments", command.Arguments.Select(argument => (argument.Name, argument.Description)));
            WriteSection("Options", command.Options.Where(o => !o.Hidden).Select(option => (Names(option), option.Description)));
        }
        if (notes.GetValueOrDefault(command) is { } shown)
        {
            WriteSettings("Settings", shown.Settings);
            output.WriteLine($"\nExamples:\n  {string.Join("\n  ", shown.Examples.Select(OfThisProgram))}");
            output.WriteLine();
            WriteText("Exit codes: 0 success; 1 fix the configuration or log in, then try again; "
                + "2 temporary failure or interrupted, try again later.");
        }
        output.WriteLine($"\nAll settings: {CommandLine.ProgramName} help settings [SOURCE]");
        if (command == root)
        {
            output.WriteLine($"Help of a command: {CommandLine.ProgramName} help COMMAND");
        }
    }

    /// <summary>Writes the settings of one source, or those of the program, of every account and of all sources.</summary>
    public void WriteSettings(ISource? only)
    {
        WriteText("A setting is a flag, a variable, or a key in the configuration file. In [ ]: the key, the variable and the default.");
        if (only is not null)
        {
            WriteSettings($"Settings of {only.Name}", only.Settings.All, withKeys: true);
            return;
        }
        WriteSettings("Settings of the program", program.Prepend(Configuration.ConfigFile), withKeys: true);
        WriteSettings("Settings of every account", AccountSettings.Common, withKeys: true);
        foreach (var source in sources)
        {
            WriteSettings($"Settings of {source.Name}", source.Settings.Settings, withKeys: true);
        }
    }

    /// <summary>The words of a command: <c>oauth-exporter source things list</c>.</summary>
    public static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{PathOf(parent)} {command.Name}" : CommandLine.ProgramName;

    /// <summary>The command with its arguments and options, as typed.</summary>
    public static string Usage(Command command)
    {
        if (command is RootCommand)
        {
            return $"{CommandLine.ProgramName} [COMMAND] [SETTINGS]";
        }
        string[] commands = command.Subcommands.Count > 0 ? ["COMMAND"] : [];
        var arguments = command.Arguments.Select(a => a.Arity.MinimumNumberOfValues > 0 ? a.Name : $"[{a.Name}]");
        string[] options = command.Options.Any(o => !o.Hidden) ? ["[OPTIONS]"] : [];
        return string.Join(' ', [PathOf(command), .. commands, .. arguments, .. options, "[SETTINGS]"]);
    }

    private void WriteCommands()
    {
        foreach (var group in Enum.GetValues<CommandGroup>())
        {
            WriteSection(group == CommandGroup.Exporter ? "Exporter (the default command is serve)" : $"{group}", root.Subcommands
                .Where(command => (notes.GetValueOrDefault(command)?.Group ?? CommandGroup.Sources) == group)
                .Select(command => (command.Name, (string?)Summary(command))));
        }
    }

    /// <summary>The first sentence of the description; for a group, its commands.</summary>
    private static string Summary(Command command) => command.Subcommands.Count > 0
        ? $"Commands: {Names(command)}."
        : command.Description!.Split(". ")[0].TrimEnd('.') + ".";

    /// <summary>An example of a command that both programs have, with the name of this one.</summary>
    private static string OfThisProgram(string example) =>
        example.Contains(CommandLine.ProgramName, StringComparison.Ordinal)
            ? example
            : example.Replace(CommandLine.Home, CommandLine.ProgramName, StringComparison.Ordinal);

    /// <summary>The names of a group's commands: <c>stream</c>, or <c>things (list, show)</c>.</summary>
    private static string Names(Command group) => string.Join(", ", group.Subcommands.Select(
        command => command.Subcommands.Count == 0 ? command.Name : $"{command.Name} ({Names(command)})"));

    private static string Names(Option option) =>
        string.Join(", ", option.Aliases.Append(option.Name).OrderBy(n => n.Length)) + (option.HelpName is { } value ? $" {value}" : "");

    private void WriteSettings(string title, IEnumerable<Setting> settings, bool withKeys = false)
    {
        if (SettingsTable.Text(settings, terminal.Width, withKeys) is { Length: > 0 } text)
        {
            output.Write($"\n{title}:\n{text}");
        }
    }

    private void WriteSection(string title, IEnumerable<(string Name, string? Help)> rows)
    {
        if (TextColumns.Of([.. rows], terminal.Width) is { Length: > 0 } lines)
        {
            output.Write($"\n{title}:\n{lines}");
        }
    }

    private void WriteText(string text, string indent = "", string further = "") =>
        output.WriteLine(indent + string.Join("\n" + further, TextColumns.Wrap(text, terminal.Width - further.Length)));
}
