using System.Buffers.Text;
using System.Globalization;
using System.IO.Enumeration;
using Microsoft.Win32.SafeHandles;
using Prometheus;

namespace Exporter.Web;

/// <summary>
/// The standard <c>process_*</c> series, from the kernel's files about this process (prometheus-net's own have other names and values).
/// Counting open files is expensive, so the values are read at most ten times a second.
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
    private readonly Counter cpu;
    private readonly Gauge resident;
    private readonly Gauge size;
    private readonly Gauge open;
    private readonly TimeProvider time;
    private readonly Lock looking = new();
    private long looked;
    private int openFiles;

    /// <param name="registry">The values are set whenever it is collected.</param>
    public ProcessMetrics(CollectorRegistry registry, TimeProvider time)
    {
        this.time = time;
        Read();
        var metrics = Prometheus.Metrics.WithCustomRegistry(registry);
        cpu = metrics.CreateCounter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
        resident = metrics.CreateGauge("process_resident_memory_bytes", "Resident memory size in bytes.");
        size = metrics.CreateGauge("process_virtual_memory_bytes", "Virtual memory size in bytes.");
        open = metrics.CreateGauge("process_open_fds", "Number of open file descriptors.");
        metrics.CreateGauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.").Set(BootTime() + fields[StartTime] / TicksPerSecond);
        if (MostFiles() is { } most)
        {
            metrics.CreateGauge("process_max_fds", "Maximum number of open file descriptors.").Set(most);
        }
        registry.AddBeforeCollectCallback(Refresh);
    }

    public void Dispose() => stat.Dispose();

    private void Refresh()
    {
        lock (looking)
        {
            if (time.GetElapsedTime(looked) >= Look)
            {
                Read();
            }
            cpu.IncTo((fields[UserTime] + fields[SystemTime]) / TicksPerSecond);
            resident.Set(fields[ResidentPages] * (double)Environment.SystemPageSize);
            size.Set(fields[VirtualSize]);
            open.Set(openFiles);
        }
    }

    private void Read()
    {
        looked = time.GetTimestamp();
        openFiles = new FileSystemEnumerable<bool>("/proc/self/fd", (ref entry) => true).Count();
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
