namespace Exporter.Metrics;

/// <summary>
/// A buffer that the next call on any thread reuses. Every scrape encodes small parts, so only a small buffer is kept. Safe for concurrent use.
/// </summary>
internal static class SharedBuffer
{
    private const int LargestCapacity = 64 * 1024;

    private static MemoryStream? free;

    /// <summary>An empty buffer that no other call uses.</summary>
    public static MemoryStream Take()
    {
        var buffer = Interlocked.Exchange(ref free, null) ?? new MemoryStream();
        buffer.SetLength(0);
        return buffer;
    }

    public static void Return(MemoryStream buffer)
    {
        if (buffer.Capacity <= LargestCapacity)
        {
            Volatile.Write(ref free, buffer);
        }
    }
}
