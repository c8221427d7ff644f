using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>The sizes of measurements, from the environment, and the rows of their tables.</summary>
internal static class Figures
{
    public static int Number(string variable, int otherwise = 0) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), out var number) ? number : otherwise;

    public static void Report(this ITestOutputHelper output, string what, double value) =>
        output.WriteLine(FormattableString.Invariant($"| {what} | {value:#,0.##} |"));
}
