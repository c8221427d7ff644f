using System.Reflection;
using Prometheus;

namespace Exporter.Web;

/// <summary>Which build this is: version and commit, as the compiler wrote them into the assembly.</summary>
public sealed record BuildInfo(string Version, string Commit)
{
    public static BuildInfo Current { get; } = Of(typeof(BuildInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0");

    internal void Publish(IMetricFactory metrics) => metrics
        .CreateGauge("exporter_build_info", "Which build of the exporter this is.", ["version", "revision", "dotnetversion"])
        .WithLabels(Version, Commit, Environment.Version.ToString()).Set(1);

    private static BuildInfo Of(string informational) =>
        informational.Split('+', 2) is [var version, var commit] ? new(version, commit) : new(informational, "unknown");
}
