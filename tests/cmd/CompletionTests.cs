using System.Text;
using Exporter.Accounts;
using Exporter.Tests.Program;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>The words that a shell suggests.</summary>
public sealed class CompletionTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    [Theory]
    [InlineData("oauth-exporter logo", "logout")]
    [InlineData("oauth-exporter login-", "login-link")]
    [InlineData("oauth-exporter webex data-sources s", "show schemas")]
    [InlineData("oauth-exporter --log-level de", "debug")]
    [InlineData("oauth-exporter --log-level=de", "--log-level=debug")]
    [InlineData("oauth-exporter serve --debug-handlers=", "--debug-handlers=true --debug-handlers=false")]
    [InlineData("oauth-exporter login --no", "--no-browser")]
    [InlineData("oauth-exporter --external-u", "--external-url")]
    [InlineData("oauth-exporter --addr :1 hea", "health")]
    [InlineData("oauth-exporter completion ", "bash fish zsh")]
    [InlineData("oauth-exporter help settings we", "webex")]
    [InlineData("oauth-exporter help web", "webex")]
    [InlineData("oauth-exporter help sett", "settings")]
    [InlineData("oauth-exporter --config ", "")]
    [InlineData("oauth-exporter nonsense --more ", null)]
    public async Task A_word_is_completed(string line, string? words)
    {
        var suggested = await SuggestAsync(line);

        if (words is not null)
        {
            Assert.Equal(words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(), suggested.Order());
        }
    }

    [Theory]
    [InlineData("oauth-exporter login --config {0} ", "cabin home")]
    [InlineData("oauth-exporter --config={0} token h", "home")]
    [InlineData("oauth-exporter --config {0} webex data-sources list ", "cabin home")]
    [InlineData("oauth-exporter --config {0} webex data-sources show --account c", "cabin")]
    [InlineData("oauth-exporter --config {0}.missing login ", "")]
    public async Task An_account_of_the_configuration_is_completed(string line, string words)
    {
        // Only the names matter: other problems are for the command itself.
        var file = directory.Write("exporter.yml", "accounts:\n  home: {source: netatmo}\n  cabin: {source: netatmo}\n");

        Assert.Equal(words.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            (await SuggestAsync(line.Replace("{0}", file, StringComparison.Ordinal))).Order());
    }

    [Fact]
    public async Task An_unknown_shell_is_exit_code_1() =>
        Assert.Equal((1, "", "tcsh: there is no script for this shell; choose one of bash, zsh, fish\n"), await RunAsync("completion", "tcsh"));

    public void Dispose() => directory.Dispose();

    private static async Task<IReadOnlyList<string>> SuggestAsync(string line)
    {
        var (code, output, error) = await RunAsync("completion", "--suggest", line);
        Assert.Equal((0, ""), (code, error));
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(suggested => suggested.Split('\t')[0])];
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal(TextReader.Null, output, error, IsInteractive: false, _ => false);
        var program = new CommandLine(Composition.Sources, new Dictionary<string, string>(), terminal, TimeProvider.System);
        program.AddCommands();
        var code = await program.RunAsync(arguments, TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }
}

/// <summary>The scripts in real shells, with the real program.</summary>
[Trait("Suite", "slow")]
public sealed class ShellCompletionTests : IDisposable
{
    /// <summary>Completes a line as readline does: the words are split at = and :, and the last is the one to complete.</summary>
    private const string Bash = """
        source <(oauth-exporter completion bash)
        complete_line() {
            COMP_LINE=$1 COMP_POINT=${#1}
            local word=${1##*[ =:]}
            _oauth_exporter oauth-exporter "$word"
            echo "${COMPREPLY[*]}"
        }
        """;

    private const string Fish = "oauth-exporter completion fish | source; complete --do-complete \"$argv[1]\" | string split -f1 \\t | string join ' '; true";

    private readonly TemporaryDirectory directory = new();

    [Theory]
    [InlineData("oauth-exporter logo", "logout")]
    [InlineData("oauth-exporter --log-level=de", "debug")]
    [InlineData("oauth-exporter --log-level de", "debug")]
    [InlineData("oauth-exporter webex data-sources reg", "register")]
    [InlineData("oauth-exporter login --config CONFIG h", "home")]
    [InlineData("oauth-exporter --config ", "")]
    public async Task Bash_completes_words(string line, string words) =>
        Assert.Equal(words, await CompleteAsync("bash", ["-c", Bash + "\ncomplete_line \"$1\"", "bash", Configured(line)]));

    [Theory]
    [InlineData("oauth-exporter logo", "logout")]
    [InlineData("oauth-exporter --log-level=de", "--log-level=debug")]
    [InlineData("oauth-exporter login --config CONFIG h", "home")]
    public async Task Fish_completes_words(string line, string words)
    {
        SkipWithout("fish");

        Assert.Equal(words, await CompleteAsync("fish", ["-c", Fish, Configured(line)]));
    }

    [Theory]
    [InlineData("oauth-exporter logo", "logout")]
    [InlineData("oauth-exporter --log-level de", "debug")]
    [InlineData("oauth-exporter login --config CONFIG h", "home")]
    public async Task Zsh_completes_words(string line, string words)
    {
        SkipWithout("zsh");
        // Without an editor, the functions of zsh's completion are replaced by ones that print.
        var script = $$"""
            compdef() { :; }
            _describe() { print -l -- ${(P)2} | cut -d: -f1; }
            _files() { print files; }
            source <(oauth-exporter completion zsh)
            words=("${(@s: :)1}"); CURRENT=${#words}
            _oauth_exporter
            """;

        Assert.Equal(words, await CompleteAsync("zsh", ["-f", "-c", script, "zsh", Configured(line)]));
    }

    public void Dispose() => directory.Dispose();

    private static void SkipWithout(string shell) =>
        Assert.SkipUnless(File.Exists($"/usr/bin/{shell}"), $"{shell} is not installed: apt-get install {shell}");

    private string Configured(string line) => line.Replace("CONFIG",
        directory.Write("exporter.yml", "accounts:\n  home: {source: netatmo}\n"), StringComparison.Ordinal);

    private static async Task<string> CompleteAsync(string shell, IEnumerable<string> arguments)
    {
        var path = $"{Path.GetDirectoryName(RunningExporter.Binary)}:{Environment.GetEnvironmentVariable("PATH")}";
        var (code, output, error) = await Peer.Run(
            "env", [$"PATH={path}", shell, .. arguments], default, TestContext.Current.CancellationToken);
        Assert.True(code == 0 && error.Length == 0, $"{code}: {error}");
        return Encoding.UTF8.GetString(output).Trim();
    }
}
