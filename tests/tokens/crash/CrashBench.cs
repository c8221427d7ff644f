using System.Diagnostics;
using System.Text.Json;
using Exporter.Sandbox;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>The result of a killed renewal, as the next start shows it.</summary>
internal enum Aftermath
{
    /// <summary>The next start renewed once more.</summary>
    Renewed,

    /// <summary>The provider rotated the token, and the program did not read the response. No program can restore it.</summary>
    LostOnTheWay,

    /// <summary>The program read the response, and it was not in a file yet.</summary>
    LostInMemory,

    /// <summary>The temporary file contained the complete response, and the next start finished the save.</summary>
    Recovered,
}

/// <summary>
/// A sandbox with single-use refresh tokens, a token file, and the real program to kill. Uses the real clock, because the program has no clock
/// that a test can move.
/// </summary>
internal sealed class CrashBench : IAsyncDisposable
{
    private const string Kill = "signal=KILL";

    private readonly TemporaryDirectory directory = new();
    private readonly SandboxServer sandbox;
    private volatile TaskCompletionSource rotated = new();
    private string before = "";

    private CrashBench(SandboxServer sandbox) => this.sandbox = sandbox;

    public string TokenFile => directory["token.json"];

    public string DirectoryPath => directory.Path;

    public AuthorizationCounters Counters => sandbox.Netatmo.Authorization.Counters;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>One renewal: the shortest run of the program.</summary>
    private string[] Refresh =>
    [
        "refresh", "--yes", "--api-url", sandbox.Address.OriginalString, "-i", sandbox.Netatmo.ClientId, "-s", sandbox.Netatmo.ClientSecret,
        "--token-file", TokenFile,
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

    /// <summary>Runs the program without a kill.</summary>
    public async Task<(int ExitCode, string Output, string Error)> RunAsync()
    {
        var (exitCode, output, error) = await Peer.Run(RunningExporter.Binary, Refresh, default, Cancellation);
        return (exitCode, System.Text.Encoding.UTF8.GetString(output), error);
    }

    public Peer Start() => Peer.Start(RunningExporter.Binary, Refresh);

    /// <summary>Starts the program and returns when the provider has its request. The provider responds after <see cref="Release"/>.</summary>
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

    /// <summary>Lets the provider respond; the task completes after the rotation.</summary>
    public Task Release()
    {
        rotated = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        sandbox.Netatmo.Token.Clear();
        return rotated.Task.WaitAsync(Cancellation);
    }

    /// <summary>Sends SIGKILL without starting a program. Returns 137, or the exit code of a program that had exited before.</summary>
    public static async Task<int> KillAsync(Peer program)
    {
        try
        {
            using var process = Process.GetProcessById(program.ProcessId);
            process.Kill();
        }
        catch (ArgumentException)
        {
            // It had exited.
        }
        return await program.Ends(Cancellation);
    }

    /// <summary>Whether the program runs or is stopped.</summary>
    public static bool IsAlive(Peer program)
    {
        try
        {
            // proc(5): the number, the name in parentheses, the state.
            return File.ReadAllText($"/proc/{program.ProcessId}/stat").Split(") ")[^1][0] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>
    /// Kills the program now. Returns whether it had read the response of the provider: stops it first, and inspects the receive queue in the
    /// kernel.
    /// </summary>
    public async Task<(int ExitCode, bool HadRead)> StrikeAsync(Peer program)
    {
        await program.Signal("STOP", Cancellation);
        // The provider still runs, and sends its response now.
        await Wait(TimeSpan.FromMilliseconds(20));
        var hadRead = !HasUnread();
        return (await KillAsync(program), hadRead);
    }

    /// <summary>Starts the program with strace, which injects a fault into such calls. Returns the exit code.</summary>
    /// <param name="path">The file of the call; null for any file.</param>
    public async Task<int> RunTracedAsync(string calls, string? path, string fault = Kill)
    {
        await using var strace = Peer.Start("strace", [.. Injecting(calls, path, fault), RunningExporter.Binary, .. Refresh]);
        var exitCode = await strace.Ends(Cancellation);
        SkipUnlessTraced(strace.Output);
        return exitCode;
    }

    /// <summary>Attaches strace to a program that waits for a response. Its next such calls have a fault.</summary>
    public async Task<int> TraceAsync(Peer held, string calls, string? path, string fault = Kill)
    {
        await using var strace = Peer.Start("strace", [.. Injecting(calls, path, fault), "-p", $"{held.ProcessId}"]);
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

    /// <summary>Starts the program again after a kill. If the login is lost, starts it once more with a new one.</summary>
    /// <param name="hadRead">Whether the killed program had read the response of the provider, if there was one.</param>
    public async Task<Aftermath> RestartAsync(bool hadRead = false)
    {
        // The request of the killed program is served first.
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
        // Only the rotated token is lost: the file is complete and unchanged, and the program reports the interrupted renewal.
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

    /// <summary>Whether a connection to the sandbox has bytes that its client has not read.</summary>
    private bool HasUnread() => Connections().Any(fields => IsSandbox(fields[2]) && !fields[4].EndsWith(":00000000", StringComparison.Ordinal));

    /// <summary>Whether the sandbox has a connection, even one without its client.</summary>
    private bool IsConnected()
    {
        const string TimeWait = "06", Listen = "0A";
        return Connections().Any(fields => IsSandbox(fields[1]) && fields[3] is not (TimeWait or Listen));
    }

    private bool IsSandbox(string address) => address.EndsWith($":{sandbox.Address.Port:X4}", StringComparison.Ordinal);

    /// <summary>proc(5): the number, the local and the remote address, the state, the two queues.</summary>
    private static IEnumerable<string[]> Connections() =>
        new[] { "/proc/net/tcp", "/proc/net/tcp6" }.SelectMany(File.ReadLines).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static string[] Injecting(string calls, string? path, string fault) =>
        ["-f", "-e", $"trace={calls}", "-e", $"inject={calls}:{fault}", .. path is null ? Array.Empty<string>() : ["-P", path]];

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

    /// <summary>Starts the next attempt with this content and without leftover files.</summary>
    private void Settle()
    {
        before = File.ReadAllText(TokenFile);
        foreach (var leftover in TemporaryFiles())
        {
            File.Delete(leftover);
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
