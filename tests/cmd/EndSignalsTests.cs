using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Exporter.Tests.Tokens;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>What the program does when it is told to end, by whatever signal, in the middle of something.</summary>
[Trait("Suite", "slow")]
public sealed class EndSignalsTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("TERM", 0, "serve", "-a", "127.0.0.1:0")]
    [InlineData("HUP", 0, "serve", "-a", "127.0.0.1:0")]
    [InlineData("QUIT", 0, "serve", "-a", "127.0.0.1:0")]
    [InlineData("TERM", 0, "keep")]
    [InlineData("INT", 2, "refresh")]
    [InlineData("TERM", 2, "token")]
    [InlineData("TERM", 2, "login")]
    public async Task A_renewal_that_was_sent_comes_home_first_and_its_token_is_saved(string signal, int exit, params string[] command)
    {
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), Cancellation);
        var (provider, account) = command is ["login"] ? (sandbox.Ergani.LogIn, Ergani(sandbox)) : (sandbox.Bmw.Token, Car(sandbox));
        provider.Fail(new Fault.Hang());
        await using var program = Peer.Start(RunningExporter.Binary, [.. command, "--config", directory.Write("exporter.yml", account)]);

        await provider.Reached(1, Cancellation);
        await program.Signal(signal, Cancellation);
        await program.Signal(signal, Cancellation);
        await program.Says("told to end", Cancellation);
        provider.Clear();

        Assert.Equal(exit, await program.Ends(Cancellation));
        Assert.Equal(1, provider.Requests);
        Assert.True(await HasAccessTokenAsync(), program.Output);
    }

    [Fact]
    public async Task A_login_that_waits_for_a_browser_can_be_given_up()
    {
        await using var login = Peer.Start(RunningExporter.Binary, ["login", "--no-browser", "--config", directory.Write("exporter.yml", """
            accounts:
              home: {source: oauth2, client_id: me, authorization_endpoint: "http://127.0.0.1:9/", token_endpoint: "http://127.0.0.1:9/", redirect_uri: "http://127.0.0.1:0/", token_file: token.json}

            """)]);

        await login.Says("Waiting for the browser", Cancellation);
        await login.Signal("INT", Cancellation);

        Assert.Equal(2, await login.Ends(Cancellation));
        Assert.Contains("home: told to end before it was done.", login.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hash-password")]
    [InlineData("login", "--token", "--token-file", "token.json", "-i", "id", "-s", "secret")]
    public async Task A_question_that_nobody_answers_can_be_given_up(params string[] command)
    {
        await using var asking = Peer.Start(RunningExporter.Binary, command, new Dictionary<string, string>(), directory.Path);

        await ListensToSignalsAsync(asking);
        await asking.Signal("INT", Cancellation);

        Assert.Equal(2, await asking.Ends(Cancellation));
    }

    [Fact]
    public async Task Told_to_end_while_it_starts_it_has_nothing_to_end()
    {
        var nobody = new Dictionary<string, string>();
        var program = new CommandLine(Composition.Sources, nobody, TextWriter.Null, TextWriter.Null);
        program.Default((startup, cancellationToken) =>
            new Serve(startup, Systemd.Of(nobody, TimeProvider.System), TimeProvider.System, NullLoggerFactory.Instance).RunAsync(cancellationToken));

        Assert.Equal(ExitCode.Done, await program.RunAsync(["--state-folder", directory.Path, "-a", "127.0.0.1:0", "-i", "id", "-s", "secret"], new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task An_account_whose_file_system_hangs_does_not_hold_up_the_end()
    {
        var time = new ManualTime();
        var store = new WatchedStore(new MemoryStore(TokenManagerBench.Some(time)));
        using var kept = await new TokenManagerBench(store, time).Loaded();
        using var patience = new CancellationTokenSource(HostedAccounts.LongestStop, time);
        var answers = new TaskCompletionSource();
        // Whoever reads keeps its thread, as on a file system over a network.
        store.BeforeRead = answers.Task.Wait;

        var end = new Account("home", "oauth2", labelled: true, kept.TokenManager, feed: null).EndAsync(kept.Logs, patience.Token);
        time.Advance(HostedAccounts.LongestStop);

        Assert.False(await end);
        answers.SetResult();
        Assert.Contains("did not come back in time", kept.Logs.At(LogLevel.Error).Single(), StringComparison.Ordinal);
    }

    /// <summary>The runtime itself catches all of them but SIGHUP.</summary>
    private static async Task ListensToSignalsAsync(Peer program)
    {
        const int Hangup = 1;
        while (true)
        {
            var caught = (await File.ReadAllLinesAsync($"/proc/{program.ProcessId}/status", Cancellation)).Single(line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
            if ((Convert.ToUInt64(caught.Split('\t')[1], 16) & (1UL << (Hangup - 1))) != 0)
            {
                return;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancellation);
        }
    }

    private string Car(SandboxServer sandbox)
    {
        directory.Write("token.json", $$"""{"refresh_token":"{{sandbox.Bmw.Login().RefreshToken}}","client_id":"{{sandbox.Bmw.ClientId}}"}""");
        return $"""
            accounts:
              car: {"{"}source: bmw-cardata, client_id: {sandbox.Bmw.ClientId}, auth_url: "{sandbox.Address}", token_file: token.json, mqtt_host: 127.0.0.1, mqtt_port: 1{"}"}

            """;
    }

    private static string Ergani(SandboxServer sandbox) => $"""
        accounts:
          work: {"{"}source: ergani, username: {sandbox.Ergani.Username}, password: {sandbox.Ergani.Password}, token_folder: ergani, api_url: "{ErganiProvider.AddressAt(sandbox.Address)}"{"}"}

        """;

    private async Task<bool> HasAccessTokenAsync()
    {
        var ergani = Path.Combine(directory.Path, "ergani");
        return Directory.Exists(ergani)
            ? Directory.EnumerateFiles(ergani).Any()
            : JsonMembers.Parse(await File.ReadAllBytesAsync(directory["token.json"], Cancellation)).Text("access_token") is not null;
    }
}
