using Exporter.Tests.Support;
using Exporter.Tests.Web;
using Xunit;

namespace Exporter.Tests.Cmd;

public class HealthCommandTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_exporter_that_responds_is_healthy_even_if_it_requires_a_password(bool withUsers)
    {
        var users = $"basic_auth_users:\n  bob: {Exporter.Web.Bcrypt.Hash("secret")}\n";
        await using var exporter = await WebBench.StartAsync(webConfig: withUsers ? users : null);
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(0, await HealthAsync(bench, exporter.Address.Authority));

        Assert.Equal(("", ""), (bench.Output, bench.RecentError));
    }

    [Fact]
    public async Task Over_TLS_it_must_present_the_configured_certificate()
    {
        using var authority = new Authority();
        using var directory = new TemporaryDirectory();
        authority.Write(directory);
        var file = directory.Write("web.yml", $"tls_server_config: {{cert_file: {directory["server.pem"]}, key_file: {directory["server.key"]}}}\n");
        await using var exporter = await WebBench.StartAsync([("--web.config.file", file)]);
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(0, await HealthAsync(bench, exporter.Address.Authority, "--web.config.file", file));
        Assert.Equal(1, await HealthAsync(bench, exporter.Address.Authority));
    }

    [Fact]
    public async Task An_exporter_that_does_not_respond_is_unhealthy_and_the_fix_is_printed()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await HealthAsync(bench, $"127.0.0.1:{FreePort.Take()}"));

        Assert.Contains("start the exporter, or run this command with the same settings", bench.RecentError, StringComparison.Ordinal);
    }

    private static Task<int> HealthAsync(CommandBench bench, string address, params string[] more) =>
        bench.RunWithoutConfigurationAsync([], TestContext.Current.CancellationToken, ["health", "--addr", address, .. more]);
}
