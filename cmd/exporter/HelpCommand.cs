namespace Exporter;

/// <summary><c>help</c> and <c>version</c>: the same as the flags of these names, and the settings of a source.</summary>
internal static class HelpCommand
{
    private const string SettingsTopic = "settings";

    public static void AddTo(CommandLine program)
    {
        var topic = new Argument<string[]>("TOPIC")
        {
            Arity = ArgumentArity.ZeroOrMore,
            Description = $"A command, or {SettingsTopic} with an optional source.",
        };
        topic.CompletionSources.Add(context =>
        {
            var words = context.ParseResult.GetValue(topic) ?? [];
            // The last word may be the one to complete.
            return Topics(program, context.WordToComplete.Length > 0 && words.Length > 0 ? words[..^1] : words);
        });
        program.AddUnconfigured(
            new Command("help", "Shows the help of a command, or settings.") { topic },
            new(CommandGroup.Tools,
                ["oauth-exporter help check", "oauth-exporter help settings", $"oauth-exporter help settings {program.Sources[^1].Name}"], []),
            (result, _) => Task.FromResult(Show(program, result.GetValue(topic) ?? [])));
        program.AddUnconfigured(
            new Command("version", "Shows the version."),
            new(CommandGroup.Tools, ["oauth-exporter version"], []),
            (_, _) =>
            {
                program.WriteVersion();
                return Task.FromResult(ExitCode.Done);
            });
    }

    private static int Show(CommandLine program, string[] words)
    {
        if (words is [SettingsTopic, .. var rest])
        {
            var names = program.Sources.Select(s => s.Name).ToList();
            if (rest.FirstOrDefault(word => !names.Contains(word)) is { } unknown)
            {
                var choice = $"choose one of {string.Join(", ", names)}";
                return program.Terminal.Fail($"{Sanitize.Line(unknown, 60)}: there is no such source{Nearest.Remedy(unknown, names, choice)}");
            }
            program.Help.WriteSettings(program.Sources.FirstOrDefault(s => rest.Contains(s.Name)));
            return ExitCode.Done;
        }
        Command command = program.Root;
        foreach (var (i, word) in words.Index())
        {
            if (command.Subcommands.FirstOrDefault(c => c.Name == word) is not { } found)
            {
                var names = Topics(program, words[..i]).ToList();
                var choices = names.Count == 0 ? $"write: {CommandLine.ProgramName} help COMMAND" : $"choose one of {string.Join(", ", names)}";
                return program.Terminal.Fail($"{Sanitize.Line(word, 60)}: there is no such command{Nearest.Remedy(word, names, choices)}");
            }
            command = found;
        }
        program.Help.Write(command);
        return ExitCode.Done;
    }

    /// <summary>The words that may follow.</summary>
    private static IEnumerable<string> Topics(CommandLine program, string[] words)
    {
        if (words is [SettingsTopic, .. var sources])
        {
            return sources.Length == 0 ? program.Sources.Select(s => s.Name) : [];
        }
        var command = words.Aggregate((Command?)program.Root, (c, word) => c?.Subcommands.FirstOrDefault(s => s.Name == word));
        var names = command?.Subcommands.Select(c => c.Name) ?? [];
        return command == program.Root ? names.Append(SettingsTopic) : names;
    }
}
