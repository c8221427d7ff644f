using System.Text;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Accounts;

public sealed class DotEnvTests : IDisposable
{
    private readonly Configured configured = new();

    [Theory]
    [InlineData("A=b", "b")]
    [InlineData("  A = b  ", "b")]
    [InlineData("export A=b", "b")]
    [InlineData("export\tA=b\r", "b")]
    [InlineData("A=\"b c\"", "b c")]
    [InlineData("A='b c' # why", "b c")]
    [InlineData("A=b # why", "b")]
    [InlineData("A=b#c", "b#c")]
    [InlineData("A=#why", "#why")]
    [InlineData("A= # why", "")]
    [InlineData("A=", "")]
    [InlineData("A=b=c==", "b=c==")]
    [InlineData("A=$HOME", "$HOME")]
    [InlineData("""A="a\"b\\c\n\$d\x" """, "a\"b\\c\n$d\\x")]
    [InlineData("""A='a\nb'""", "a\\nb")]
    [InlineData("""A='"b"'""", "\"b\"")]
    [InlineData("A=it's", "it's")]
    public void A_variable_has_the_value_that_a_shell_reads(string line, string value) =>
        Assert.Equal(new DotEnvLine.Variable("A", value), DotEnv.Parse(line));

    [Theory]
    [InlineData("a`touch pwned`")]
    [InlineData("a$(touch pwned)$HOME\\")]
    [InlineData("a'`touch pwned`'$(touch pwned)\"\\\\")]
    [InlineData("a;touch pwned #b&c")]
    public async Task A_written_value_is_what_a_shell_reads_and_runs_nothing(string value)
    {
        foreach (var before in new[] { "", "A=b", "A=\"b\"", "A='b'" })
        {
            using var directory = new TemporaryDirectory();
            var written = DotEnv.With(Encoding.UTF8.GetBytes(before), "A", value);
            File.WriteAllBytes(directory["app.env"], written);

            var (exit, output, _) = await Peer.Run(
                "sh", ["-c", $"cd {directory.Path}; . ./app.env; printf %s \"$A\""], default, TestContext.Current.CancellationToken);

            Assert.Equal((0, value, value), (exit, Encoding.UTF8.GetString(output), DotEnv.Find(written, "A")));
            Assert.Equal(["app.env"], directory.Names);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("# A=b")]
    public void Empty_lines_and_comments_are_blank(string line) => Assert.IsType<DotEnvLine.Blank>(DotEnv.Parse(line));

    [Theory]
    [InlineData("A")]
    [InlineData("=b")]
    [InlineData("1A=b")]
    [InlineData("A B=c")]
    [InlineData("A=\"b")]
    [InlineData("A='b' c")]
    [InlineData("A=\"b\\\"")]
    public void Any_other_line_is_foreign(string line) => Assert.IsType<DotEnvLine.Foreign>(DotEnv.Parse(line));

    [Fact]
    public void A_foreign_line_is_a_warning_with_its_number_and_without_its_text()
    {
        configured.Write(".env", "\uFEFFADDR=one:1\r\nMIIBcanary\r\nCAR_VIN=v\r\n");

        var configuration = configured.Load();

        Assert.Equal([".env:2: this line is not NAME=VALUE and is ignored"], configuration.Warnings.Select(w => w.ToString()));
        Assert.Equal("one:1", configuration.Program.Get(Configured.Addr));
        Assert.Equal(".env:3", Assert.Single(configuration.Accounts).Section.Origin(Configured.Vin));
    }

    [Fact]
    public void A_problem_with_a_value_names_its_line_and_variable()
    {
        configured.Write(".env", "CLIENT_ID='\"abc\"'\n\nINTERVAL=8\nTOKEN_FILE=t\n");

        Assert.Equal(
            [
                ".env:1: CLIENT_ID: the value includes its quotes (\"…\"); remove them",
                ".env:3: INTERVAL: \"8\": a duration needs a unit, for example 8m",
            ],
            configured.Problems());
    }

    [Fact]
    public void A_directory_called_env_is_a_warning()
    {
        Directory.CreateDirectory(Path.Combine(configured.DirectoryPath, ".env"));

        Assert.Contains("is a directory", Assert.Single(configured.Load().Warnings).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_variable_for_the_file_of_a_secret_overrides_a_line_with_the_secret()
    {
        configured.Write(".env", "CLIENT_SECRET=weak\nCLIENT_ID=i\nTOKEN_FILE=t\n");
        configured.Environment["CLIENT_SECRET_FILE"] = configured.Write("secret", "strong");

        var configuration = configured.Load();

        Assert.Empty(configuration.Problems);
        Assert.Equal("strong", Assert.Single(configuration.Accounts).Section.Find(Configured.Password)!.Reveal());
    }

    public void Dispose() => configured.Dispose();
}
