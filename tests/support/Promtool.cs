using System.Text;

namespace Exporter.Tests.Support;

/// <summary>Checks a page in text format 0.0.4 with promtool.</summary>
internal static class Promtool
{
    /// <summary>The output lines of <c>promtool check metrics</c>, each starting with a metric's name. Empty for a valid page.</summary>
    public static async Task<IReadOnlyList<string>> Check(string page, CancellationToken cancellationToken)
    {
        var (exitCode, output, error) = await Peer.Run("promtool", ["check", "metrics"], Encoding.UTF8.GetBytes(page), cancellationToken);
        var complaints = (Encoding.UTF8.GetString(output) + error)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return complaints.Length == 0 && exitCode != 0 ? [$"promtool ended with {exitCode}"] : complaints;
    }
}
