using System.Net;
using System.Net.Sockets;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>The process that has the port may have the same accounts, so <c>serve</c> touches nothing before it can listen.</summary>
public sealed class TakenPortTests
{
    [Theory]
    [InlineData("--addr")]
    [InlineData("--web.admin-address")]
    public async Task Without_its_port_serve_sends_nothing_and_changes_no_file(string flag)
    {
        await using var bench = await CommandBench.StartAsync();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        bench.Configure($"""
              work:
                source: ergani
                username: user
                password: password
                api_url: {bench.Sandbox.Address}

            """);
        bench.LogInCar();
        bench.Write("home.json", "damaged");
        var before = Directory.GetFileSystemEntries(bench["."]);

        string[] other = flag == "--addr" ? [] : ["--addr", "127.0.0.1:0"];
        var exit = await bench.RunAsync(["serve", flag, $"{listener.LocalEndpoint}", .. other, "--state-folder", bench["state/deep"]]);

        Assert.Equal(1, exit);
        Assert.Contains("cannot listen on ", bench.Error, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFileSystemEntries(bench["."]));
        Assert.Equal((0, 0), (bench.Sandbox.Netatmo.Token.Requests, bench.Sandbox.Bmw.Authorization.Counters.Rotations));
    }

    [Fact]
    public async Task A_name_without_an_address_is_one_line_with_the_fix()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await bench.RunAsync(["serve", "--addr", "no-such-host.invalid:9210"]));

        Assert.Contains("cannot listen on no-such-host.invalid:9210: ", bench.Error, StringComparison.Ordinal);
        Assert.Contains("; choose another address with --addr", bench.Error, StringComparison.Ordinal);
    }
}
