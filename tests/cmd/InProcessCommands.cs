using System.Text;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>
/// Runs the program's commands in this process, with a directory for the configuration, a recording terminal and a manual clock.
/// </summary>
internal abstract class InProcessCommands(ManualTime time) : IAsyncDisposable
{
    private static readonly Dictionary<string, string> NoVariables = [];

    private readonly TemporaryDirectory directory = new();
    private readonly RecordingWriter error = new();
    private readonly RecordingWriter output = new();
    private Task<int> running = Task.FromResult(0);

    public ManualTime Time => time;

    /// <summary>The standard output of all commands.</summary>
    public string Output => output.Text;

    /// <summary>The standard error of all commands.</summary>
    public string Error => error.Text;

    /// <summary>The standard error of the last command.</summary>
    public string RecentError => error.Recent;

    /// <summary>The addresses that were opened in a browser.</summary>
    public List<Uri> Opened { get; } = [];

    public string this[string file] => directory[file];

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Yaml => directory["exporter.yml"];

    /// <summary>Appends to the configuration file.</summary>
    public void Configure(string text) => File.AppendAllText(Yaml, text);

    public void Write(string file, string content) => directory.Write(file, content);

    public JsonMembers Read(string file) => JsonMembers.Parse(File.ReadAllBytes(directory[file]));

    public Task<int> RunAsync(params string[] arguments) => RunAsync("", interactive: false, arguments);

    public Task<int> RunAsync(string input, bool interactive, params string[] arguments) =>
        StartAsync(new StringReader(input), interactive, ["--config", Yaml, .. arguments], NoVariables, Cancellation);

    public Task<int> RunWithInputAsync(TextReader input, params string[] arguments) =>
        StartAsync(input, interactive: true, ["--config", Yaml, .. arguments], NoVariables, Cancellation);

    /// <summary>Runs <c>keep</c> for all accounts until <paramref name="stop"/>.</summary>
    public Task<int> KeepAsync(CancellationToken stop) =>
        StartAsync(TextReader.Null, interactive: false, ["keep", "--config", Yaml], NoVariables, stop);

    public Task<int> RunWithoutConfigurationAsync(
        Dictionary<string, string> environment, CancellationToken cancellationToken, params string[] arguments) =>
        StartAsync(TextReader.Null, interactive: false, arguments, environment, cancellationToken);

    /// <summary>Waits until the last command has written the text to standard error.</summary>
    public Task WaitForErrorAsync(string text) => error.WaitForAsync(text).WaitAsync(Cancellation);

    /// <summary>Waits until the text is in the standard output.</summary>
    public Task WaitForOutputAsync(string text) => output.WaitForAsync(text).WaitAsync(Cancellation);

    /// <summary>Advances the clock from poll to poll, except during a request, whose time limit counts in short steps.</summary>
    public async Task PollUntilAsync(Func<bool> reached)
    {
        while (!reached())
        {
            Assert.False(running.IsCompleted && !reached(), $"The command has exited:\n{Error}");
            Cancellation.ThrowIfCancellationRequested();
            if (Time.Waiting > 0 && Time.ToNextTimer() > RunningTime.Step)
            {
                Time.Advance(Time.ToNextTimer());
            }
            await Task.Yield();
        }
    }

    /// <summary>Advances the clock of a running <c>keep</c> until standard error contains the text. Call it after "sleeping".</summary>
    public Task AdvanceUntilErrorAsync(string text) => AdvanceUntilAsync(() => RecentError.Contains(text, StringComparison.Ordinal));

    /// <summary>Advances the clock by less than a request's timeout, and only while nothing but the refresh loop waits for it.</summary>
    public async Task AdvanceUntilAsync(Func<bool> reached)
    {
        for (var turn = 1; !reached(); turn++)
        {
            Assert.False(running.IsCompleted && !reached(), $"The command has exited:\n{Error}");
            Cancellation.ThrowIfCancellationRequested();
            if (turn % 50 == 0 && Time.Waiting <= 1)
            {
                Time.Advance(TokenEndpoint.RequestTimeout / 2);
            }
            await Task.Yield();
        }
    }

    public virtual ValueTask DisposeAsync()
    {
        directory.Dispose();
        return ValueTask.CompletedTask;
    }

    private Task<int> StartAsync(
        TextReader input, bool interactive, string[] arguments, Dictionary<string, string> environment, CancellationToken cancellationToken)
    {
        error.StartRecent();
        var terminal = new Terminal(input, output, error, interactive, address => { Opened.Add(address); return true; });
        var program = new CommandLine(Composition.Sources, environment, terminal, Time);
        program.AddCommands();
        return running = program.RunAsync(arguments, cancellationToken);
    }

    private sealed class RecordingWriter : TextWriter
    {
        private readonly Lock gate = new();
        private readonly StringBuilder text = new();
        private readonly List<(string Text, TaskCompletionSource Written)> waiting = [];
        private int recentStart;

        public override Encoding Encoding => Encoding.UTF8;

        public string Text { get { lock (gate) { return text.ToString(); } } }

        public string Recent { get { lock (gate) { return text.ToString(recentStart, text.Length - recentStart); } } }

        public void StartRecent() { lock (gate) { recentStart = text.Length; } }

        public Task WaitForAsync(string part)
        {
            lock (gate)
            {
                var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                waiting.Add((part, written));
                Complete();
                return written.Task;
            }
        }

        public override void Write(char value) => Write(value.ToString());

        public override void Write(string? value)
        {
            lock (gate)
            {
                text.Append(value);
                Complete();
            }
        }

        public override void WriteLine(string? value) => Write(value + "\n");

        private void Complete()
        {
            foreach (var (_, written) in waiting.Where(w => Recent.Contains(w.Text, StringComparison.Ordinal)))
            {
                written.TrySetResult();
            }
        }
    }
}
