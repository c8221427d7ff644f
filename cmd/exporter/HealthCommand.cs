using System.CommandLine;
using System.Net.Sockets;
using Exporter.Accounts;
using Exporter.Web;

namespace Exporter;

/// <summary><c>exporter health</c>: asks the exporter that was configured the same whether it answers, for containers that have no other program to ask with.</summary>
internal static class HealthCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static void AddHealth(this CommandLine program, Terminal terminal, TimeProvider time) => program.AddRaw(
        new Command("health", "Asks the exporter that runs with this configuration whether it is well, for a container's health check."),
        ["exporter health", "exporter health --addr 127.0.0.1:9000"],
        (result, cancellationToken) => RunAsync(WebOptions.Read(program.Peek(result).Program), terminal, time, cancellationToken));

    /// <returns>The exit code.</returns>
    private static async Task<int> RunAsync(WebOptions web, Terminal terminal, TimeProvider time, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
        // We ask ourselves: the certificate is the very one of the configuration, whatever name is on it.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null && web.IsOwnCertificate(shown);
        using var http = new HttpClient(handler);
        try
        {
            using var response = await http.GetAsync(new Uri(web.OwnAddress, "/-/healthy"), either.Token);
            // 401: it is well, and asks for a password that a health check does not have.
            if ((int)response.StatusCode < 500)
            {
                return ExitCode.Done;
            }
            terminal.Error.WriteLine($"{web.OwnAddress} answers {(int)response.StatusCode}; the exporter's log says why");
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or IOException)
        {
            terminal.Error.WriteLine($"{web.OwnAddress} does not answer ({Tokens.Sanitize.Line(e.GetBaseException().Message)}); the exporter is not running, or listens elsewhere: give this command the same settings");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            terminal.Error.WriteLine($"{web.OwnAddress} did not answer within {Patience.TotalSeconds:0} seconds");
        }
        return ExitCode.Failed;
    }
}
