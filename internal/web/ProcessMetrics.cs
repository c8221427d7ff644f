using System.Diagnostics;
using System.Globalization;
using System.IO.Enumeration;
using Prometheus;

namespace Exporter.Web;

/// <summary>
/// The standard <c>process_*</c> series, from <c>/proc</c>. prometheus-net's own process metrics have other names and values.
/// Counting open files is expensive, so the values are updated at most ten times a second.
/// </summary>
internal static class ProcessMetrics
{
    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>RLIMIT_NOFILE, which the runtime has raised to its hard limit. Null means no limit.</summary>
    public static double? MaxOpenFiles => double.TryParse(
        File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal))
            ?.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3],
        CultureInfo.InvariantCulture, out var max) ? max : null;

    /// <param name="registry">The values are updated when this registry is collected.</param>
    public static void Publish(CollectorRegistry registry, TimeProvider time)
    {
        var metrics = Prometheus.Metrics.WithCustomRegistry(registry);
        var cpu = metrics.CreateCounter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
        var resident = metrics.CreateGauge("process_resident_memory_bytes", "Resident memory size in bytes.");
        var size = metrics.CreateGauge("process_virtual_memory_bytes", "Virtual memory size in bytes.");
        var open = metrics.CreateGauge("process_open_fds", "Number of open file descriptors.");
        using var self = Process.GetCurrentProcess();
        metrics.CreateGauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.").SetToTimeUtc(self.StartTime);
        if (MaxOpenFiles is { } max)
        {
            metrics.CreateGauge("process_max_fds", "Maximum number of open file descriptors.").Set(max);
        }
        var gate = new Lock();
        long lastUpdate;
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

        void Update()
        {
            lastUpdate = time.GetTimestamp();
            cpu.IncTo(Environment.CpuUsage.TotalTime.TotalSeconds);
            var pages = File.ReadAllText("/proc/self/statm").Split(' ');
            size.Set(double.Parse(pages[0], CultureInfo.InvariantCulture) * Environment.SystemPageSize);
            resident.Set(double.Parse(pages[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize);
            open.Set(new FileSystemEnumerable<bool>("/proc/self/fd", (ref entry) => true).Count());
        }
    }
}
