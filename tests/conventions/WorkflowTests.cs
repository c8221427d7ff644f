using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>The workflows in .github, as far as they can be checked without the forge: with its parser, and each command on its own.</summary>
public sealed partial class WorkflowTests
{
    private static readonly YamlChecker Parser = new("release");

    private static readonly YamlChecker Reader = new("compose");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Workflows =>
        [.. Directory.GetFiles(Path.Combine(Slices.Repository, ".github/workflows")).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Workflows))]
    public async Task A_workflow_is_valid_for_the_parser_of_the_forge(string workflow)
    {
        var (exit, error) = await ValidateAsync(PathOf(workflow));

        Assert.True(exit == 0, error);
    }

    [Theory]
    [InlineData("timeout-minutes:", "timeout-minuets:", "Unexpected value 'timeout-minuets'")]
    [InlineData("secrets.RELEASE_KEY ", "secret.RELEASE_KEY ", "Unrecognized named-value: 'secret'")]
    [InlineData("needs: build", "needs: built", "depends on unknown job 'built'")]
    public async Task The_parser_finds_a_mistake(string text, string mistake, string problem)
    {
        using var directory = new TemporaryDirectory();
        var wrong = directory.Write("release.yml", File.ReadAllText(PathOf("release.yml")).Replace(text, mistake, StringComparison.Ordinal));

        var (exit, error) = await ValidateAsync(wrong);

        Assert.Equal(1, exit);
        Assert.Contains(problem, error, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public void Every_action_has_an_exact_version(string workflow)
    {
        var actions = Action().Matches(File.ReadAllText(PathOf(workflow))).Select(match => match.Groups["action"].Value).ToList();

        Assert.NotEmpty(actions);
        Assert.All(actions, action => Assert.Matches(@"^actions/[a-z-]+@v[0-9]+\.[0-9]+\.[0-9]+$", action));
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public async Task Every_command_is_valid_in_bash_and_calls_scripts_of_this_repository(string workflow)
    {
        var commands = await CommandsAsync(workflow);

        Assert.NotEmpty(commands);
        foreach (var command in commands)
        {
            var (exit, _, error) = await Peer.Run("bash", ["-n", "-c", command], default, Cancellation);
            Assert.True(exit == 0, $"{command}\n{error}");
            Assert.All(Script().Matches(command), script => Assert.True(File.Exists(Path.Combine(Slices.Repository, script.Value)), script.Value));
        }
        Assert.Contains(commands, command => Script().IsMatch(command));
    }

    [Fact]
    public async Task The_release_uses_only_flags_that_the_script_explains()
    {
        var command = Assert.Single(await CommandsAsync("release.yml"), command => command.Contains("packages/release", StringComparison.Ordinal));
        var call = command[command.IndexOf("packages/release", StringComparison.Ordinal)..];
        var help = File.ReadAllLines(Path.Combine(Slices.Repository, "packages/release")).TakeWhile(line => line.StartsWith('#'));

        var flags = Flag().Matches(call).Select(match => match.Value).ToList();

        Assert.Contains("--key", flags);
        Assert.All(flags, flag => Assert.Contains(help, line => line.StartsWith($"# {flag} ", StringComparison.Ordinal)));
    }

    private static string PathOf(string workflow) => Path.Combine(Slices.Repository, ".github/workflows", workflow);

    private static async Task<(int ExitCode, string Error)> ValidateAsync(string file)
    {
        var (exit, _, error) = await Parser.RunAsync(["workflow", file], Cancellation);
        return (exit, error);
    }

    private static async Task<IReadOnlyList<string>> CommandsAsync(string workflow)
    {
        var (exit, files, error) = await Reader.RunAsync([PathOf(workflow)], Cancellation);
        Assert.True(exit == 0, error);
        var jobs = files[0].GetProperty("jobs");
        return
        [
            .. from job in jobs.EnumerateObject()
               from step in job.Value.GetProperty("steps").EnumerateArray()
               where step.TryGetProperty("run", out _)
               select step.GetProperty("run").GetString()!,
        ];
    }

    [GeneratedRegex(@"uses: (?<action>\S+)")]
    private static partial Regex Action();

    [GeneratedRegex(@"(?<![\w/.-])(packages/[a-z]+|\.ci/[a-z]+)")]
    private static partial Regex Script();

    [GeneratedRegex("--[a-z-]+")]
    private static partial Regex Flag();
}
