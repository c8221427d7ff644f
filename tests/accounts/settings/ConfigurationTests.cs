using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Accounts;

public sealed class ConfigurationTests : IDisposable
{
    private const string Good = """
        addr: 127.0.0.1:1
        accounts:
          home:
            source: weather
            token_file: home.json
            client_id: abc
            client_secret: hush
            interval: 9m
            scopes: [a, b]
          my-car:
            source: car
            token_file: car.json
            vin: WBA1

        """;

    private readonly Configured configured = new();

    [Fact]
    public void A_file_lists_accounts_and_every_value_has_its_line()
    {
        var configuration = configured.Load(Good);

        Assert.Empty(configuration.Problems);
        Assert.Equal("127.0.0.1:1", configuration.Program.Get(Configured.Addr));
        var home = configuration.Accounts[0];
        Assert.Equal(("home", "weather", true), (home.Name, home.Source, home.HasAccountLabel));
        Assert.Equal(TimeSpan.FromMinutes(9), home.Section.Get(Configured.Interval));
        Assert.Equal(["a", "b"], home.Section.Find(Configured.Scopes)!);
        Assert.Equal("hush", home.Section.Find(Configured.Password)!.Reveal());
        Assert.Equal("exporter.yml:8", home.Section.Origin(Configured.Interval));
        Assert.Equal("default", home.Section.Origin(Configured.Api));
        Assert.Null(home.Section.Origin(Configured.Most));
        Assert.Equal("my-car", configuration.Accounts[1].Name);
    }

    [Fact]
    public void Flags_override_the_environment_which_overrides_the_file_which_overrides_defaults()
    {
        Assert.Equal((":9210", "default"), Addr());
        configured.Load("addr: file:1\naccounts: {c: {source: car, vin: v, token_file: t}}");
        Assert.Equal(("file:1", "exporter.yml:1"), Addr());
        configured.Write(".env", "export ADDR='dotenv:1' # here\n");
        Assert.Equal(("dotenv:1", ".env:1"), Addr());
        configured.Environment["ADDR"] = "env:1";
        Assert.Equal(("env:1", "ADDR"), Addr());
        configured.Flags[Configured.Addr] = ["flag:1", "flag:2"];
        Assert.Equal(("flag:2", "--addr"), Addr());

        (string, string?) Addr() => (configured.Load().Program.Get(Configured.Addr), configured.Load().Program.Origin(Configured.Addr));
    }

    [Fact]
    public void An_empty_variable_counts_as_not_set()
    {
        configured.Environment["ADDR"] = "";
        configured.Environment["DEBUG_HANDLERS"] = "false";

        var program = configured.Load().Program;

        Assert.Equal(":9210", program.Get(Configured.Addr));
        Assert.False(program.Get(Configured.Debug));
    }

    [Theory]
    [InlineData("addr:")]
    [InlineData("addr: ''")]
    [InlineData("addr: [a]")]
    public void An_invalid_value_is_a_problem_and_the_default_applies(string yaml)
    {
        var configuration = configured.Load(yaml);

        Assert.Contains(configuration.Problems, problem => problem.ToString().StartsWith("exporter.yml:1: addr: ", StringComparison.Ordinal));
        Assert.Equal(":9210", configuration.Program.Get(Configured.Addr));
    }

    [Fact]
    public void Without_listed_accounts_a_sources_variables_create_one_account_without_a_label()
    {
        configured.Environment["CAR_VIN"] = "WBA1";
        configured.Environment["CAR_TOKEN_FILE"] = "car.json";

        var account = Assert.Single(configured.Load().Accounts);

        Assert.Equal(("car", "car", false), (account.Name, account.Source, account.HasAccountLabel));
        Assert.Empty(configured.Problems());
    }

    [Fact]
    public void Without_any_configuration_the_settings_of_the_first_source_are_reported_as_missing()
    {
        var problems = configured.Problems();

        Assert.Equal(3, problems.Length);
        Assert.Contains("need a client id; set --client-id or CLIENT_ID", problems[1], StringComparison.Ordinal);
        Assert.Contains("--config", problems[2], StringComparison.Ordinal);
        Assert.DoesNotContain(problems, p => p.Contains("vin", StringComparison.Ordinal));
    }

    [Fact]
    public void The_environment_may_add_an_account_and_override_one_in_the_file()
    {
        configured.Environment["EXPORTER_ACCOUNTS__MY_CAR__VIN"] = "WBA2";
        configured.Environment["EXPORTER_ACCOUNTS__CABIN__SOURCE"] = "weather";
        configured.Environment["EXPORTER_ACCOUNTS__CABIN__CLIENT_ID"] = "xyz";
        configured.Environment["EXPORTER_ACCOUNTS__CABIN__CLIENT_SECRET_FILE"] = configured.Write("secret", "whisper\n");
        configured.Environment["EXPORTER_ACCOUNTS__CABIN__TOKEN_FILE"] = "cabin.json";

        var configuration = configured.Load(Good);

        Assert.Empty(configuration.Problems);
        Assert.Equal("WBA2", configuration.Accounts[1].Section.Find(Configured.Vin));
        Assert.Equal("EXPORTER_ACCOUNTS__MY_CAR__VIN", configuration.Accounts[1].Section.Origin(Configured.Vin));
        Assert.Equal("cabin", configuration.Accounts[2].Name);
        Assert.Equal(new Secret("whisper"), configuration.Accounts[2].Section.Find(Configured.Password));
    }

    [Fact]
    public void One_run_reports_all_problems_with_their_places()
    {
        Assert.Equal(
        [
            "exporter.yml:5: accounts.home.client_secret_file: there is no file /none/secret; create it, or correct the path",
            "exporter.yml:7: accounts.home.intervall: there is no such setting; did you mean interval?",
            "exporter.yml:12: accounts.cabin.interval: \"90\": a duration needs a unit, for example 90m",
            "exporter.yml:11: accounts.cabin.token_file: home.json is the token file of two accounts, home (exporter.yml:6) and cabin; "
                + "give each its own file",
        ],
        configured.Problems("""
            accounts:
              home:
                source: weather
                client_id: a
                client_secret_file: /none/secret
                token_file: home.json
                intervall: 9m
              cabin:
                source: weather
                client_id: b
                token_file: ./home.json
                interval: 90
            """).OrderBy(p => p.Contains("two accounts", StringComparison.Ordinal)));
    }

    [Fact]
    public void Flags_and_variables_of_a_single_account_are_rejected_if_accounts_are_listed()
    {
        configured.Environment["CLIENT_ID"] = "abc";
        configured.Flags[Configured.Interval] = ["9m"];

        var problems = configured.Problems(Good);

        Assert.Equal(2, problems.Length);
        Assert.Contains(problems, p => p.StartsWith("CLIENT_ID: ", StringComparison.Ordinal));
        Assert.Contains(problems, p => p.StartsWith("--interval: ", StringComparison.Ordinal));
    }

    [Fact]
    public void No_problem_contains_a_secret()
    {
        configured.Environment["CLIENT_SECRET"] = "\"canary\"";
        configured.Environment["CLIENT_ID"] = "'abc'";

        var problems = configured.Problems();

        Assert.Contains(problems, p => p.StartsWith("CLIENT_SECRET: the value includes its quotes", StringComparison.Ordinal));
        Assert.DoesNotContain(problems, p => p.Contains("canary", StringComparison.Ordinal));
    }

    [Fact]
    public void Invalid_files_cause_problems_and_never_an_exception()
    {
        for (var length = 0; length < Good.Length; length++)
        {
            configured.Load(Good[..length]);
        }
        var random = new Random(20261121);
        string[] tokens =
        [
            "accounts:", "  home:", "\n", "\t", "- ", "{", "}", "[", "]", "<<: *a", "&a ", "*a", "\"", "'", "|", ">", "!!binary ", "%TAG", "---",
            "...", ": ", "?", "#", "\0", "é", "interval: 8",
        ];
        for (var i = 0; i < 3000; i++)
        {
            configured.Load(string.Concat(random.GetItems(tokens, random.Next(1, 20))));
        }
    }

    public void Dispose() => configured.Dispose();
}
