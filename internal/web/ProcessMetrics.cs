using System.Globalization;
using System.IO.Enumeration;
using Prometheus;

namespace Exporter.Web;

/// <summary>
/// The standard <c>process_*</c> series, from <c>/proc</c>. prometheus-net's own process metrics have other names and values.
/// Counting open files is expensive, so the values are updated at most ten times a second.
/// </summary>
internal sealed class ProcessMetrics
{
    /// <summary>The unit of times in <c>stat</c>: sysconf(_SC_CLK_TCK), which is 100 on every Linux that .NET supports.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>The index of starttime after the command's closing parenthesis in <c>stat</c>, see proc(5).</summary>
    private const int StartTime = 19;

    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(100);

    private readonly Counter cpu;
    private readonly Gauge resident;
    private readonly Gauge size;
    private readonly Gauge open;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private long lastUpdate;

    /// <param name="registry">The values are updated when this registry is collected.</param>
    public ProcessMetrics(CollectorRegistry registry, TimeProvider time)
    {
        this.time = time;
        var metrics = Prometheus.Metrics.WithCustomRegistry(registry);
        cpu = metrics.CreateCounter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
        resident = metrics.CreateGauge("process_resident_memory_bytes", "Resident memory size in bytes.");
        size = metrics.CreateGauge("process_virtual_memory_bytes", "Virtual memory size in bytes.");
        open = metrics.CreateGauge("process_open_fds", "Number of open file descriptors.");
        var stat = File.ReadAllText("/proc/self/stat");
        var startTicks = double.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[StartTime], CultureInfo.InvariantCulture);
        metrics.CreateGauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.")
            .Set((Number("/proc/stat", "btime", 1) ?? 0) + startTicks / TicksPerSecond);
        if (MaxOpenFiles is { } max)
        {
            metrics.CreateGauge("process_max_fds", "Maximum number of open file descriptors.").Set(max);
        }
        Update();
        registry.AddBeforeCollectCallback(() =>
        {
            lock (gate)
            {
                if (time.GetElapsedTime(lastUpdate) >= MinInterval)
                {
                    Update();
                }
            }
        });
    }

    /// <summary>RLIMIT_NOFILE, which the runtime has raised to its hard limit; null if it is unlimited.</summary>
    public static double? MaxOpenFiles => Number("/proc/self/limits", "Max open files", 3);

    private void Update()
    {
        lastUpdate = time.GetTimestamp();
        cpu.IncTo(Environment.CpuUsage.TotalTime.TotalSeconds);
        var pages = File.ReadAllText("/proc/self/statm").Split(' ');
        size.Set(double.Parse(pages[0], CultureInfo.InvariantCulture) * Environment.SystemPageSize);
        resident.Set(double.Parse(pages[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize);
        open.Set(new FileSystemEnumerable<bool>("/proc/self/fd", (ref entry) => true).Count());
    }

    /// <summary>A number in a file of lines; null if the line is missing or has no number there, as for an unlimited limit.</summary>
    private static double? Number(string file, string linePrefix, int column) =>
        File.ReadLines(file).FirstOrDefault(line => line.StartsWith(linePrefix, StringComparison.Ordinal)) is { } line
        && double.TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[column], CultureInfo.InvariantCulture, out var value)
            ? value
            : null;
}
