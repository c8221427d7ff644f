using Exporter.Sandbox;
using Exporter.Accounts;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Exporter.Tests.Tokens;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>A shutdown signal in the middle of a command.</summary>
[Trait("Suite", "slow")]
public sealed class ShutdownSignalsTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("TERM", 0, "serve", "-a", "127.0.0.1:0")]
    [InlineData("QUIT", 0, "serve", "-a", "127.0.0.1:0")]
    [InlineData("TERM", 0, "keep")]
    [InlineData("HUP", 0, "keep")]
    [InlineData("INT", 2, "refresh")]
    [InlineData("TERM", 2, "token")]
    [InlineData("TERM", 2, "login")]
    public async Task Shutdown_waits_for_a_renewal_in_flight_and_saves_its_token(string signal, int exit, params string[] command)
    {
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), Cancellation);
        var (provider, account) = command is ["login"] ? (sandbox.Ergani.LogIn, Ergani(sandbox)) : (sandbox.Bmw.Token, Car(sandbox));
        provider.Fail(new Fault.Hang());
        await using var program = Peer.Start(RunningExporter.Binary, [.. command, "--config", directory.Write("exporter.yml", account)]);

        await provider.Reached(1, Cancellation);
        await program.Signal(signal, Cancellation);
        await program.Signal(signal, Cancellation);
        await program.Says(exit == ExitCode.Done ? "shutting down" : "interrupted before it finished", Cancellation);
        provider.Clear();

        Assert.Equal(exit, await program.Ends(Cancellation));
        Assert.Equal(1, provider.Requests);
        Assert.True(await HasAccessTokenAsync(), program.Output);
    }

    [Fact]
    public async Task A_login_that_waits_for_a_browser_can_be_interrupted()
    {
        await using var login = Peer.Start(RunningExporter.Binary, ["login", "--no-browser", "--config", directory.Write("exporter.yml", """
            accounts:
              home: {source: oauth2, client_id: me, token_file: token.json, redirect_uri: "http://127.0.0.1:0/",
                authorization_endpoint: "http://127.0.0.1:9/", token_endpoint: "http://127.0.0.1:9/"}

            """)]);

        await login.Says("Waiting for the browser", Cancellation);
        await login.Signal("INT", Cancellation);

        Assert.Equal(2, await login.Ends(Cancellation));
        Assert.Contains("home: interrupted before it finished.", login.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hash-password")]
    [InlineData("login", "--token", "--token-file", "token.json", "-i", "id", "-s", "secret")]
    public async Task A_prompt_can_be_interrupted(params string[] command)
    {
        await using var prompt = Peer.Start(RunningExporter.Binary, command, new Dictionary<string, string>(), directory.Path);

        await HandlesSignalsAsync(prompt);
        await prompt.Signal("INT", Cancellation);

        Assert.Equal(2, await prompt.Ends(Cancellation));
    }

    [Fact]
    public async Task A_signal_during_the_start_shuts_down_with_0()
    {
        var terminal = new Terminal(TextReader.Null, TextWriter.Null, TextWriter.Null, IsInteractive: false, _ => false);
        var program = new CommandLine(Composition.Sources, new Dictionary<string, string>(), terminal, TimeProvider.System);
        program.AddCommands();
        string[] arguments = ["--state-folder", directory.Path, "-a", "127.0.0.1:0", "-i", "id", "-s", "secret"];

        Assert.Equal(ExitCode.Done, await program.RunAsync(arguments, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task An_account_whose_file_system_hangs_does_not_delay_the_shutdown()
    {
        var time = new ManualTime();
        var store = new WatchedStore(new MemoryStore(TokenManagerBench.Some(time)));
        using var kept = await new TokenManagerBench(store, time).Loaded();
        using var timeout = new CancellationTokenSource(HostedAccounts.LongestStop, time);
        var response = new TaskCompletionSource();
        // The read blocks its thread, like one on a network file system.
        store.BeforeRead = response.Task.Wait;

        var stopping = new Account("home", "oauth2", hasAccountLabel: true, kept.TokenManager, readingSource: null).ShutDownAsync(kept.Logs, timeout.Token);
        time.Advance(HostedAccounts.LongestStop);

        Assert.False(await stopping);
        response.SetResult();
        Assert.Contains("did not finish in time", kept.Logs.At(LogLevel.Error).Single(), StringComparison.Ordinal);
    }

    /// <summary>Waits for the handler of SIGHUP, because the .NET runtime handles all other signals from the start.</summary>
    private static async Task HandlesSignalsAsync(Peer program)
    {
        const int Hangup = 1;
        while (true)
        {
            var status = await File.ReadAllLinesAsync($"/proc/{program.ProcessId}/status", Cancellation);
            var caught = status.Single(line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
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
              car:
                source: bmw-cardata
                client_id: {sandbox.Bmw.ClientId}
                auth_url: {sandbox.Address}
                token_file: token.json
                mqtt_host: 127.0.0.1
                mqtt_port: 1

            """;
    }

    private static string Ergani(SandboxServer sandbox) => $"""
        accounts:
          work:
            source: ergani
            username: {sandbox.Ergani.Username}
            password: {sandbox.Ergani.Password}
            token_folder: ergani
            api_url: {ErganiProvider.AddressAt(sandbox.Address)}

        """;

    private async Task<bool> HasAccessTokenAsync()
    {
        var ergani = Path.Combine(directory.Path, "ergani");
        return Directory.Exists(ergani)
            ? Directory.EnumerateFiles(ergani).Any()
            : JsonMembers.Parse(await File.ReadAllBytesAsync(directory["token.json"], Cancellation)).Text("access_token") is not null;
    }
}
