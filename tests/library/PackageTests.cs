using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Library;

/// <summary>The packages, as somebody else's program uses them: packed, restored from a folder, built, and run.</summary>
public sealed class PackageTests
{
    private static readonly string Sources = Path.GetDirectoryName(Golden.Root)!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_program_of_its_own_keeps_a_token_by_the_packages_alone()
    {
        using var folder = new TemporaryFolder();
        foreach (var project in new[] { "metrics", "tokens", "tokens-testing", "accounts", "sources/ergani" })
        {
            await DotnetAsync("pack", Path.Combine(Sources, "internal", project), "-c", Configuration, "--no-build", "-v", "q", "-p:Version=9.9.9", "-o", folder["feed"]);
        }
        Directory.CreateDirectory(folder["program"]);
        folder.Write("program/program.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <RestoreAdditionalProjectSources>{folder["feed"]}</RestoreAdditionalProjectSources>
                <RestorePackagesPath>{folder["packages"]}</RestorePackagesPath>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Exporter.Ergani" Version="9.9.9" />
                <PackageReference Include="Exporter.Tokens.Testing" Version="9.9.9" />
              </ItemGroup>
            </Project>
            """);
        folder.Write("program/Program.cs", """
            using System;
            using System.Runtime.Versioning;
            using System.Threading;
            using Exporter.Tokens;
            using Exporter.Tokens.Testing;
            using Microsoft.Extensions.Logging.Abstractions;

            [assembly: SupportedOSPlatform("linux")]

            var time = new ManualTime();
            var grant = new FakeGrant(time) { NeedsNoToken = true };
            await using var keeper = new Keeper("mine", grant, new MemoryStore(), new KeeperOptions(), time, NullLogger.Instance);
            Console.WriteLine($"{(await keeper.GetTokenAsync(CancellationToken.None))!.AccessToken!.Reveal()} {typeof(Exporter.Ergani.ErganiApi).Name}");
            """);

        Assert.EndsWith("access-1 ErganiApi\n", await DotnetAsync("run", "--project", folder["program"]), StringComparison.Ordinal);
    }

    /// <summary>The one that these tests were built in.</summary>
    private static string Configuration => new DirectoryInfo(AppContext.BaseDirectory).Name;

    private static async Task<string> DotnetAsync(params string[] arguments)
    {
        var (code, output, error) = await Peer.Run("dotnet", arguments, default, Cancellation);
        var said = System.Text.Encoding.UTF8.GetString(output);
        Assert.True(code == 0, $"dotnet {string.Join(' ', arguments)}\n{said}{error}");
        return said;
    }
}
