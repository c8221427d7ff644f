using Exporter.Accounts;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>Settings whose values are maps, in the file and in the environment.</summary>
public sealed class MapTests : IDisposable
{
    private static readonly Setting<TextMap> Map = Settings.Map("token_parameters", "Parameters.");
    private static readonly SourceSettings Source = new("any", [Map, Settings.Map("settings", "Settings."), Settings.Text("about", "Text.")]);

    private readonly TemporaryDirectory directory = new();
    private readonly Dictionary<string, string> environment = [];

    public void Dispose() => directory.Dispose();

    [Fact]
    public void A_map_in_the_file_keeps_its_order_and_the_case_of_its_keys() =>
        Assert.Equal("Zone=a,audience=https://api.example", Read("token_parameters: {Zone: a, audience: 'https://api.example'}"));

    [Theory]
    [InlineData("EXPORTER_ACCOUNTS__A__TOKEN_PARAMETERS__AUDIENCE", "https://api.example", "audience=https://api.example")]
    [InlineData("exporter_accounts__a__token-parameters__My__Key", "x", "my__key=x")]
    [InlineData("EXPORTER_ACCOUNTS__A__TOKEN_PARAMETERS", "audience=https://api.example?a=b, resource=x",
        "audience=https://api.example?a=b,resource=x")]
    public void A_variable_sets_one_entry_or_all(string variable, string text, string expected)
    {
        environment[variable] = text;

        Assert.Equal(expected, Read("about: x"));
    }

    [Fact]
    public void A_variable_replaces_one_entry_of_the_file_and_leaves_the_others()
    {
        environment["EXPORTER_ACCOUNTS__A__TOKEN_PARAMETERS__B"] = "new";
        environment["EXPORTER_ACCOUNTS__A__TOKEN_PARAMETERS"] = "c=3";

        Assert.Equal("a=1,b=new,c=3", Read("token_parameters: {a: 1, b: 2}"));
    }

    [Fact]
    public void The_name_of_an_account_may_end_like_a_map()
    {
        environment["EXPORTER_ACCOUNTS__MY__SETTINGS__ABOUT"] = "x";

        var section = Load("accounts:\n  my__settings: {source: any}\n").Accounts.Single().Section;

        Assert.Equal("x", section.Find((Setting<string>)Source.Settings[2]));
    }

    [Theory]
    [InlineData("token_parameters: x",
        "exporter.yml:4: accounts.a.token_parameters: this must be a map; write each entry as NAME: TEXT on a line below it")]
    [InlineData("token_parameters: [x]",
        "exporter.yml:4: accounts.a.token_parameters: this must be a map; write each entry as NAME: TEXT on a line below it")]
    [InlineData("token_parameters: {}", "exporter.yml:4: accounts.a.token_parameters: this map is empty; write an entry, or remove the setting")]
    [InlineData("token_parameters:", "exporter.yml:4: accounts.a.token_parameters: there is no value; write one, or remove the setting")]
    [InlineData("token_parameters: {a: [x]}", "exporter.yml:4: accounts.a.token_parameters: the value of a must be a single text")]
    [InlineData("token_parameters:\n      a: x\n      b:",
        "exporter.yml:6: accounts.a.token_parameters.b: there is no value; write one, or remove the setting")]
    [InlineData("token_parameters: {a: \"x\\ny\"}", "exporter.yml:4: accounts.a.token_parameters.a: the value contains a line break or another "
        + "control character; write only the value, in one line")]
    [InlineData("about: {a: x}", "exporter.yml:4: accounts.a.about: this must be a single value, not a map")]
    public void A_mistake_in_the_file_has_its_line_and_the_fix(string yaml, string problem) => Assert.Equal([problem], Problems(yaml));

    [Theory]
    [InlineData("TOKEN_PARAMETERS", "t0ps3cret", "each part between commas must be NAME=TEXT; "
        + "for a text with a comma, set a variable of its own that ends with __NAME")]
    [InlineData("TOKEN_PARAMETERS", "a=t0ps3cret,a=y", "this sets a twice; keep one of the two")]
    [InlineData("TOKEN_PARAMETERS__A", "'t0ps3cret'", "the value includes its quotes ('…'); remove them")]
    [InlineData("TOKEN_PARAMETER__A", "t0ps3cret", "there is no such setting; did you mean EXPORTER_ACCOUNTS__A__TOKEN_PARAMETERS__A?")]
    [InlineData("TOKEN_PARAMETERS__", "t0ps3cret", "an account's variable is EXPORTER_ACCOUNTS__NAME__KEY; name both the account and the setting")]
    public void A_mistake_in_a_variable_has_the_fix_and_not_the_text(string variable, string text, string problem)
    {
        environment[$"EXPORTER_ACCOUNTS__A__{variable}"] = text;

        Assert.Equal([$"EXPORTER_ACCOUNTS__A__{variable}: {problem}"], Problems("about: x"));
    }

    [Fact]
    public void Two_variables_for_one_entry_are_a_problem()
    {
        environment["EXPORTER_ACCOUNTS__A__TOKEN_PARAMETERS"] = "a=1";
        environment["EXPORTER_ACCOUNTS__A__TOKEN_PARAMETERS__A"] = "2";

        Assert.Equal(["EXPORTER_ACCOUNTS__A__TOKEN_PARAMETERS__A: EXPORTER_ACCOUNTS__A__TOKEN_PARAMETERS sets the same; keep one of the two"],
            Problems("about: x"));
    }

    [Fact]
    public void A_map_is_equal_if_its_keys_and_texts_are_equal()
    {
        var one = Section("token_parameters: {a: 1, b: 2}");

        Assert.True(one.IsEqualTo(Section("token_parameters: {b: 2, a: 1}")));
        Assert.False(one.IsEqualTo(Section("token_parameters: {a: 1, b: 3}")));
        Assert.False(one.IsEqualTo(Section("token_parameters: {a: 1}")));
        Assert.Equal("{a, b}", one.Find(Map)!.ToString());
    }

    private string Read(string yaml)
    {
        var configuration = Load($"accounts:\n  a:\n    source: any\n    {yaml}\n");
        Assert.Empty(configuration.Problems);
        return string.Join(',', configuration.Accounts.Single().Section.Find(Map)!.Reveal().Select(entry => $"{entry.Key}={entry.Value}"));
    }

    private Section Section(string yaml) => Load($"accounts:\n  a:\n    source: any\n    {yaml}\n").Accounts.Single().Section;

    private string[] Problems(string yaml) => [.. Load($"accounts:\n  a:\n    source: any\n    {yaml}\n").Problems.Select(p => p.ToString())];

    private Configuration Load(string yaml)
    {
        directory.Write("exporter.yml", yaml);
        var flags = new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = ["exporter.yml"] };
        return Configuration.Load([], [Source], flags, environment, directory.Path);
    }
}
