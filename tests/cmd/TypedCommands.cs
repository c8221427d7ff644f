using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>
/// The commands as the program wires them, in this process: a directory with a configuration, a terminal whose words are kept,
/// and a clock that stands still.
/// </summary>
internal abstract class TypedCommands(ManualTime time) : IAsyncDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly Spoken error = new();
    private readonly Spoken output = new();
    private Task<int> running = Task.FromResult(0);

    public ManualTime Time => time;

    /// <summary>What was printed so far.</summary>
    public string Output => output.Text;

    public string Error => error.Text;

    /// <summary>What was said on stderr since the last command began.</summary>
    public string Said => error.Recent;

    /// <summary>The addresses a browser was asked to open.</summary>
    public List<Uri> Opened { get; } = [];

    public string this[string file] => directory[file];

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Yaml => directory["exporter.yml"];

    /// <summary>Adds to the configuration.</summary>
    public void Configure(string text) => File.AppendAllText(Yaml, text);

    public void Write(string file, string content) => directory.Write(file, content);

    public JsonMembers Read(string file) => JsonMembers.Parse(File.ReadAllBytes(directory[file]));
    /// <summary>Runs a command to its end; the exit code.</summary>
    public Task<int> RunAsync(params string[] arguments) => RunAsync("", interactive: false, arguments);

    /// <summary>Runs a command, with what the person types.</summary>
    public Task<int> RunAsync(string typed, bool interactive, params string[] arguments) =>
        BeginAsync(new StringReader(typed), interactive, ["--config", Yaml, .. arguments], new Dictionary<string, string>(), Cancellation);

    public Task<int> RunTypingAsync(TextReader typing, params string[] arguments) =>
        BeginAsync(typing, interactive: true, ["--config", Yaml, .. arguments], new Dictionary<string, string>(), Cancellation);

    /// <summary>Keeps all accounts until it is told to stop.</summary>
    public Task<int> KeepAsync(CancellationToken stop) => BeginAsync(TextReader.Null, interactive: false, ["keep", "--config", Yaml], new Dictionary<string, string>(), stop);

    /// <summary>Runs a command without the configuration file, with these variables.</summary>
    public Task<int> RunBareAsync(Dictionary<string, string> environment, CancellationToken cancellationToken, params string[] arguments) =>
        BeginAsync(TextReader.Null, interactive: false, arguments, environment, cancellationToken);

    /// <summary>Completes once this was said on stderr by the last command.</summary>
    public Task SaysAsync(string text) => error.SaysAsync(text).WaitAsync(Cancellation);

    /// <summary>Completes once this was printed.</summary>
    public Task PrintsAsync(string text) => output.SaysAsync(text).WaitAsync(Cancellation);

    /// <summary>
    /// Lets a command that polls go on polling: the clock jumps to the next poll, and stands still while a request is
    /// under way, whose only timer is the endpoint's patience.
    /// </summary>
    public async Task PollUntilAsync(Func<bool> reached)
    {
        while (!reached())
        {
            Assert.False(running.IsCompleted && !reached(), $"The command has ended:\n{Error}");
            Cancellation.ThrowIfCancellationRequested();
            if (Time.Waiting > 0 && Time.ToNextTimer() < TokenEndpoint.RequestTimeout)
            {
                Time.Advance(Time.ToNextTimer());
            }
            await Task.Yield();
        }
    }

    /// <summary>
    /// Lets the clock of a keeping command tick until it has said this. It stands still while anything but the command's
    /// rounds waits for it, which is the patience of a request under way; a tick is shorter than that. Not before it is "sleeping".
    /// </summary>
    public Task TickUntilSaysAsync(string text) => TickUntilAsync(() => Said.Contains(text, StringComparison.Ordinal));

    public async Task TickUntilAsync(Func<bool> reached)
    {
        for (var turn = 1; !reached(); turn++)
        {
            Assert.False(running.IsCompleted && !reached(), $"The command has ended:\n{Error}");
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

    private Task<int> BeginAsync(TextReader typed, bool interactive, string[] arguments, Dictionary<string, string> environment, CancellationToken cancellationToken)
    {
        error.Begin();
        var terminal = new Terminal(typed, output, error, interactive, address => { Opened.Add(address); return true; });
        var program = new CommandLine(Composition.Sources, environment, terminal.Output, terminal.Error);
        program.AddHealth(terminal, Time);
        program.AddHashPassword(terminal);
        program.AddAccountCommands(Composition.Sources, terminal, Time);
        program.AddSourceCommands(Composition.Sources, terminal, Time);
        return running = program.RunAsync(arguments, cancellationToken);
    }

    /// <summary>Keeps what is written, and tells those who wait for a text.</summary>
    private sealed class Spoken : TextWriter
    {
        private readonly Lock gate = new();
        private readonly System.Text.StringBuilder text = new();
        private readonly List<(string Text, TaskCompletionSource Said)> waiting = [];

        public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;

        private int begun;

        public string Text { get { lock (gate) { return text.ToString(); } } }

        public string Recent { get { lock (gate) { return text.ToString(begun, text.Length - begun); } } }

        public void Begin() { lock (gate) { begun = text.Length; } }

        public Task SaysAsync(string part)
        {
            lock (gate)
            {
                var said = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                waiting.Add((part, said));
                Tell();
                return said.Task;
            }
        }

        public override void Write(char value) => Write(value.ToString());

        public override void Write(string? value)
        {
            lock (gate)
            {
                text.Append(value);
                Tell();
            }
        }

        public override void WriteLine(string? value) => Write(value + "\n");

        private void Tell()
        {
            foreach (var (_, said) in waiting.Where(w => Recent.Contains(w.Text, StringComparison.Ordinal)))
            {
                said.TrySetResult();
            }
        }
    }
}
