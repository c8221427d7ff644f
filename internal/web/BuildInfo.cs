using System.Reflection;
using Prometheus;

namespace Exporter.Web;

/// <summary>The version and commit of this build, from the assembly's informational version.</summary>
public sealed record BuildInfo(string Version, string Commit)
{
    public static BuildInfo Current { get; } =
        Parse(typeof(BuildInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0");

    internal void Publish(IMetricFactory metrics) => metrics
        .CreateGauge("exporter_build_info", "Version and commit of the exporter.", ["version", "revision", "dotnetversion"])
        .WithLabels(Version, Commit, Environment.Version.ToString()).Set(1);

    private static BuildInfo Parse(string informational) =>
        informational.Split('+', 2) is [var version, var commit] ? new(version, commit) : new(informational, "unknown");
}
