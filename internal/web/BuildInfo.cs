using System.Reflection;
using Exporter.Metrics;

namespace Exporter.Web;

/// <summary>Which build this is: version and commit, as the compiler wrote them into the assembly.</summary>
public sealed record BuildInfo(string Version, string Commit)
{
    public static BuildInfo Current { get; } = Of(typeof(BuildInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0");

    internal MetricFamily ToFamily() => MetricFamily.Info("exporter_build_info", "Which build of the exporter this is.",
        [LabelSet.Of(("version", Version), ("revision", Commit), ("dotnetversion", Environment.Version.ToString()))]);

    private static BuildInfo Of(string informational) =>
        informational.Split('+', 2) is [var version, var commit] ? new(version, commit) : new(informational, "unknown");
}
