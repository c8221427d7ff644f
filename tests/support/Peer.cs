using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Threading.Channels;
using Xunit;

namespace Exporter.Tests.Support;

/// <summary>
/// A real program that the exporter is tested with. It runs until it is disposed of. If the program is not installed, the test skips and
/// reports the package to install; in CI, the test fails.
/// </summary>
internal sealed class Peer : IAsyncDisposable
{
    private static readonly Dictionary<string, string> Packages = new()
    {
        ["promtool"] = "prometheus",
        ["mosquitto_pub"] = "mosquitto-clients",
        ["mosquitto_sub"] = "mosquitto-clients",
        ["node"] = "nodejs",
        ["kubectl"] = "kubernetes-client",
        ["nginx"] = "nginx-light",
        ["zcat"] = "gzip",
        ["kill"] = "procps",
        ["env"] = "coreutils",
        ["setsid"] = "util-linux",
        ["flock"] = "util-linux",
        ["mount"] = "mount",
        ["/usr/lib/postgresql/15/bin/initdb"] = "postgresql-15",
        ["setpriv"] = "util-linux",
        ["/usr/lib/python3/dist-packages/prometheus_client/parser.py"] = "python3-prometheus-client",
    };

    private readonly string name;
    private readonly Process process;
    private readonly ConcurrentQueue<string> lines = new();
    private readonly Channel<string> unread = Channel.CreateUnbounded<string>();
    private readonly Task reading;

    private Peer(string name, Process process)
    {
        this.name = name;
        this.process = process;
        reading = Task.WhenAll(Read(process.StandardOutput), Read(process.StandardError))
            .ContinueWith(_ => unread.Writer.Complete(), TaskScheduler.Default);
    }

    /// <summary>The lines of standard output and error so far.</summary>
    public string Output => string.Join('\n', lines);

    public int ProcessId => process.Id;

    /// <summary>The path of the program. Debian installs daemons outside a user's PATH.</summary>
    public static string Find(string program)
    {
        var directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/local/sbin", "/usr/sbin", "/sbin"]);
        if (directories.Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists) is { } found)
        {
            return found;
        }
        var missing = $"{program} is not installed: apt-get install {Packages.GetValueOrDefault(program, program)}";
        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.Fail(missing);
        }
        Assert.Skip(missing);
        return "";
    }

    public static Peer Start(string program, params IEnumerable<string> arguments) => Start(program, arguments, new Dictionary<string, string>());

    public static Peer Start(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, string? directory = null) =>
        new(program, Launch(program, arguments, environment, directory));

    /// <summary>Runs a program until it exits.</summary>
    public static async Task<(int ExitCode, byte[] Output, string Error)> Run(
        string program, IEnumerable<string> arguments, ReadOnlyMemory<byte> input, CancellationToken cancellationToken)
    {
        using var process = Launch(program, arguments, new Dictionary<string, string>(), directory: null);
        try
        {
            using var output = new MemoryStream();
            var copying = process.StandardOutput.BaseStream.CopyToAsync(output, cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            try
            {
                await process.StandardInput.BaseStream.WriteAsync(input, cancellationToken);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It did not read all input; its output contains the reason.
            }
            await Task.WhenAll(copying, error, process.WaitForExitAsync(cancellationToken));
            return (process.ExitCode, output.ToArray(), await error);
        }
        finally
        {
            Kill(process);
        }
    }

    /// <summary>Returns the first unread line that contains the text.</summary>
    /// <exception cref="InvalidOperationException">The program exited without such a line.</exception>
    public async Task<string> Says(string text, CancellationToken cancellationToken)
    {
        await foreach (var line in unread.Reader.ReadAllAsync(cancellationToken))
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return line;
            }
        }
        throw new InvalidOperationException($"{name} ended without saying \"{text}\":\n{Output}");
    }

    /// <summary>The exit code, after the program has exited and <see cref="Output"/> is complete.</summary>
    public async Task<int> Ends(CancellationToken cancellationToken)
    {
        await process.WaitForExitAsync(cancellationToken);
        await reading.WaitAsync(cancellationToken);
        return process.ExitCode;
    }

    /// <summary>Sends a signal. The name has no SIG: TERM, KILL, HUP.</summary>
    public async Task Signal(string signal, CancellationToken cancellationToken) =>
        await Run("kill", ["-s", signal, $"{process.Id}"], default, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        Kill(process);
        await reading;
        process.Dispose();
    }

    private static Process Launch(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, string? directory)
    {
        // In its own session the peer leads a process group, so that its orphaned children can be killed too.
        // A background job of a shell ignores SIGINT and SIGQUIT, and a child would inherit that.
        string[] own = [Find("env"), "--default-signal=INT,QUIT,HUP,TERM", Path.IsPathRooted(program) ? program : Find(program)];
        var start = new ProcessStartInfo(Find("setsid"), [.. own, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = directory ?? "",
        };
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }
        return Process.Start(start)!;
    }

    private static void Kill(Process process)
    {
        process.Kill(entireProcessTree: true);
        using (var kill = Process.Start(new ProcessStartInfo(Find("kill"), ["-s", "KILL", "--", $"-{process.Id}"]) { RedirectStandardError = true })!)
        {
            kill.WaitForExit();
        }
        process.WaitForExit();
    }

    private async Task Read(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lines.Enqueue(line);
            unread.Writer.TryWrite(line);
        }
    }
}
