namespace Exporter.Cluster;

/// <summary><c>check</c>: validates the configuration of a replica.</summary>
internal static class CheckTemplatesCommand
{
    public static void AddTo(CommandLine program) => program.Add(
        new Command("check", "Validates the configuration and lists all problems. Does not connect to the database."),
        new(CommandGroup.Exporter, ["oauth-exporter-cluster check --config exporter.yml"], [Configuration.ConfigFile, .. ClusterOptions.Settings]),
        (context, _, _) => RunAsync(context));

    private static async Task<int> RunAsync(CommandContext context)
    {
        var options = ClusterOptions.Read(context);
        if (options is null)
        {
            return ExitCode.Failed;
        }
        var output = context.Terminal.Output;
        foreach (var warning in context.Options.Warnings)
        {
            await output.WriteLineAsync($"warning: {warning}");
        }
        var templates = context.Options.Accounts.Select(a => $"{a.Name} ({a.Source})");
        await output.WriteLineAsync($"The configuration is valid: store {options.Store.Location}, templates {string.Join(", ", templates)}.");
        return ExitCode.Done;
    }
}
