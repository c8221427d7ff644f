using System.Text;
using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>Files that were not written by a friend, and what YAML has beyond KEY: VALUE.</summary>
public sealed class YamlFileTests : IDisposable
{
    private readonly Configured configured = new();

    public YamlFileTests()
    {
        configured.Environment["CAR_VIN"] = "v";
        configured.Environment["CAR_TOKEN_FILE"] = "t";
    }

    [Theory]
    [InlineData("? [a]\n: b", "exporter.yml:1: a key has to be a plain name; write the name out")]
    [InlineData("addr: !!binary aGk=", "exporter.yml:1: the tag \"tag:yaml.org,2002:binary\" means nothing here; remove it")]
    [InlineData("addr: !e!x a", "exporter.yml:1:7: this is not YAML: while parsing a node, found undefined tag handle")]
    [InlineData("addr: *x", "exporter.yml:1: nothing before this line is called &x; write the value out")]
    [InlineData("debug: &x {a: b}\naddr: *x", "exporter.yml:2: the alias *x stands for more than one value; write the settings out")]
    [InlineData("addr: a: b", "exporter.yml:1:8: this is not YAML: while scanning a plain scalar value, found invalid mapping")]
    [InlineData("addr: \"a", "exporter.yml:1:7: this is not YAML: while scanning a quoted scalar, found unexpected end of stream")]
    [InlineData("addr: [1, 2\ndebug: true", "exporter.yml: this is not YAML: a [ or { is never closed; close it")]
    [InlineData("addr: ~", "exporter.yml:1: addr: there is no value; write one, or leave the setting out")]
    [InlineData("addr: ''", "exporter.yml:1: addr: there is no value; write one, or leave the setting out")]
    public void What_means_nothing_here_is_a_problem_with_its_line(string yaml, string problem) => Assert.Contains(problem, configured.Problems(yaml));

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("---\n")]
    [InlineData("{}")]
    [InlineData("addr: 'x:1'")]
    [InlineData("addr: !!str x:1\n...\n")]
    [InlineData("addr: &a x:1\ndebug: false")]
    public void What_is_harmless_is_taken(string yaml) => Assert.Empty(configured.Problems(yaml));

    [Fact]
    public void An_alias_of_one_value_stands_for_it_on_its_own_line()
    {
        configured.Environment.Clear();

        Assert.Empty(configured.Problems("accounts:\n  a:\n    source: weather\n    client_id: &id abc\n    token_file: a\n  b: {source: weather, client_id: *id, token_file: b}"));
        var section = configured.Load().Accounts[1].Section;
        Assert.Equal(("abc", "exporter.yml:6"), (section.Find(Configured.Id), section.Origin(Configured.Id)));
    }

    [Theory]
    [InlineData("[", 100_000)]
    [InlineData("{a: ", 100_000)]
    [InlineData("- ", 100_000)]
    [InlineData("? ", 100_000)]
    public void Deep_nesting_is_a_problem_and_no_end_of_the_stack(string opening, int levels) =>
        Assert.Equal(["exporter.yml:1: this is nested more than 16 levels deep; no setting is"], configured.Problems(string.Concat(Enumerable.Repeat(opening, levels))));

    [Fact]
    public void A_small_file_cannot_become_a_large_one()
    {
        var laughs = new StringBuilder("a0: &a0 [x, x]\n");
        for (var i = 1; i < 40; i++)
        {
            laughs.Append(System.Globalization.CultureInfo.InvariantCulture, $"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n");
        }

        laughs.Append("? [*a39]\n: 1\n? [*a39]\n: 2\n");

        Assert.Contains(configured.Problems(laughs.ToString()), p => p.EndsWith("the alias *a0 stands for more than one value; write the settings out", StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_that_is_too_large_or_no_text_is_one_sentence()
    {
        Assert.Equal(["exporter.yml: the file exporter.yml has more than 1024 kB; name another one"], configured.Problems(new string('#', YamlFile.Largest + 1)));

        File.WriteAllBytes(Path.Combine(configured.DirectoryPath, "exporter.yml"), [0x61, 0xff]);
        Assert.Equal(["exporter.yml: the file exporter.yml is not text in UTF-8; save it as such"], configured.Problems());
    }

    [Fact]
    public void A_problem_is_one_line_however_strange_the_text()
    {
        var problem = Assert.Single(configured.Problems($"\"a\\nb\\e[31m{new string('x', 500)}\": 1"));

        Assert.DoesNotContain(problem, char.IsControl);
        Assert.True(problem.Length < 200, problem);
    }

    [Fact]
    public void Random_bytes_end_in_problems_and_never_in_an_exception()
    {
        var random = new Random(20261121);
        var path = configured.Write("exporter.yml", "");
        configured.Flags[Configuration.ConfigFile] = ["exporter.yml"];
        for (var i = 0; i < 3000; i++)
        {
            var bytes = new byte[random.Next(60)];
            random.NextBytes(bytes);
            if (i % 2 == 0)
            {
                // ASCII reaches the parser; the rest mostly ends at the decoder.
                bytes = [.. bytes.Select(b => (byte)(b & 0x7f))];
            }

            File.WriteAllBytes(path, bytes);
            Assert.All(configured.Problems(), problem => Assert.DoesNotContain('\n', problem));
        }
    }

    public void Dispose() => configured.Dispose();
}
