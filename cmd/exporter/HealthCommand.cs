namespace Exporter;

/// <summary><c>health</c>: requests the health page of the exporter with this configuration, as a container's health check.</summary>
internal static class HealthCommand
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    public static void AddTo(CommandLine program) => program.AddUnconfigured(
        new Command("health", "Checks whether the exporter with this configuration responds. For container health checks."),
        new(CommandGroup.Exporter,
            ["oauth-exporter health", "oauth-exporter health --addr 127.0.0.1:9000"],
            [Configuration.ConfigFile, WebOptions.AddressSetting, WebOptions.ConfigFileSetting]),
        async (result, cancellationToken) =>
        {
            var section = program.Load(result).Program;
            var web = WebOptions.Read(section);
            // Problems of accounts do not matter: a container's health check has none of their variables.
            if (section.Problems is { Count: > 0 } problems)
            {
                foreach (var problem in problems)
                {
                    program.Terminal.Error.WriteLine(problem);
                }
                return ExitCode.Failed;
            }
            return await RunAsync(web, program.Terminal, program.Time, cancellationToken);
        });

    private static async Task<int> RunAsync(WebOptions web, Terminal terminal, TimeProvider time, CancellationToken cancellationToken)
    {
        using var exporter = new OwnExporter(web, time);
        return await exporter.GetAsync(web.OwnAddress, "/-/healthy", Timeout, cancellationToken) switch
        {
            // 401 is healthy: the server requires a password that a health check does not have.
            OwnExporter.Reply.Received { Status: < 500 } => ExitCode.Done,
            OwnExporter.Reply.Received { Status: var status } => terminal.Fail($"{web.OwnAddress} returned {status}; see the exporter's log"),
            OwnExporter.Reply.None { Reason: var reason } => terminal.Fail(
                $"{web.OwnAddress} does not respond ({reason}); start the exporter, or run this command with the same settings"),
            _ => terminal.Fail($"{web.OwnAddress} did not respond within {Timeout.TotalSeconds:0} seconds"),
        };
    }
}
