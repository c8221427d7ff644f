using System.Net;
using Exporter.Sandbox;
using Exporter.Tests.Support;

namespace Exporter.Tests.Program;

/// <summary>The real program as a process, until it is disposed of.</summary>
internal sealed class RunningExporter : IAsyncDisposable
{
    /// <summary>The built program, or the published program that the variable EXPORTER names.</summary>
    public static readonly string Binary = Environment.GetEnvironmentVariable("EXPORTER") ?? Path.Combine(AppContext.BaseDirectory, "oauth-exporter");

    private readonly Peer process;

    private RunningExporter(Peer process, Uri address) => (this.process, Http) = (process, new HttpClient { BaseAddress = address });

    public HttpClient Http { get; }

    public string Log => process.Output;

    public int ProcessId => process.ProcessId;

    /// <summary>Starts one account of the sandbox with netatmo-exporter's flags on a free port.</summary>
    public static Task<RunningExporter> StartAsync(
        SandboxServer sandbox, string tokenFile, CancellationToken cancellationToken, params IEnumerable<string> more) => StartAsync(
        [
            "--api-url", sandbox.Address.OriginalString, "-i", sandbox.Netatmo.ClientId, "-s", sandbox.Netatmo.ClientSecret,
            "--token-file", tokenFile, "-a", "127.0.0.1:0", .. more,
        ], cancellationToken);

    public static Task<RunningExporter> StartAsync(IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        StartAsync(arguments, new Dictionary<string, string>(), directory: null, cancellationToken);

    /// <param name="directory">The working directory, whose <c>.env</c> is read.</param>
    public static async Task<RunningExporter> StartAsync(
        IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, string? directory, CancellationToken cancellationToken)
    {
        var process = Peer.Start(Binary, arguments, environment, directory);
        try
        {
            var line = await process.Says("listening on ", cancellationToken);
            return new RunningExporter(process, new Uri(line.Split("listening on ")[1].Split(',')[0].TrimEnd('"')));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs the program until it exits.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var (code, output, error) = await Peer.Run(Binary, arguments, default, cancellationToken);
        return (code, System.Text.Encoding.UTF8.GetString(output), error);
    }

    public Task<string> Says(string text, CancellationToken cancellationToken) => process.Says(text, cancellationToken);

    /// <summary>Waits for a page with the text. An event is logged before the page contains it.</summary>
    public async Task<string> Shows(string text, CancellationToken cancellationToken)
    {
        while (true)
        {
            var page = await PageAsync(cancellationToken);
            if (page.Contains(text, StringComparison.Ordinal))
            {
                return page;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }
    }

    public Task<string> PageAsync(CancellationToken cancellationToken) => Http.GetStringAsync("/metrics", cancellationToken);

    public async Task<HttpStatusCode> StatusAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await Http.GetAsync(path, cancellationToken);
        return response.StatusCode;
    }

    /// <summary>Sends SIGKILL.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        await process.Signal("KILL", cancellationToken);
        await process.Ends(cancellationToken);
    }

    /// <summary>Sends SIGTERM, as Docker and systemd do. Returns the exit code.</summary>
    public async Task<int> TerminateAsync(CancellationToken cancellationToken)
    {
        await process.Signal("TERM", cancellationToken);
        return await process.Ends(cancellationToken);
    }

    /// <summary>Sends SIGHUP, which reloads the configuration.</summary>
    public Task HangUpAsync(CancellationToken cancellationToken) => process.Signal("HUP", cancellationToken);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await process.DisposeAsync();
    }
}
