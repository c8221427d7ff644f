using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Cmd;

public class HashPasswordCommandTests
{
    [Fact]
    public async Task It_prints_only_the_hash_and_needs_no_configuration()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(0, await bench.RunAsync("secret\n", interactive: false, "hash-password"));

        Assert.True(Bcrypt.IsHash(bench.Output.TrimEnd()));
        Assert.Equal("", bench.RecentError);
        Assert.Equal(0, await bench.RunWithoutConfigurationAsync(
            new() { ["NETATMO_CLIENT_ID"] = "" }, TestContext.Current.CancellationToken, "hash-password", "--help"));
    }

    [Fact]
    public async Task Without_a_password_it_prints_the_fix()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await bench.RunAsync("hash-password"));

        Assert.Contains("write one line to the standard input", bench.RecentError, StringComparison.Ordinal);
    }
}
