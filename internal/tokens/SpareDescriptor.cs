using Microsoft.Win32.SafeHandles;

namespace Exporter.Tokens;

/// <summary>
/// One descriptor of the process that is kept for saving a token: a refresh token that a provider has replaced must reach the disk even if
/// connections use all other descriptors.
/// </summary>
internal static class SpareDescriptor
{
    private static readonly Lock Gate = new();
    private static SafeFileHandle? spare = TryOpen();

    /// <summary>Does work, and does it again with the spare descriptor if there was none left.</summary>
    /// <exception cref="IOException">From the work.</exception>
    public static T Use<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (IOException e) when (Posix.IsOutOfDescriptors(e))
        {
            lock (Gate)
            {
                spare?.Dispose();
                try
                {
                    return work();
                }
                finally
                {
                    spare = TryOpen();
                }
            }
        }
    }

    /// <summary>When none is left now, the next use tries again.</summary>
    private static SafeFileHandle? TryOpen()
    {
        try
        {
            return File.OpenHandle("/dev/null");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
