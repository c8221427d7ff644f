using System.Net;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Web;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The settings of the web server.</summary>
public sealed class WebOptionsTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    [Fact]
    public void The_default_listens_on_all_addresses_and_derives_a_local_external_URL()
    {
        var (options, problems) = Read();

        Assert.Empty(problems);
        Assert.Equal([new ListenAddress("", 9210)], options.Listen);
        Assert.Equal(("http://127.0.0.1:9210", true), (options.ExternalUrl.OriginalString, options.IsExternalUrlDerived));
        Assert.Equal("/metrics", options.TelemetryPath);
    }

    [Theory]
    [InlineData("0.0.0.0:9210", "0.0.0.0", "http://127.0.0.1:9210/")]
    [InlineData("[::]:9210", "::", "http://[::1]:9210/")]
    [InlineData("127.0.0.2:9210", "127.0.0.2", "http://127.0.0.2:9210/")]
    public void An_address_is_bound_as_it_is_and_its_URL_works_in_a_browser(string text, string address, string url)
    {
        var listen = ListenAddress.Parse(text)!;

        Assert.Equal((IPAddress.Parse(address), new Uri(url)), (listen.Resolve(), listen.Derive("http")));
    }

    [Theory]
    [InlineData("--web.listen-address", "::1:80", "is an IPv6 address without brackets; write [::1]:9210")]
    [InlineData("--web.admin-address", "nine", "\"nine\" has no port; write HOST:PORT")]
    [InlineData("--web.telemetry-path", "metrics", "does not begin with a slash; write /metrics")]
    [InlineData("--web.telemetry-path", "/", "must have a name")]
    [InlineData("--web.telemetry-path", "/{x}", "must have a name")]
    [InlineData("--web.telemetry-path", "/auth/callback", "is a page of the exporter already")]
    [InlineData("--web.telemetry-path", "/api/status", "is a page of the exporter already")]
    [InlineData("--web.telemetry-path", "/api", "is a page of the exporter already")]
    [InlineData("--web.telemetry-path", "/healthz", "is a page of the exporter already")]
    [InlineData("--web.config.file", "missing.yml", "there is no file")]
    [InlineData("--external-url", "ftp://x", "is not a URL")]
    [InlineData("--web.allow-login-from", "home", "home is not a network; write it like 192.168.1.0/24")]
    [InlineData("--web.allow-login-from", "192.168.1.9", "or 192.168.1.9/32 for one address")]
    [InlineData("--web.allow-login-from", "192.168.1.9/33", "is not a network")]
    [InlineData("--web.allow-login-from", "10/8", "is not a network")]
    [InlineData("--web.allow-login-from", "::ffff:10.0.0.0/104", "is not a network")]
    [InlineData("--web.allow-login-from", "192.168.1.9/24", "is an address inside a network; write 192.168.1.0/24")]
    [InlineData("--web.allow-login-from", "fd00::1/64", "is an address inside a network; write fd00::/64")]
    public void Each_problem_names_its_flag(string flag, string value, string problem)
    {
        var (_, problems) = Read((flag, value));

        Assert.StartsWith($"{flag}: ", Assert.Single(problems), StringComparison.Ordinal);
        Assert.Contains(problem, problems[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Problems_in_the_web_configuration_file_have_their_line()
    {
        var path = directory.Write("web.yml", "basic_auth_users:\n  bob: x\nfoo: 1\n");

        var (_, problems) = Read(("--web.config.file", path));

        Assert.Equal(2, problems.Length);
        Assert.StartsWith($"{path}:2: basic_auth_users.bob", problems[0], StringComparison.Ordinal);
        Assert.StartsWith($"{path}:3: foo", problems[1], StringComparison.Ordinal);
    }

    [Fact]
    public void The_derived_external_URL_uses_HTTPS_and_the_admin_address()
    {
        using var authority = new Authority();
        authority.Write(directory);
        var path = directory.Write("web.yml", "tls_server_config: {cert_file: server.pem, key_file: server.key}\n");

        var (options, problems) = Read(("--web.config.file", path), ("--web.admin-address", "10.0.0.1:9000"));

        Assert.Empty(problems);
        Assert.Equal("https://10.0.0.1:9000", options.ExternalUrl.OriginalString);
    }

    [Fact]
    public void Both_listen_settings_together_are_a_problem()
    {
        var (_, problems) = Read(("--web.listen-address", ":80"), ("--addr", ":81"));

        Assert.Contains("keep one of the two", Assert.Single(problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("secret\n", 0)]
    [InlineData("", 1)]
    [InlineData("\n", 1)]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123456789012", 1)]
    public async Task A_password_is_hashed(string input, int exit)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();

        var terminal = new Terminal(new StringReader(input), output, error, IsInteractive: false, _ => false);
        Assert.Equal(exit, await HashPasswordCommand.RunAsync(terminal, TestContext.Current.CancellationToken));

        Assert.Equal(exit == 0, Bcrypt.IsHash(output.ToString().TrimEnd()));
        Assert.Equal(exit == 0, error.ToString().Length == 0);
    }

    public void Dispose() => directory.Dispose();

    private (WebOptions Options, string[] Problems) Read(params (string Flag, string Value)[] flags)
    {
        var values = flags.ToDictionary(f => WebOptions.Settings.Single(s => s.Flag == f.Flag), f => (IReadOnlyList<string>)[f.Value]);
        var source = new SourceSettings("x", [Settings.Path("token_file", "T.", @default: "t.json")]);
        var configuration = Configuration.Load(WebOptions.Settings, [source], values, new Dictionary<string, string>(), directory.Path);
        var options = WebOptions.Read(configuration.Program);
        return (options, [.. configuration.Problems.Select(p => p.ToString())]);
    }
}
