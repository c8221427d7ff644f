using Exporter.Accounts;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>Settings of an account that another file completes.</summary>
public sealed class SectionDefaultsTests : IDisposable
{
    private static readonly Setting<Uri> Token = (Setting<Uri>)OAuthSettings.All.Single(setting => setting.Key == "token_endpoint");
    private static readonly Setting<TextMap> Parameters = (Setting<TextMap>)OAuthSettings.All.Single(setting => setting.Key == "token_parameters");

    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void A_setting_without_a_value_takes_that_of_the_file_with_its_line()
    {
        var section = Complete(Load("client_id: own"), "client_id: theirs\ntoken_endpoint: https://id.example/token");

        Assert.Equal("own", OAuthOptions.Read(section).Client.Id);
        Assert.Equal("https://id.example/token", section.Find(Token)!.AbsoluteUri);
        Assert.Equal("module.yml:2", section.Origin(Token));
    }

    [Fact]
    public void A_secret_of_the_account_replaces_the_file_of_a_secret()
    {
        var configuration = Load("client_secret: own");
        var section = Complete(configuration, "client_secret_file: none\nclient_id: app\ntoken_endpoint: https://id.example/token");

        Assert.Equal("own", OAuthOptions.Read(section).Client.Secret?.Reveal());
        Assert.Empty(configuration.Problems);
    }

    [Fact]
    public void A_map_is_completed_entry_by_entry()
    {
        var section = Complete(Load("token_parameters: {a: own}"), "token_parameters: {a: theirs, b: theirs}");

        Assert.Equal(["a=own", "b=theirs"], section.Find(Parameters)!.Reveal().Select(entry => $"{entry.Key}={entry.Value}"));
    }

    [Theory]
    [InlineData("token_endpoin: x", "module.yml:1: oauth.token_endpoin: there is no such setting; did you mean token_endpoint?")]
    [InlineData("client_id: app\ntoken_endpoint: id.example",
        "module.yml:2: oauth.token_endpoint: \"id.example\" is not a URL; write http://id.example")]
    [InlineData("scopes: {a: b}", "module.yml:1: oauth.scopes: this must be a list, not a map")]
    [InlineData("client_id: app\ntoken_endpoint: https://id.example/token\ntoken_parameters:\n  client_secret: t0ps3cret",
        "module.yml:4: oauth.token_parameters.client_secret: this parameter is one of OAuth itself and has a setting of its own, or none; remove it")]
    public void A_mistake_in_the_file_is_a_problem_of_the_configuration(string module, string problem)
    {
        var configuration = Load("client_secret: s");
        var section = Complete(configuration, module);
        OAuthOptions.Read(section);

        Assert.Contains(problem, configuration.Problems.Select(p => p.ToString()));
        Assert.True(section.HasProblems);
        Assert.True(configuration.Accounts.Single().Section.HasProblems);
    }

    [Fact]
    public void A_change_of_the_file_makes_the_account_unequal()
    {
        var before = Account("client_id: app");

        Assert.True(before.IsEqualTo(Account("client_id: app")));
        Assert.False(before.IsEqualTo(Account("client_id: other")));

        Section Account(string module)
        {
            var configuration = Load("client_secret: s");
            Complete(configuration, module);
            return configuration.Accounts.Single().Section;
        }
    }

    private static Section Complete(Configuration configuration, string module) => configuration.Accounts.Single().Section.WithDefaults(
        YamlFile.Parse("module.yml", module).Top!.Entries, new DefaultsFile("module.yml", "/", "oauth"), OAuthSettings.All);

    private Configuration Load(string line)
    {
        directory.Write("exporter.yml", $"accounts:\n  a:\n    source: oauth2\n    token_file: t.json\n    {line}\n");
        var flags = new Dictionary<Setting, IReadOnlyList<string>> { [Configuration.ConfigFile] = ["exporter.yml"] };
        return Configuration.Load([], [new SourceSettings("oauth2", OAuthSettings.All)], flags, new Dictionary<string, string>(), directory.Path);
    }
}
