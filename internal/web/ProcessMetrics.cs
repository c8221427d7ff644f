using System.Buffers.Text;
using System.Globalization;
using Exporter.Metrics;
using Microsoft.Win32.SafeHandles;

namespace Exporter.Web;

/// <summary>
/// The standard <c>process_*</c> series, from the kernel's files about this process. One reading of <c>stat</c> serves all of
/// its values on a page. Looking is dear, above all counting open files: who scrapes more often than ten times in a second is
/// shown the same look.
/// </summary>
internal sealed class ProcessMetrics : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>The unit of times in <c>stat</c>; 100 on every Linux that .NET runs on (sysconf(_SC_CLK_TCK)).</summary>
    private const double TicksPerSecond = 100;

    // Numbers of the fields after the command's closing parenthesis, see proc(5).
    private const int UserTime = 11;
    private const int SystemTime = 12;
    private const int StartTime = 19;
    private const int VirtualSize = 20;
    private const int ResidentPages = 21;

    private readonly SafeFileHandle stat = File.OpenHandle("/proc/self/stat");
    private readonly long[] fields = new long[ResidentPages + 1];
    private readonly double started;
    private readonly double? mostFiles;
    private readonly TimeProvider time;
    private readonly Lock looking = new();
    private long looked;
    private double openFiles;

    public ProcessMetrics(TimeProvider time)
    {
        this.time = time;
        Read();
        started = BootTime() + fields[StartTime] / TicksPerSecond;
        mostFiles = MostFiles();
    }

    public IEnumerable<LiveFamily> Families =>
    [
        LiveFamily.Counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", () =>
        {
            Refresh();
            return (fields[UserTime] + fields[SystemTime]) / TicksPerSecond;
        }),
        LiveFamily.Gauge("process_resident_memory_bytes", "Resident memory size in bytes.", () => fields[ResidentPages] * (double)Environment.SystemPageSize),
        LiveFamily.Gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", () => fields[VirtualSize]),
        LiveFamily.Gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", () => started),
        LiveFamily.Gauge("process_open_fds", "Number of open file descriptors.", () => openFiles),
        LiveFamily.Gauge("process_max_fds", "Maximum number of open file descriptors.", () => mostFiles),
    ];

    public void Dispose() => stat.Dispose();

    private void Refresh()
    {
        lock (looking)
        {
            if (looked == 0 || time.GetElapsedTime(looked) >= Look)
            {
                Read();
            }
        }
    }

    private void Read()
    {
        looked = time.GetTimestamp();
        openFiles = Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();
        Span<byte> text = stackalloc byte[1024];
        text = text[..RandomAccess.Read(stat, text, 0)];
        text = text[(text.LastIndexOf((byte)')') + 2)..];
        for (var i = 0; i < fields.Length && text.Length > 0; i++)
        {
            var end = text.IndexOf((byte)' ');
            var field = end < 0 ? text : text[..end];
            fields[i] = Utf8Parser.TryParse(field, out long value, out _) ? value : 0;
            text = end < 0 ? default : text[(end + 1)..];
        }
    }

    private static double BootTime() =>
        File.ReadLines("/proc/stat").FirstOrDefault(line => line.StartsWith("btime ", StringComparison.Ordinal)) is { } line
            ? double.Parse(line.AsSpan(6), CultureInfo.InvariantCulture)
            : 0;

    /// <summary>Null where there is no limit.</summary>
    private static double? MostFiles() =>
        File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal)) is { } line
        && double.TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3], CultureInfo.InvariantCulture, out var most)
            ? most
            : null;
}
