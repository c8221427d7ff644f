using System.Net;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Program;

/// <summary>The real program on a machine with configuration of other ASP.NET Core programs, which it must ignore.</summary>
[Trait("Suite", "slow")]
public sealed class OwnConfigurationTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_listens_only_on_the_address_of_its_own_flag()
    {
        var (port, others) = (FreePort.Take(), new[] { FreePort.Take(), FreePort.Take(), FreePort.Take() });
        var settings = $$"""
            {
              "Kestrel": {"Endpoints": {"Http": {"Url": "http://127.0.0.1:{{others[0]}}"} } },
              "urls": "http://127.0.0.1:{{others[0]}}"
            }
            """;
        var program = CopyWith("appsettings.json", settings);
        var working = Directory.CreateDirectory(directory["working"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(working, "appsettings.json"), settings, Cancellation);
        await File.WriteAllTextAsync(Path.Combine(working, "appsettings.Development.json"), settings, Cancellation);

        string[] arguments = ["-i", "x", "-s", "y", "--token-file", directory["token.json"], "--addr", $"127.0.0.1:{port}"];
        await using var exporter = Peer.Start(program, arguments, new Dictionary<string, string>
        {
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{others[1]}",
            ["ASPNETCORE_HTTP_PORTS"] = "8080",
            ["DOTNET_URLS"] = $"http://127.0.0.1:{others[2]}",
            ["DOTNET_HTTP_PORTS"] = "8080",
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["Kestrel__Endpoints__Http__Url"] = $"http://127.0.0.1:{others[2]}",
            ["HOME"] = Directory.CreateDirectory(directory["home"]).FullName,
        }, working);
        var line = await exporter.Says("listening on ", Cancellation);
        using var http = new HttpClient();

        Assert.EndsWith($"listening on http://127.0.0.1:{port}\"", line, StringComparison.Ordinal);
        Assert.Equal([port], Listening(exporter.ProcessId));
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri($"http://127.0.0.1:{port}/auth/settoken"), Cancellation)).StatusCode);
        Assert.DoesNotContain("level=warning msg=\"Overriding", exporter.Output, StringComparison.Ordinal);
        // The data protection keys are in memory.
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory["home"]));
    }

    public void Dispose() => directory.Dispose();

    /// <summary>A copy of the program in its own directory, with another file.</summary>
    private string CopyWith(string name, string content)
    {
        var copy = Directory.CreateDirectory(directory["program"]).FullName;
        var original = Path.GetDirectoryName(RunningExporter.Binary)!;
        string[] program =
            [.. Directory.GetFiles(original, "*.dll"), .. Directory.GetFiles(original, "oauth-exporter.*.json"), RunningExporter.Binary];
        foreach (var file in program)
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }
        File.WriteAllText(Path.Combine(copy, name), content);
        return Path.Combine(copy, Path.GetFileName(RunningExporter.Binary));
    }

    /// <summary>The TCP ports on which the process listens, from proc(5).</summary>
    private static int[] Listening(int process)
    {
        const string IsListening = "0A";
        var sockets = Directory.EnumerateFiles($"/proc/{process}/fd").Select(fd => new FileInfo(fd).LinkTarget ?? "")
            .Where(target => target.StartsWith("socket:[", StringComparison.Ordinal)).Select(target => target[8..^1]).ToHashSet();
        return [.. new[] { "tcp", "tcp6" }.SelectMany(table => File.ReadAllLines($"/proc/{process}/net/{table}").Skip(1))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields[3] == IsListening && sockets.Contains(fields[9]))
            .Select(fields => Convert.ToInt32(fields[1].Split(':')[1], 16))];
    }
}
