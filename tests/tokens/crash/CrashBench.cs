using System.Diagnostics;
using System.Text.Json;
using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>What a killed renewal left behind, as the next start shows.</summary>
internal enum Aftermath
{
    /// <summary>The next start renewed once more.</summary>
    Renewed,

    /// <summary>The provider had rotated, and the program had not read its answer: nothing a program does can bring it back.</summary>
    LostOnTheWay,

    /// <summary>The program had read the answer, and it was in no file yet.</summary>
    LostInMemory,

    /// <summary>The provider had rotated, and its answer stood whole in the temporary file: the next start finished the save.</summary>
    Recovered,
}

/// <summary>
/// A sandbox whose refresh tokens are good for one use each, a token file, and the real program to be killed over it. All
/// times here are real ones, because the program is: it has no clock that a test could turn.
/// </summary>
internal sealed class CrashBench : IAsyncDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly SandboxServer sandbox;
    private volatile TaskCompletionSource rotated = new();
    private string before = "";

    private CrashBench(SandboxServer sandbox) => this.sandbox = sandbox;

    public string TokenFile => directory["token.json"];

    public string DirectoryPath => directory.Path;

    public AuthorizationCounters Counters => sandbox.Netatmo.Authorization.Counters;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>One renewal, and the end: the shortest life the program has.</summary>
    private string[] Refresh =>
    [
        "refresh", "--yes", "--api-url", sandbox.Address.OriginalString, "-i", sandbox.Netatmo.ClientId, "-s", sandbox.Netatmo.ClientSecret, "--token-file", TokenFile,
    ];

    public static async Task<CrashBench> StartAsync()
    {
        CrashBench? bench = null;
        var sandbox = await SandboxServer.StartAsync(new SandboxOptions { Log = line => bench?.Hear(line) }, Cancellation);
        bench = new CrashBench(sandbox);
        bench.LogIn();
        return bench;
    }

    public static TimeSpan Since(long started) => TimeProvider.System.GetElapsedTime(started);

    public static Task Wait(TimeSpan time) => Task.Delay(time, TimeProvider.System, Cancellation);

    /// <summary>Runs the program undisturbed.</summary>
    public async Task<(int ExitCode, string Output, string Error)> RunAsync()
    {
        var (exitCode, output, error) = await Peer.Run(RunningExporter.Binary, Refresh, default, Cancellation);
        return (exitCode, System.Text.Encoding.UTF8.GetString(output), error);
    }

    public Peer Start() => Peer.Start(RunningExporter.Binary, Refresh);

    /// <summary>Starts the program and ends when its request is at the provider, which does not answer before <see cref="Release"/>.</summary>
    public async Task<Peer> StartHeldAsync()
    {
        var endpoint = sandbox.Netatmo.Token;
        var next = endpoint.Requests + 1;
        endpoint.Fail(new Fault.Hang(), times: 1);
        var program = Start();
        try
        {
            await endpoint.Reached(next, Cancellation);
            return program;
        }
        catch
        {
            await program.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets the provider go on; the task ends when it has rotated.</summary>
    public Task Release()
    {
        rotated = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        sandbox.Netatmo.Token.Clear();
        return rotated.Task.WaitAsync(Cancellation);
    }

    /// <summary>kill -9, without the time a program of that name takes to start. The exit code: 137, or another when it had ended before.</summary>
    public static async Task<int> KillAsync(Peer program)
    {
        try
        {
            using var process = Process.GetProcessById(program.ProcessId);
            process.Kill();
        }
        catch (ArgumentException)
        {
            // It had ended.
        }
        return await program.Ends(Cancellation);
    }

    /// <summary>
    /// Kills the program at this moment, and tells whether it had read what the provider answered: it is stopped first, and what
    /// the kernel still holds for it is looked at.
    /// </summary>
    public async Task<(int ExitCode, bool HadRead)> StrikeAsync(Peer program)
    {
        await program.Signal("STOP", Cancellation);
        // The provider is not stopped: what it was about to say, it says now.
        await Wait(TimeSpan.FromMilliseconds(20));
        var hadRead = !HasUnread();
        return (await KillAsync(program), hadRead);
    }

    /// <summary>Starts the program under strace, which kills it when it is about to make the first such call; the exit code.</summary>
    /// <param name="path">The file the call must concern; null for any.</param>
    public async Task<int> RunTracedAsync(string calls, string? path)
    {
        await using var strace = Peer.Start("strace", [.. Killing(calls, path), RunningExporter.Binary, .. Refresh]);
        var exitCode = await strace.Ends(Cancellation);
        SkipUnlessTraced(strace.Output);
        return exitCode;
    }

    /// <summary>Attaches strace to a program whose request is held: its first such call from now on is the last thing it tries.</summary>
    public async Task<int> TraceAsync(Peer held, string calls, string? path)
    {
        await using var strace = Peer.Start("strace", [.. Killing(calls, path), "-p", $"{held.ProcessId}"]);
        try
        {
            await strace.Says("attached", Cancellation);
        }
        catch (InvalidOperationException)
        {
            SkipUnlessTraced(strace.Output);
            throw;
        }
        await Release();
        return await held.Ends(Cancellation);
    }

    /// <summary>Starts the program again after a kill, twice where the login is gone: then with a new one.</summary>
    /// <param name="hadRead">Whether the killed program had read the provider's answer, if there was one.</param>
    public async Task<Aftermath> RestartAsync(bool hadRead = false)
    {
        // What the killed program had sent is served first.
        while (IsConnected())
        {
            await Wait(TimeSpan.FromMilliseconds(10));
        }
        var cutOff = WholeTemporaryFile();
        var (renewals, reused, content) = (Counters.Rotations, Counters.ReusedRefreshTokens, File.ReadAllText(TokenFile));

        var (exitCode, _, error) = await RunAsync();

        if (exitCode == 0 && cutOff is not null)
        {
            Assert.Equal((renewals, reused, cutOff), (Counters.Rotations, Counters.ReusedRefreshTokens, File.ReadAllText(TokenFile)));
            Settle();
            Assert.Equal(Aftermath.Renewed, await RestartAsync());
            return Aftermath.Recovered;
        }
        if (exitCode == 0)
        {
            Assert.Equal((renewals + 1, reused), (Counters.Rotations, Counters.ReusedRefreshTokens));
            Assert.NotEqual(content, File.ReadAllText(TokenFile));
            Settle();
            return Aftermath.Renewed;
        }
        // The provider had rotated, and that is all that was lost: the file is as it was before, whole, and the program says what happened.
        Assert.Equal((1, renewals, reused + 1), (exitCode, Counters.Rotations, Counters.ReusedRefreshTokens));
        Assert.Equal((before, before), (content, File.ReadAllText(TokenFile)));
        Assert.Contains("was interrupted before its response was saved", error, StringComparison.Ordinal);
        Assert.Null(cutOff);
        LogIn();
        return hadRead ? Aftermath.LostInMemory : Aftermath.LostOnTheWay;
    }

    public async ValueTask DisposeAsync()
    {
        await sandbox.DisposeAsync();
        directory.Dispose();
    }

    /// <summary>Whether a connection to the sandbox holds bytes that its client has not read.</summary>
    private bool HasUnread() => Connections().Any(fields => IsSandbox(fields[2]) && !fields[4].EndsWith(":00000000", StringComparison.Ordinal));

    /// <summary>Whether the sandbox has a connection, be it that its client is gone.</summary>
    private bool IsConnected()
    {
        const string TimeWait = "06", Listen = "0A";
        return Connections().Any(fields => IsSandbox(fields[1]) && fields[3] is not (TimeWait or Listen));
    }

    private bool IsSandbox(string address) => address.EndsWith($":{sandbox.Address.Port:X4}", StringComparison.Ordinal);

    /// <summary>proc(5): the number, the local and the remote address, the state, the two queues.</summary>
    private static IEnumerable<string[]> Connections() =>
        new[] { "/proc/net/tcp", "/proc/net/tcp6" }.SelectMany(File.ReadLines).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static string[] Killing(string calls, string? path) =>
        ["-f", "-e", $"trace={calls}", "-e", $"inject={calls}:signal=KILL", .. path is null ? Array.Empty<string>() : ["-P", path]];

    private static void SkipUnlessTraced(string output) => Assert.SkipWhen(
        output.Contains("ptrace", StringComparison.OrdinalIgnoreCase) && output.Contains("not permitted", StringComparison.Ordinal),
        $"Tracing is not permitted here: {output}");

    private void Hear(string line)
    {
        if (line.StartsWith("POST /oauth2/token 200", StringComparison.Ordinal))
        {
            rotated.TrySetResult();
        }
    }

    private void LogIn()
    {
        directory.Write("token.json", $$"""{"refresh_token":"{{sandbox.Netatmo.Login().RefreshToken}}"}""");
        Settle();
    }

    /// <summary>The next round begins: with this content, and without the last one's litter.</summary>
    private void Settle()
    {
        before = File.ReadAllText(TokenFile);
        foreach (var litter in TemporaryFiles())
        {
            File.Delete(litter);
        }
    }

    public string[] TemporaryFiles() => Directory.GetFiles(directory.Path, ".token.json.*.tmp");

    private string? WholeTemporaryFile() => TemporaryFiles().Select(File.ReadAllText).FirstOrDefault(content =>
    {
        try
        {
            using var token = JsonDocument.Parse(content);
            return token.RootElement.TryGetProperty("refresh_token", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    });
}
