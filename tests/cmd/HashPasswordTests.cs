using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Cmd;

public class HashPasswordTests
{
    [Fact]
    public async Task A_hash_is_all_that_is_printed_and_no_configuration_is_needed()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(0, await bench.RunAsync("secret\n", interactive: false, "hash-password"));

        Assert.True(Bcrypt.IsHash(bench.Output.TrimEnd()));
        Assert.Equal("", bench.Said);
        Assert.Equal(0, await bench.RunBareAsync(new() { ["NETATMO_CLIENT_ID"] = "" }, TestContext.Current.CancellationToken, "hash-password", "--help"));
    }

    [Fact]
    public async Task Without_a_password_the_remedy_is_said()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await bench.RunAsync("hash-password"));

        Assert.Contains("write one line to the standard input", bench.Said, StringComparison.Ordinal);
    }
}
