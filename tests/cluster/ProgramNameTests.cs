using System.Text;
using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Cluster;

/// <summary>Both programs share commands, and each one writes its own name.</summary>
public sealed partial class ProgramNameTests
{
    [Theory]
    [InlineData("help")]
    [InlineData("help", "health")]
    [InlineData("help", "help")]
    [InlineData("help", "hash-password")]
    [InlineData("help", "completion")]
    [InlineData("completion", "bash")]
    [InlineData("completion", "zsh")]
    [InlineData("completion", "fish")]
    public async Task The_program_for_several_machines_writes_its_own_name(params string[] arguments)
    {
        var (code, output, error) = await Peer.Run(Replica.Binary, arguments, default, TestContext.Current.CancellationToken);

        var text = Encoding.UTF8.GetString(output);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("oauth-exporter-cluster", text, StringComparison.Ordinal);
        Assert.DoesNotMatch(OtherName(), text);
    }

    [GeneratedRegex("oauth[-_]exporter(?![-_]cluster)")]
    private static partial Regex OtherName();
}
