using Exporter.Sandbox;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>
/// A sandbox, a folder with a configuration, and a terminal whose words are kept: the commands as the program wires them, in
/// this process and on a clock that stands still.
/// </summary>
internal sealed class CommandBench : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Spoken error = new();
    private readonly Spoken output = new();
    private readonly string yaml;
    private Task<int> running = Task.FromResult(0);

    private CommandBench(SandboxServer sandbox, ManualTime time)
    {
        (Sandbox, Time) = (sandbox, time);
        yaml = folder.Write("exporter.yml", $$"""
            accounts:
              home:
                source: netatmo
                api_url: {{sandbox.Address.OriginalString}}
                client_id: {{sandbox.Netatmo.ClientId}}
                client_secret: {{sandbox.Netatmo.ClientSecret}}
                token_file: home.json
              car:
                source: bmw-cardata
                auth_url: {{sandbox.Address.OriginalString}}
                client_id: {{sandbox.Bmw.ClientId}}
                token_file: car.json

            """);
    }

    public SandboxServer Sandbox { get; }

    public ManualTime Time { get; }

    /// <summary>What was printed so far.</summary>
    public string Output => output.Text;

    public string Error => error.Text;

    /// <summary>The addresses a browser was asked to open.</summary>
    public List<Uri> Opened { get; } = [];

    public string this[string file] => folder[file];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<CommandBench> StartAsync(BmwCloudOptions? bmw = null)
    {
        var time = new ManualTime();
        return new CommandBench(await SandboxServer.StartAsync(new SandboxOptions { Time = time, Bmw = bmw ?? new() }, Cancellation), time);
    }

    /// <summary>Adds an account to the configuration.</summary>
    public void Configure(string account) => File.AppendAllText(yaml, account);

    public void Write(string file, string content) => folder.Write(file, content);

    public JsonMembers Read(string file) => JsonMembers.Parse(File.ReadAllBytes(folder[file]));

    /// <summary>A token file for the account at Netatmo, as a login would leave it.</summary>
    /// <param name="left">What is left of the access token.</param>
    /// <param name="lifetime">How long it was given for.</param>
    public IssuedTokens LogInHome(TimeSpan? left = null, TimeSpan? lifetime = null)
    {
        var issued = Sandbox.Netatmo.Login();
        var given = lifetime is { } all ? $",\"expires_in\":{all.TotalSeconds}" : "";
        Write("home.json", $$"""{"access_token":"{{issued.AccessToken}}","refresh_token":"{{issued.RefreshToken}}","expiry":"{{Time.GetUtcNow() + (left ?? issued.ExpiresIn):O}}"{{given}}}""");
        return issued;
    }

    /// <summary>A token manager's file for the account at BMW.</summary>
    public IssuedTokens LogInCar(string file = "car.json", string clientId = "")
    {
        var issued = Sandbox.Bmw.Login();
        Write(file, $$"""
            {
                "access_token": "{{issued.AccessToken}}",
                "refresh_token": "{{issued.RefreshToken}}",
                "gcid": "{{Sandbox.Bmw.Gcid}}",
                "client_id": "{{(clientId.Length > 0 ? clientId : Sandbox.Bmw.ClientId)}}",
                "mine": [1, 2]
            }
            """);
        return issued;
    }

    /// <summary>Runs a command to its end; the exit code.</summary>
    public Task<int> RunAsync(params string[] arguments) => RunAsync("", interactive: false, arguments);

    /// <summary>Runs a command, with what the person types.</summary>
    public Task<int> RunAsync(string typed, bool interactive, params string[] arguments) =>
        BeginAsync(new StringReader(typed), interactive, ["--config", yaml, .. arguments], new Dictionary<string, string>(), Cancellation);

    public Task<int> RunTypingAsync(TextReader typing, params string[] arguments) =>
        BeginAsync(typing, interactive: true, ["--config", yaml, .. arguments], new Dictionary<string, string>(), Cancellation);

    /// <summary>Runs a command without the configuration file, with these variables.</summary>
    public Task<int> RunBareAsync(Dictionary<string, string> environment, CancellationToken cancellation, params string[] arguments) =>
        BeginAsync(TextReader.Null, interactive: false, arguments, environment, cancellation);

    /// <summary>Completes once this was said on stderr.</summary>
    public Task SaysAsync(string text) => error.SaysAsync(text).WaitAsync(Cancellation);

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
            if (Time.Waiting > 0 && Time.ToNextTimer() < TokenEndpoint.Patience)
            {
                Time.Advance(Time.ToNextTimer());
            }
            await Task.Yield();
        }
    }

    /// <summary>
    /// Lets the seconds of a keeping command tick until it has said this. They stand still while anything but its rounds
    /// waits for the clock, which is the patience of a request under way.
    /// </summary>
    public async Task TickUntilSaysAsync(string text)
    {
        for (var turn = 1; !Error.Contains(text, StringComparison.Ordinal); turn++)
        {
            Assert.False(running.IsCompleted && !Error.Contains(text, StringComparison.Ordinal), $"The command has ended:\n{Error}");
            Cancellation.ThrowIfCancellationRequested();
            if (turn % 200 == 0 && Time.Waiting <= 1)
            {
                Time.Advance(TimeSpan.FromSeconds(1));
            }
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Sandbox.DisposeAsync();
        folder.Dispose();
    }

    private Task<int> BeginAsync(TextReader typed, bool interactive, string[] arguments, Dictionary<string, string> environment, CancellationToken cancellation)
    {
        var terminal = new Terminal(typed, output, error, interactive, address => { Opened.Add(address); return true; });
        var program = new CommandLine(Composition.Sources, environment, terminal.Output, terminal.Error);
        program.AddAccountCommands(Composition.Sources, terminal, Time);
        return running = program.RunAsync(arguments, cancellation);
    }

    /// <summary>Keeps what is written, and tells those who wait for a text.</summary>
    private sealed class Spoken : TextWriter
    {
        private readonly Lock gate = new();
        private readonly System.Text.StringBuilder text = new();
        private readonly List<(string Text, TaskCompletionSource Said)> waiting = [];

        public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;

        public string Text { get { lock (gate) { return text.ToString(); } } }

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
            foreach (var (_, said) in waiting.Where(w => text.ToString().Contains(w.Text, StringComparison.Ordinal)))
            {
                said.TrySetResult();
            }
        }
    }
}
