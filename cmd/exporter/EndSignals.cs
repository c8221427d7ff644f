using System.Runtime.InteropServices;
using Exporter.Sources;

namespace Exporter;

/// <summary>SIGTERM and SIGINT as a token, for what runs until it is told to end.</summary>
internal sealed class EndSignals : IDisposable
{
    private readonly CancellationTokenSource end;
    private readonly PosixSignalRegistration[] registrations;

    public EndSignals(Action<PosixSignal> noticed, CancellationToken cancellation)
    {
        end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        registrations = [PosixSignalRegistration.Create(PosixSignal.SIGTERM, End), PosixSignalRegistration.Create(PosixSignal.SIGINT, End)];

        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            noticed(context.Signal);
            end.Cancel();
        }
    }

    public CancellationToken Token => end.Token;

    public void Raise() => end.Cancel();

    public void Dispose()
    {
        foreach (var registration in registrations)
        {
            registration.Dispose();
        }
        end.Dispose();
    }

    /// <summary>Lets a renewal that was sent come home, and saves what is only in memory; a token that is lost now is an error.</summary>
    /// <returns>Whether nothing was lost.</returns>
    public static async Task<bool> CloseAsync(Account account, ILogger logger, CancellationToken patience)
    {
        try
        {
            if (await account.CloseAsync(patience) is { } reason)
            {
                logger.LogError("account {Account}: the token could not be saved and is lost with this process: {Reason}", account.Name, reason);
                return false;
            }
            return true;
        }
        catch (OperationCanceledException)
        {
            logger.LogError("account {Account}: a renewal did not come back in time; if the cloud has renewed the token, somebody has to log in again", account.Name);
            return false;
        }
    }
}
