namespace Exporter;

/// <summary><c>check</c>: validates the configuration.</summary>
internal static class CheckCommand
{
    public static void AddTo(CommandLine program) => program.Add(
        new Command("check", "Validates the configuration and lists all problems."),
        new(CommandGroup.Exporter,
            ["oauth-exporter check --config exporter.yml", "oauth-exporter check --config exporter.yml --web.config.file web.yml"],
            [.. program.EssentialSettings, WebOptions.ConfigFileSetting]),
        (context, _, _) => RunAsync(context));

    private static async Task<int> RunAsync(CommandContext context)
    {
        var output = context.Terminal.Output;
        foreach (var warning in context.Options.Warnings)
        {
            await output.WriteLineAsync($"warning: {warning}");
        }
        var accounts = context.Options.Accounts.Select(a => $"{a.Name} ({a.Source})");
        await output.WriteLineAsync($"The configuration is valid: {string.Join(", ", accounts)}.");
        return ExitCode.Done;
    }
}
