using System.Runtime.InteropServices;

namespace Exporter;

/// <summary>
/// Cancels a token on SIGTERM, SIGINT, SIGQUIT or SIGHUP. The process does not exit by itself, because it must wait for a renewal in
/// flight. A second signal has no effect, because <c>timeout</c> sends two. A command can use SIGHUP for something else
/// (<see cref="OnHangup"/>).
/// </summary>
internal sealed class ShutdownSignals : IDisposable
{
    private static readonly PosixSignal[] Signals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGHUP];

    /// <summary>How many commands of this process use SIGHUP for something else.</summary>
    private static int hangups;

    private readonly CancellationTokenSource shutdown = new();
    private readonly PosixSignalRegistration[] registrations;

    public ShutdownSignals() => registrations = Array.ConvertAll(Signals, signal => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        if (context.Signal != PosixSignal.SIGHUP || Volatile.Read(ref hangups) == 0)
        {
            shutdown.Cancel();
        }
    }));

    public CancellationToken Token => shutdown.Token;

    /// <summary>Runs an action on each SIGHUP, instead of shutting down, until the result is disposed of.</summary>
    public static IDisposable OnHangup(Action action) => new Hangup(action);

    public void Dispose()
    {
        Array.ForEach(registrations, registration => registration.Dispose());
        shutdown.Dispose();
    }

    private sealed class Hangup : IDisposable
    {
        private readonly PosixSignalRegistration registration;

        public Hangup(Action action)
        {
            Interlocked.Increment(ref hangups);
            registration = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                action();
            });
        }

        public void Dispose()
        {
            registration.Dispose();
            Interlocked.Decrement(ref hangups);
        }
    }

    /// <summary>Replaces the host's <c>ConsoleLifetime</c>, which does not handle SIGHUP. It does nothing.</summary>
    internal sealed class HostLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
