using System.Runtime.InteropServices;

namespace Exporter;

/// <summary>
/// Cancels a token on SIGTERM, SIGINT, SIGQUIT or SIGHUP. The process does not exit by itself, because it must wait for a renewal in
/// flight. A second signal has no effect, because <c>timeout</c> sends two.
/// </summary>
internal sealed class ShutdownSignals : IDisposable
{
    private static readonly PosixSignal[] Signals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGHUP];

    private readonly CancellationTokenSource shutdown = new();
    private readonly PosixSignalRegistration[] registrations;

    public ShutdownSignals() => registrations = Array.ConvertAll(Signals, signal => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        shutdown.Cancel();
    }));

    public CancellationToken Token => shutdown.Token;

    public void Dispose()
    {
        Array.ForEach(registrations, registration => registration.Dispose());
        shutdown.Dispose();
    }

    /// <summary>Replaces the host's <c>ConsoleLifetime</c>, which does not handle SIGHUP. It does nothing.</summary>
    internal sealed class HostLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
