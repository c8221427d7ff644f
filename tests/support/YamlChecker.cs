using System.Text.Json;
using Xunit;

namespace Exporter.Tests.Support;

/// <summary>
/// A program in <c>tests/peers</c> that checks YAML files and can print them as a JSON list. If it is not installed, the test skips and reports
/// the command that installs it; in CI, the test fails.
/// </summary>
/// <param name="peer">The name of its directory.</param>
internal sealed class YamlChecker(string peer)
{
    /// <summary>The content is default if the exit code is not 0 or the program prints nothing.</summary>
    public async Task<(int ExitCode, JsonElement Content, string Error)> RunAsync(
        IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var directory = Path.Combine(Golden.Root, "peers", peer);
        if (!Directory.Exists(Path.Combine(directory, "node_modules")))
        {
            var missing = $"the checker of the files for {peer} is not installed: npm ci --prefix tests/peers/{peer}";
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") != "true", missing);
            Assert.Fail(missing);
        }
        var (exit, output, error) = await Peer.Run("node", [Path.Combine(directory, "check.mjs"), .. arguments], default, cancellationToken);
        return (exit, exit == 0 && output.Length > 0 ? JsonSerializer.Deserialize<JsonElement>(output) : default, error);
    }
}
