using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>Each command once, with the real program, the sandbox and the system clock.</summary>
[Trait("Suite", "slow")]
public sealed class RealProgramTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Keep_exits_with_0_on_SIGTERM()
    {
        await using var sandbox = await SandboxAsync();
        var file = TokenFile(sandbox);
        var environment = new Dictionary<string, string> { ["BMW_AUTH_URL"] = sandbox.Address.OriginalString };
        await using var keep = Peer.Start(RunningExporter.Binary, ["keep", "-t", file, "-m", "60"], environment);

        await keep.Says("[info] initial refresh ok; expires_at=", Cancellation);
        await keep.Says("[info] sleeping ", Cancellation);
        await keep.Signal("TERM", Cancellation);

        Assert.Equal(0, await keep.Ends(Cancellation));
        Assert.Equal(1, sandbox.Bmw.Authorization.Counters.Rotations);
    }

    [Fact]
    public async Task Commands_share_the_token_with_a_running_keep()
    {
        await using var sandbox = await SandboxAsync();
        var yaml = Configuration(sandbox, TokenFile(sandbox));
        await using var keep = Peer.Start(RunningExporter.Binary, "keep", "--config", yaml);
        await keep.Says("[info] car: sleeping ", Cancellation);

        var refresh = await RunAsync("refresh", "--config", yaml);
        var token = await RunAsync("token", "car", "--config", yaml);
        var status = await RunAsync("status", "--config", yaml);

        Assert.Equal(0, refresh.ExitCode);
        Assert.StartsWith("car: renewed; the token is valid until ", refresh.Output, StringComparison.Ordinal);
        var file = JsonMembers.Parse(await File.ReadAllBytesAsync(directory["token.json"], Cancellation));
        Assert.Equal((0, file.Text("access_token") + "\n", ""), token);
        Assert.Equal(0, status.ExitCode);
        Assert.Contains("active", status.Output, StringComparison.Ordinal);
        Assert.Equal((2, 0), (sandbox.Bmw.Authorization.Counters.Rotations, sandbox.Bmw.Authorization.Counters.ReusedRefreshTokens));
    }

    [Fact]
    public async Task A_user_logs_in_and_out()
    {
        await using var sandbox = await SandboxAsync();
        var yaml = Configuration(sandbox, directory["token.json"]);
        await using var login = Peer.Start(RunningExporter.Binary, "login", "--no-browser", "--config", yaml);
        var code = (await login.Says("  code ", Cancellation)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1];

        using var http = new HttpClient();
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["user_code"] = code, ["decision"] = "accept" });
        using var page = await http.PostAsync(new Uri(sandbox.Address, "/oneid/link"), form, Cancellation);
        Assert.Equal(0, await login.Ends(Cancellation));
        var token = await RunAsync("token", "--config", yaml);
        var logout = await RunAsync("logout", "--config", yaml);
        var after = await RunAsync("token", "--config", yaml);

        Assert.Equal((0, 0, 1), (token.ExitCode, logout.ExitCode, after.ExitCode));
        Assert.StartsWith("car: removed locally;", logout.Output, StringComparison.Ordinal);
        Assert.Equal("car: not logged in; run: oauth-exporter login car\n", after.Error);
    }

    [Theory]
    [InlineData("keep")]
    [InlineData("login")]
    [InlineData("refresh")]
    [InlineData("token")]
    [InlineData("logout")]
    [InlineData("status")]
    public async Task The_help_of_every_command_has_examples(string command)
    {
        var (code, output, error) = await RunAsync(command, "--help");

        Assert.Equal((0, ""), (code, error));
        Assert.Contains($"oauth-exporter {command}", output.Split("Examples:")[1], StringComparison.Ordinal);
        Assert.Contains("Exit codes:", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_misspelled_flag_is_exit_code_1_with_a_suggestion()
    {
        var (code, _, error) = await RunAsync("keep", "--refresh-margni", "60");

        Assert.Equal(1, code);
        Assert.Contains("did you mean --refresh-margin?", error, StringComparison.Ordinal);
    }

    private static Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments) =>
        RunningExporter.RunAsync(arguments, Cancellation);

    private static Task<SandboxServer> SandboxAsync() =>
        SandboxServer.StartAsync(new SandboxOptions { Providers = [new BmwProviderOptions { Interval = TimeSpan.FromSeconds(1) }] }, Cancellation);

    private string TokenFile(SandboxServer sandbox) =>
        directory.Write("token.json", $$"""{"refresh_token":"{{sandbox.Bmw.Login().RefreshToken}}","client_id":"{{sandbox.Bmw.ClientId}}"}""");

    private string Configuration(SandboxServer sandbox, string tokenFile) => directory.Write("exporter.yml", $"""
        accounts:
          car:
            source: bmw-cardata
            client_id: {sandbox.Bmw.ClientId}
            auth_url: {sandbox.Address.OriginalString}
            token_file: {tokenFile}

        """);
}
