using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>The help of every command, on a terminal of 80 columns.</summary>
public sealed partial class HelpTests
{
    private const int Columns = 80;
    private const int Lines = 45;

    public static TheoryData<string> Commands => [.. All(Program(TextWriter.Null).Root).Select(CommandHelp.PathOf)];

    public static TheoryData<string> Examples => [.. Commands.SelectMany(row => ExamplesOf(HelpOf(row.Data)))];

    [Theory]
    [MemberData(nameof(Commands))]
    public void The_help_fits_on_one_screen_and_has_an_example(string command)
    {
        var help = HelpOf(command);
        var lines = help.TrimEnd('\n').Split('\n');

        Assert.All(lines, line => Assert.True(line.Length <= Columns, $"{line.Length} columns: {line}"));
        Assert.True(lines.Length <= Lines, $"{lines.Length} lines:\n{help}");
        Assert.True(ExamplesOf(help).Count > 0 || help.Contains("\nCommands:\n", StringComparison.Ordinal), help);
        Assert.Contains("oauth-exporter help settings", help, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void The_parser_accepts_every_example(string example)
    {
        using var error = new StringWriter();
        var words = CommandLineParser.SplitCommandLine(example).ToList();
        Assert.Contains(words[0], new[] { "oauth-exporter" });

        var result = Program(error).Parse([.. words.Skip(1)]);

        Assert.Empty(result.Errors);
        Assert.Empty(result.UnmatchedTokens);
    }

    [Theory]
    [InlineData("help", "--help")]
    [InlineData("-h", "--help")]
    [InlineData("help login", "login --help")]
    [InlineData("help webex data-sources show", "webex data-sources show --help")]
    [InlineData("version", "--version")]
    public async Task A_command_is_the_same_as_its_flag(string command, string flag)
    {
        var (code, output, error) = await RunAsync(command);

        Assert.Equal((0, output, error), await RunAsync(flag));
        Assert.Equal((0, ""), (code, error));
    }

    [Fact]
    public async Task The_settings_of_all_sources_or_of_one_are_a_topic()
    {
        var all = (await RunAsync("help settings")).Output;
        var one = (await RunAsync("help settings webex")).Output;

        Assert.All(all.Split('\n').Concat(one.Split('\n')), line => Assert.True(line.Length <= Columns, line));
        Assert.Contains("--client-id TEXT", all, StringComparison.Ordinal);
        Assert.Contains("token_endpoint: URL", all, StringComparison.Ordinal);
        Assert.Contains("--webex-config-file FILE", one, StringComparison.Ordinal);
        Assert.Contains("[config_file:; WEBEX_CONFIG_FILE;", TextOf(one), StringComparison.Ordinal);
        Assert.DoesNotContain("NETATMO_CLIENT_ID", one, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("help logn", "logn: there is no such command; did you mean login?\n")]
    [InlineData("help login home", "home: there is no such command; write: oauth-exporter help COMMAND\n")]
    [InlineData("help settings webx", "webx: there is no such source; did you mean webex?\n")]
    public async Task An_unknown_topic_is_exit_code_1(string command, string expected)
    {
        var (code, _, error) = await RunAsync(command);

        Assert.Equal((1, expected), (code, error));
    }

    [Fact]
    public void A_wide_terminal_has_longer_lines() =>
        Assert.True(HelpOf("oauth-exporter keep", 120).Split('\n').Length < HelpOf("oauth-exporter keep").Split('\n').Length);

    private static string TextOf(string help) => Blanks().Replace(help, " ");

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);

    private static string HelpOf(string command, int columns = Columns)
    {
        using var output = new StringWriter();
        var program = Program(TextWriter.Null, output, columns);
        program.Help.Write(All(program.Root).Single(known => CommandHelp.PathOf(known) == command));
        return output.ToString();
    }

    /// <summary>The calls of the program in the examples, without what a shell adds.</summary>
    private static List<string> ExamplesOf(string help)
    {
        var examples = help.Split("\nExamples:\n").Skip(1).FirstOrDefault()?.Split("\n\n")[0] ?? "";
        return
        [
            .. examples.Replace("\\\n", "", StringComparison.Ordinal).Split('\n').Where(line => line.Length > 0)
                .Select(line => Call().Match(line).Groups[1].Value.Trim()).Where(call => call.Length > 0),
        ];
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(string command)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await Program(error, output).RunAsync(command.Split(' '), TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    private static CommandLine Program(TextWriter error, TextWriter? output = null, int columns = Columns)
    {
        var terminal = new Terminal(TextReader.Null, output ?? TextWriter.Null, error, IsInteractive: false, _ => false) { Width = columns };
        var program = new CommandLine(Composition.Sources, new Dictionary<string, string>(), terminal, TimeProvider.System);
        program.AddCommands();
        return program;
    }

    [GeneratedRegex(@"(oauth-exporter( [^|<>()#]+)?)")]
    private static partial Regex Call();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
