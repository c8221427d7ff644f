using System.Runtime.InteropServices;

namespace Exporter;

/// <summary>
/// The signals that tell a process to end, as a token. None of them ends it by itself: whatever runs ends in order, for a renewal
/// that was sent has to come home. A second one changes nothing, since <c>timeout</c> sends two.
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
}
