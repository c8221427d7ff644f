using System.Net.Sockets;

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
        using var timeout = new CancellationTokenSource(Timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
        // The server must present the configured certificate, whatever name it contains.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null && web.IsOwnCertificate(shown);
        using var http = new HttpClient(handler);
        try
        {
            using var response = await http.GetAsync(new Uri(web.OwnAddress, "/-/healthy"), linked.Token);
            // 401 is healthy: the server requires a password that a health check does not have.
            if ((int)response.StatusCode < 500)
            {
                return ExitCode.Done;
            }
            terminal.Error.WriteLine($"{web.OwnAddress} returned {(int)response.StatusCode}; see the exporter's log");
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or IOException)
        {
            terminal.Error.WriteLine($"{web.OwnAddress} does not respond ({NetworkFailure.Describe(e)}); "
                + "start the exporter, or run this command with the same settings");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            terminal.Error.WriteLine($"{web.OwnAddress} did not respond within {Timeout.TotalSeconds:0} seconds");
        }
        return ExitCode.Failed;
    }
}
