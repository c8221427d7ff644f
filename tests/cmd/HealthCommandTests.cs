using Exporter.Tests.Support;
using Exporter.Tests.Web;
using Xunit;

namespace Exporter.Tests.Cmd;

public class HealthCommandTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_exporter_that_answers_is_well_though_it_asks_for_a_password(bool withUsers)
    {
        await using var exporter = await WebBench.StartAsync(webConfig: withUsers ? $"basic_auth_users:\n  bob: {Exporter.Web.Bcrypt.Hash("secret")}\n" : null);
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(0, await bench.RunBareAsync([], Cancellation, "health", "--addr", exporter.Address.Authority));

        Assert.Equal(("", ""), (bench.Output, bench.Said));
    }

    [Fact]
    public async Task Over_TLS_it_is_known_by_the_certificate_of_the_configuration()
    {
        using var authority = new Authority();
        using var directory = new Support.TemporaryDirectory();
        authority.Write(directory);
        var file = directory.Write("web.yml", $"tls_server_config: {{cert_file: {directory["server.pem"]}, key_file: {directory["server.key"]}}}\n");
        await using var exporter = await WebBench.StartAsync([("--web.config.file", file)]);
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(0, await bench.RunBareAsync([], Cancellation, "health", "--addr", exporter.Address.Authority, "--web.config.file", file));
        Assert.Equal(1, await bench.RunBareAsync([], Cancellation, "health", "--addr", exporter.Address.Authority));
    }

    [Fact]
    public async Task One_that_does_not_answer_is_not_and_the_remedy_is_said()
    {
        await using var bench = await CommandBench.StartAsync();

        Assert.Equal(1, await bench.RunBareAsync([], Cancellation, "health", "--addr", $"127.0.0.1:{FreePort.Take()}"));

        Assert.Contains("the exporter is not running, or listens elsewhere", bench.Said, StringComparison.Ordinal);
    }
}
