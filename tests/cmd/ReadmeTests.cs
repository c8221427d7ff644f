using Exporter.Sandbox;
using System.Text;
using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Cmd;

/// <summary>The recorded session in the documentation. <c>UPDATE_GOLDEN=1</c> updates it.</summary>
public sealed partial class ReadmeTests
{
    private const string Start = "<!-- commands:";

    private static readonly string Document = Directory.GetFiles(Path.Combine(Golden.Root, "../docs"), "*.md")
        .Append(Path.Combine(Golden.Root, "../README.md")).Single(file => File.ReadAllText(file).Contains(Start, StringComparison.Ordinal));

    [Fact]
    public async Task The_recorded_session_is_what_the_commands_print()
    {
        await using var bench = await CommandBench.StartAsync();
        bench.LogInHome();
        var recording = new StringBuilder("\n```console\n");

        var login = bench.RunAsync("login", "car");
        await bench.PollUntilAsync(() => bench.Sandbox.Bmw.Token.Requests > 0);
        bench.Sandbox.Bmw.Decide(CodeLine().Match(bench.RecentError).Groups[1].Value, approve: true);
        await bench.PollUntilAsync(() => login.IsCompleted);
        await RecordAsync(login, "login car");
        foreach (var command in new[] { "status", "refresh home", "token home", "token home --json", "logout home", "token home" })
        {
            string[] unused = command == "status" ? ["--addr", bench.Address] : [];
            await RecordAsync(bench.RunAsync([.. command.Split(' '), .. unused]), command);
        }
        Check(recording.Append("```\n\n").ToString());

        async Task RecordAsync(Task<int> running, string command)
        {
            var before = printed;
            var code = await running;
            printed = bench.Output.Length;
            recording.Append($"$ oauth-exporter {command}\n{Plain(bench.RecentError)}{Plain(bench.Output[before..])}");
            recording.Append(code == 0 ? "" : $"[exit code {code}]\n");
        }

        // Replaces what differs from run to run.
        string Plain(string text)
        {
            var plain = text.Replace(bench[""].TrimEnd('/') + "/", "", StringComparison.Ordinal)
                .Replace(bench.Sandbox.Address.OriginalString, "https://customer.bmwgroup.com", StringComparison.Ordinal);
            plain = plain.Replace(bench.Address, "127.0.0.1:9210", StringComparison.Ordinal);
            plain = CodeLine().Replace(plain, "code   WDJBMJHT");
            plain = Secret().Replace(plain, "60a1f2b3c4d5e6f708192a3b|…");
            plain = SecondsOfPoll().Replace(plain, "$1:00Z");
            plain = NextRenewal().Replace(plain, "in 54 minutes");
            return Blanks().Replace(plain, "");
        }
    }

    private int printed;

    private static void Check(string content)
    {
        var document = File.ReadAllText(Document);
        var begin = document.IndexOf('\n', document.IndexOf(Start, StringComparison.Ordinal)) + 1;
        var end = document.IndexOf("<!-- /commands -->", StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(Document, document[..begin] + content + document[end..]);
            return;
        }
        Assert.Equal(content, document[begin..end]);
    }

    [GeneratedRegex(@"code   ([A-Z]{8})")]
    private static partial Regex CodeLine();

    [GeneratedRegex(@"60a1f2b3c4d5e6f708192a3b\|[0-9a-f]+")]
    private static partial Regex Secret();

    [GeneratedRegex(@"(2026-1[12]-\d\d \d\d:\d\d):\d\dZ")]
    private static partial Regex SecondsOfPoll();

    [GeneratedRegex(@"in 5\d minutes")]
    private static partial Regex NextRenewal();

    [GeneratedRegex(@"(?m)^\s*\n")]
    private static partial Regex Blanks();
}
