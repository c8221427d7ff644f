using System.Runtime.InteropServices;

namespace Exporter;

/// <summary>
/// The signals that ask a process to stop, as a token. None of them stops it at once: whatever runs stops in order, because a renewal
/// that was sent has to be waited for. A second signal changes nothing, since <c>timeout</c> sends two.
/// </summary>
internal sealed class EndSignals : IDisposable
{
    private static readonly PosixSignal[] Signals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGHUP];

    private readonly CancellationTokenSource end = new();
    private readonly PosixSignalRegistration[] registrations;

    public EndSignals() => registrations = Array.ConvertAll(Signals, signal => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        end.Cancel();
    }));

    public CancellationToken Token => end.Token;

    public void Dispose()
    {
        Array.ForEach(registrations, registration => registration.Dispose());
        end.Dispose();
    }

    /// <summary>Replaces the host's own lifetime, which handles SIGTERM, SIGINT and SIGQUIT, and not SIGHUP. The program handles all of them.</summary>
    internal sealed class Lifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
