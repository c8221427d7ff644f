using System.Text;
using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>Hostile files, and YAML beyond KEY: VALUE.</summary>
public sealed class YamlFileTests : IDisposable
{
    private readonly Configured configured = new();

    public YamlFileTests()
    {
        configured.Environment["CAR_VIN"] = "v";
        configured.Environment["CAR_TOKEN_FILE"] = "t";
    }

    [Theory]
    [InlineData("? [a]\n: b", "exporter.yml:1: a key must be a plain name; write the name out")]
    [InlineData("addr: !!binary aGk=", "exporter.yml:1: the tag \"tag:yaml.org,2002:binary\" is not supported; remove it")]
    [InlineData("addr: !e!x a", "exporter.yml:1:7: this is not YAML: a tag (!…) is not supported here; remove it")]
    [InlineData("addr: *x", "exporter.yml:1: there is no anchor &x before this line; write the value out")]
    [InlineData("debug: &x {a: b}\naddr: *x", "exporter.yml:2: the alias *x refers to more than one value; write the settings out")]
    [InlineData("addr: a: b", "exporter.yml:1:8: this is not YAML: a value that contains a colon and a space needs quotes; write KEY: \"VALUE\"")]
    [InlineData("addr: \"a", "exporter.yml:1:7: this is not YAML: the quote that starts here is never closed; write a closing quote")]
    [InlineData("addr: [1, 2\ndebug: true",
        "exporter.yml:1: this is not YAML: the [ or { on this line is never closed; close it, or indent all lines up to its end")]
    [InlineData("addr: ~", "exporter.yml:1: addr: there is no value; write one, or remove the setting")]
    [InlineData("addr: ''", "exporter.yml:1: addr: there is no value; write one, or remove the setting")]
    public void Unsupported_YAML_is_a_problem_with_its_line(string yaml, string problem) => Assert.Contains(problem, configured.Problems(yaml));

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("---\n")]
    [InlineData("{}")]
    [InlineData("addr: 'x:1'")]
    [InlineData("addr: !!str x:1\n...\n")]
    [InlineData("addr: &a x:1\ndebug: false")]
    public void Harmless_YAML_is_accepted(string yaml) => Assert.Empty(configured.Problems(yaml));

    [Theory]
    [InlineData("list: [\n\t\n a\n ]")]
    [InlineData("list: [ a,\n \t \r\n\t\n b\n ]\nnext: |\n text")]
    public void A_line_of_white_space_in_a_list_may_contain_a_tab(string yaml)
    {
        var (top, problems) = YamlFile.Parse("exporter.yml", yaml);

        Assert.Empty(problems);
        Assert.Equal("list", Assert.IsType<YamlValue.List>(top!.Entries[0].Value).Items is { Count: > 0 } ? top.Entries[0].Key : null);
    }

    [Fact]
    public void An_alias_has_the_value_of_its_anchor_and_its_own_line()
    {
        configured.Environment.Clear();

        Assert.Empty(configured.Problems("""
            accounts:
              a:
                source: weather
                client_id: &id abc
                token_file: a
              b: {source: weather, client_id: *id, token_file: b}
            """));
        var section = configured.Load().Accounts[1].Section;
        Assert.Equal(("abc", "exporter.yml:6"), (section.Find(Configured.Id), section.Origin(Configured.Id)));
    }

    [Theory]
    [InlineData("[", 100_000)]
    [InlineData("{a: ", 100_000)]
    [InlineData("- ", 100_000)]
    [InlineData("? ", 100_000)]
    public void Deep_nesting_is_a_problem_and_does_not_overflow_the_stack(string opening, int levels) =>
        Assert.Equal(
            ["exporter.yml:1: this is nested more than 16 levels deep; no setting is"],
            configured.Problems(string.Concat(Enumerable.Repeat(opening, levels))));

    [Fact]
    public void Aliases_cannot_make_a_small_file_large()
    {
        var laughs = new StringBuilder("a0: &a0 [x, x]\n");
        for (var i = 1; i < 40; i++)
        {
            laughs.Append(System.Globalization.CultureInfo.InvariantCulture, $"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n");
        }

        laughs.Append("? [*a39]\n: 1\n? [*a39]\n: 2\n");

        Assert.Contains(
            configured.Problems(laughs.ToString()),
            p => p.EndsWith("the alias *a0 refers to more than one value; write the settings out", StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_that_is_too_large_or_not_text_is_a_problem()
    {
        Assert.Equal(
            ["exporter.yml: the file exporter.yml has more than 1024 kB; name another one"],
            configured.Problems(new string('#', YamlFile.Largest + 1)));

        File.WriteAllBytes(Path.Combine(configured.DirectoryPath, "exporter.yml"), [0x61, 0xff]);
        Assert.Equal(["exporter.yml: the file exporter.yml is not text in UTF-8; save it as such"], configured.Problems());
    }

    [Fact]
    public void A_problem_is_always_one_line()
    {
        var problem = Assert.Single(configured.Problems($"\"a\\nb\\e[31m{new string('x', 500)}\": 1"));

        Assert.DoesNotContain(problem, char.IsControl);
        Assert.True(problem.Length < 200, problem);
    }

    [Fact]
    public void Random_bytes_cause_problems_and_never_an_exception()
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
                // Only ASCII reaches the parser; the decoder rejects most other bytes.
                bytes = [.. bytes.Select(b => (byte)(b & 0x7f))];
            }

            File.WriteAllBytes(path, bytes);
            Assert.All(configured.Problems(), problem => Assert.DoesNotContain('\n', problem));
        }
    }

    public void Dispose() => configured.Dispose();
}
