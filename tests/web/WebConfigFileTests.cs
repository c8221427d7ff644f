using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>A web configuration that is no regular file is rejected at start and while the program runs, and blocks nothing.</summary>
public sealed class WebConfigFileTests : IDisposable
{
    private const string Rejected = "is a pipe or a device; name a regular file, because it is read again when it changes";

    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("pipe", Rejected)]
    [InlineData("/dev/zero", Rejected)]
    [InlineData("/tmp", "/tmp is a directory; name a file")]
    public async Task At_start_it_is_a_problem_in_one_sentence(string name, string sentence)
    {
        await MakePipe("pipe");
        var flag = new Dictionary<Setting, IReadOnlyList<string>>
        {
            [WebOptions.Settings.Single(s => s.Flag == "--web.config.file")] = [Path.Combine(directory.Path, name)],
        };
        var configuration = Configuration.Load(WebOptions.Settings, [], flag, new Dictionary<string, string>(), directory.Path);

        await InTime(() => WebOptions.Read(configuration.Program));

        Assert.Contains(configuration.Problems, problem => problem.ToString().EndsWith(sentence, StringComparison.Ordinal));
    }

    [Fact]
    public void A_link_to_a_file_is_followed()
    {
        var path = directory["linked.yml"];
        File.CreateSymbolicLink(path, directory.Write("web.yml", "rate_limit:\n"));

        Assert.NotNull(new LiveWebConfig(path, WebConfigReader.Read(path, "").Config!, new CollectedLog()).Current());
    }

    [Fact]
    public async Task While_running_every_request_is_rejected_until_it_is_a_file_again()
    {
        var (path, log) = (directory.Write("web.yml", "rate_limit:\n"), new CollectedLog());
        var live = new LiveWebConfig(path, WebConfigReader.Read(path, "").Config!, log);
        Assert.NotNull(live.Current());

        File.Delete(path);
        await MakePipe("web.yml");
        Assert.Null(await InTime(live.Current));
        Assert.Equal(1, log.Count(Rejected));

        File.Delete(path);
        directory.Write("web.yml", "rate_limit:\n");
        Assert.NotNull(live.Current());
    }

    [Theory]
    [InlineData("client_ca_file: ca.pem", "client_ca was removed")]
    [InlineData("client_allowed_sans: [owner.example]", "client_allowed_sans was removed")]
    public void A_rule_for_client_certificates_that_disappears_opens_nothing(string rule, string change)
    {
        const string Tls = "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: RequireAndVerifyClientCert\n";
        var (path, log) = (directory.Write("web.yml", $"{Tls}  {rule}\n"), new CollectedLog());
        var live = new LiveWebConfig(path, WebConfigReader.Read(path, File.ReadAllText(path)).Config!, log);
        Assert.NotNull(live.Current());

        directory.Write("web.yml", Tls);

        Assert.Null(live.Current());
        Assert.Equal(1, log.Count($"{change}, which requires a restart"));
    }

    [Fact]
    public async Task A_certificate_that_is_a_pipe_fails_the_handshake()
    {
        await MakePipe("server.pem");
        var yaml = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n";
        var (config, _) = WebConfigReader.Read(directory["web.yml"], yaml);

        Assert.EndsWith(Rejected, (await InTime(() => config!.Tls!.Certificate())).Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configuration_that_is_read_once_may_be_a_pipe()
    {
        await MakePipe("exporter.yml");
        var writing = Task.Run(() => File.WriteAllText(directory["exporter.yml"], "accounts: {}"), Cancellation);

        var (text, _) = await InTime(() => SmallFile.Read(directory["exporter.yml"], 1000));

        await writing;
        Assert.Equal("accounts: {}", text);
    }

    private static Task<T> InTime<T>(Func<T> read) => Task.Run(read, Cancellation).WaitAsync(TimeSpan.FromSeconds(20), Cancellation);

    private async Task MakePipe(string name) => Assert.Equal(0, (await Peer.Run("mkfifo", [directory[name]], default, Cancellation)).ExitCode);
}
