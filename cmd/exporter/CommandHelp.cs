using System.CommandLine;
using System.CommandLine.Invocation;
using Exporter.Accounts;

namespace Exporter;

/// <summary>Help in parts: usage, commands or a command's own options, examples, exit codes, and the settings with their flags, variables and defaults.</summary>
internal sealed class CommandHelp(RootCommand root, IReadOnlyList<Setting> settings, IReadOnlyDictionary<Command, IReadOnlyList<string>> examples, TextWriter output) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        var command = parseResult.CommandResult.Command;
        output.WriteLine(command.Description);
        output.WriteLine();
        output.WriteLine($"Usage:\n  {Usage(command)}");
        Part(command == root ? "Commands (none serves metrics)" : "Commands", command.Subcommands.Select(one => (one.Name, one.Description)));
        if (command != root)
        {
            Part("Options", command.Options.Select(option => (Words(option), option.Description)));
        }
        if (examples.GetValueOrDefault(command) is { Count: > 0 } calls)
        {
            output.WriteLine("\nExamples:");
            foreach (var call in calls)
            {
                output.WriteLine($"  {call}");
            }
            Part("Exit codes", [("0", "it is done"), ("1", "something has to be mended first, or somebody has to log in"), ("2", "the provider or the network does not work now, or it was told to end before it was done; try again later")]);
        }
        output.WriteLine("\nSettings:");
        output.Write(SettingsTable.Text(settings));
        return 0;
    }

    private string Usage(Command command) => command == root
        ? "exporter [COMMAND] [SETTINGS]"
        : string.Join(' ', ["exporter", .. Path(command), .. command.Subcommands.Count > 0 ? ["COMMAND"] : Array.Empty<string>(), .. command.Arguments.Select(a => a.Arity.MinimumNumberOfValues > 0 ? a.Name : $"[{a.Name}]"), .. command.Options.Count > 0 ? ["[OPTIONS]"] : Array.Empty<string>(), "[SETTINGS]"]);

    private IEnumerable<string> Path(Command command) => command.Parents.OfType<Command>().FirstOrDefault(p => p != root) is { } parent ? [.. Path(parent), command.Name] : [command.Name];

    private static string Words(Option option) =>
        string.Join(", ", option.Aliases.Append(option.Name).OrderBy(n => n.Length)) + (option.HelpName is { } value ? $" {value}" : "");

    private void Part(string title, IEnumerable<(string Name, string? Help)> rows)
    {
        var all = rows.ToList();
        if (all.Count == 0)
        {
            return;
        }
        output.WriteLine($"\n{title}:");
        foreach (var (name, help) in all)
        {
            output.WriteLine($"  {name,-32}{help}");
        }
    }
}
