using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Library;

/// <summary>Packs the packages, and restores, builds and runs a separate program that uses them.</summary>
[Trait("Suite", "slow")]
public sealed class PackageTests
{
    private static readonly string Sources = Path.GetDirectoryName(Golden.Root)!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_separate_program_gets_a_token_with_only_the_packages()
    {
        using var directory = new TemporaryDirectory();

        var output = await RunAsync(
            directory, ["metrics", "accounts", "sources/ergani/tokens", "sources/ergani"], ["OAuthExporter.Ergani"],
            "typeof(Exporter.Ergani.IErganiApi).Name");

        Assert.EndsWith("access-1 IErganiApi\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_with_only_the_grants_gets_neither_a_metrics_library_nor_an_API_client()
    {
        using var directory = new TemporaryDirectory();

        var output = await RunAsync(
            directory, ["sources/ergani/tokens", "sources/webex/tokens"], ["OAuthExporter.Ergani.Tokens", "OAuthExporter.Webex.Tokens"],
            "(typeof(Exporter.Ergani.ErganiGrant).Name + typeof(Exporter.Webex.ServiceAppGrant).Name)");

        Assert.EndsWith("access-1 ErganiGrantServiceAppGrant\n", output, StringComparison.Ordinal);
        string[] expected = ["oauthexporter.ergani.tokens", "oauthexporter.tokens", "oauthexporter.tokens.testing", "oauthexporter.webex.tokens"];
        Assert.Equal(expected, Restored(directory).Where(package => !package.StartsWith("microsoft.", StringComparison.Ordinal)).Order());
        Assert.DoesNotContain(Restored(directory), package => package.Contains("resilience", StringComparison.Ordinal));
    }

    /// <summary>The output of a program that uses these packages and prints a token and the expression.</summary>
    private static async Task<string> RunAsync(
        TemporaryDirectory directory, IEnumerable<string> projects, IEnumerable<string> packages, string expression)
    {
        foreach (var project in projects.Concat(["tokens", "tokens-testing"]))
        {
            await DotnetAsync(
                "pack", Path.Combine(Sources, "internal", project), "-c", Configuration, "--no-build", "-v", "q",
                "-p:Version=9.9.9", "-o", directory["feed"]);
        }
        var references = packages.Append("OAuthExporter.Tokens.Testing").Select(p => $"<PackageReference Include=\"{p}\" Version=\"9.9.9\" />");
        Directory.CreateDirectory(directory["program"]);
        directory.Write("program/program.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <RestoreAdditionalProjectSources>{directory["feed"]}</RestoreAdditionalProjectSources>
                <RestorePackagesPath>{directory["packages"]}</RestorePackagesPath>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup>
                {string.Concat(references)}
              </ItemGroup>
            </Project>
            """);
        directory.Write("program/Program.cs", $$"""
            using System;
            using System.Runtime.Versioning;
            using System.Threading;
            using Exporter.Tokens;
            using Exporter.Tokens.Testing;
            using Microsoft.Extensions.Logging.Abstractions;

            [assembly: SupportedOSPlatform("linux")]

            var time = new ManualTime();
            var grant = new FakeGrant(time) { NeedsNoToken = true };
            await using var manager = new TokenManager(
                "mine", grant, new MemoryStore(), new TokenManagerOptions(), time, NullLogger<TokenManager>.Instance);
            Console.WriteLine($"{(await manager.GetTokenAsync(CancellationToken.None))!.AccessToken!.Reveal()} {{{expression}}}");
            """);
        return await DotnetAsync("run", "--project", directory["program"]);
    }

    private static IEnumerable<string> Restored(TemporaryDirectory directory) =>
        Directory.GetDirectories(directory["packages"]).Select(package => Path.GetFileName(package)!);

    /// <summary>The configuration of the build of these tests.</summary>
    private static string Configuration => new DirectoryInfo(AppContext.BaseDirectory).Name;

    private static async Task<string> DotnetAsync(params string[] arguments)
    {
        var (code, output, error) = await Peer.Run("dotnet", arguments, default, Cancellation);
        var text = System.Text.Encoding.UTF8.GetString(output);
        Assert.True(code == 0, $"dotnet {string.Join(' ', arguments)}\n{text}{error}");
        return text;
    }
}
