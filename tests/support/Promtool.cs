using System.Text;

namespace Exporter.Tests.Support;

/// <summary>Prometheus' own classify of a page in text format 0.0.4.</summary>
internal static class Promtool
{
    /// <summary>What <c>promtool check metrics</c> has to say: a line each, the metric's name first. Nothing: the page is good.</summary>
    public static async Task<IReadOnlyList<string>> Check(string page, CancellationToken cancellationToken)
    {
        var (exitCode, output, error) = await Peer.Run("promtool", ["check", "metrics"], Encoding.UTF8.GetBytes(page), cancellationToken);
        var complaints = (Encoding.UTF8.GetString(output) + error).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return complaints.Length == 0 && exitCode != 0 ? [$"promtool ended with {exitCode}"] : complaints;
    }
}
