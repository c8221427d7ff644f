using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Examples;

/// <summary>No process of the same user can read the program's secrets from its diagnostics port, and no crash writes them to a file.</summary>
public sealed class DeploymentTests
{
    [Theory]
    [InlineData("examples/systemd/oauth-exporter.service", "Environment=DOTNET_EnableDiagnostics=0", "LimitCORE=0", "LimitNOFILE=65536")]
    [InlineData("examples/systemd/oauth-exporter-keep.service", "Environment=DOTNET_EnableDiagnostics=0", "LimitCORE=0", "LimitNOFILE=65536")]
    [InlineData("Dockerfile", "ENV DOTNET_EnableDiagnostics=0")]
    public void Diagnostics_and_core_dumps_are_off(string file, params string[] lines) =>
        Assert.Subset(File.ReadLines(Path.Combine(Golden.Root, "..", file)).ToHashSet(), lines.ToHashSet());
}
