using Exporter.Accounts;

namespace Exporter;

/// <summary>The end of what keeps tokens.</summary>
internal static class Ending
{
    /// <summary>Docker kills ten seconds after it asked; whatever hangs, we are done before that.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(7);

    /// <summary>Lets a renewal that was sent come home, and saves what is only in memory; a token that is lost now is an error.</summary>
    /// <returns>Whether nothing was lost.</returns>
    public static async Task<bool> EndAsync(this Account account, ILogger logger, CancellationToken patience)
    {
        try
        {
            // Not on this thread: a file system that hangs is to cost this account alone.
            if (await Task.Run(() => account.CloseAsync(patience), CancellationToken.None).WaitAsync(patience) is { } reason)
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
