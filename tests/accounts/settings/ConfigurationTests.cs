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
    public void A_file_lists_accounts_with_their_settings_and_every_value_knows_its_line()
    {
        var configuration = configured.Load(Good);

        Assert.Empty(configuration.Problems);
        Assert.Equal("127.0.0.1:1", configuration.Program.Get(Configured.Addr));
        var home = configuration.Accounts[0];
        Assert.Equal(("home", "weather", true), (home.Name, home.Source, home.Labelled));
        Assert.Equal(TimeSpan.FromMinutes(9), home.Section.Get(Configured.Interval));
        Assert.Equal(["a", "b"], home.Section.Find(Configured.Scopes)!);
        Assert.Equal("hush", home.Section.Find(Configured.Password)!.Reveal());
        Assert.Equal("exporter.yml:8", home.Section.Origin(Configured.Interval));
        Assert.Equal("default", home.Section.Origin(Configured.Api));
        Assert.Null(home.Section.Origin(Configured.Most));
        Assert.Equal("my-car", configuration.Accounts[1].Name);
    }

    [Fact]
    public void Defaults_are_weaker_than_the_file_the_file_than_the_environment_and_that_than_flags()
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
    public void An_empty_variable_is_one_that_is_not_set()
    {
        configured.Environment["ADDR"] = "";
        configured.Environment["DEBUG_HANDLERS"] = "false";

        var program = configured.Load().Program;

        Assert.Equal(":9210", program.Get(Configured.Addr));
        Assert.False(program.Get(Configured.Debug));
    }

    [Fact]
    public void Without_accounts_a_source_s_own_variables_make_one_account_that_has_no_label()
    {
        configured.Environment["CAR_VIN"] = "WBA1";
        configured.Environment["CAR_TOKEN_FILE"] = "car.json";

        var account = Assert.Single(configured.Load().Accounts);

        Assert.Equal(("car", "car", false), (account.Name, account.Source, account.Labelled));
        Assert.Empty(configured.Problems());
    }

    [Fact]
    public void With_nothing_configured_the_first_source_is_asked_for_and_a_file_is_mentioned()
    {
        var problems = configured.Problems();

        Assert.Equal(3, problems.Length);
        Assert.Contains("need a client id; set --client-id or CLIENT_ID", problems[1], StringComparison.Ordinal);
        Assert.Contains("--config", problems[2], StringComparison.Ordinal);
        Assert.DoesNotContain(problems, p => p.Contains("vin", StringComparison.Ordinal));
    }

    [Fact]
    public void An_account_may_come_from_the_environment_alone_and_a_key_of_one_in_the_file_too()
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
    public void Four_mistakes_are_four_lines_of_one_run_each_naming_its_place()
    {
        Assert.Equal(
        [
            "exporter.yml:5: accounts.home.client_secret_file: there is no file /none/secret; create it, or correct the path",
            "exporter.yml:7: accounts.home.intervall: there is no such setting; did you mean interval?",
            "exporter.yml:12: accounts.cabin.interval: \"90\": a duration needs a unit, for example 90m",
            "exporter.yml:11: accounts.cabin.token_file: home.json is the token file of two accounts, home (exporter.yml:6) and cabin; give each a file of its own",
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
    public void Flags_and_variables_of_a_single_account_are_refused_beside_a_list()
    {
        configured.Environment["CLIENT_ID"] = "abc";
        configured.Flags[Configured.Interval] = ["9m"];

        var problems = configured.Problems(Good);

        Assert.Equal(2, problems.Length);
        Assert.Contains(problems, p => p.StartsWith("CLIENT_ID: ", StringComparison.Ordinal));
        Assert.Contains(problems, p => p.StartsWith("--interval: ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_secret_is_in_no_problem()
    {
        configured.Environment["CLIENT_SECRET"] = "\"canary\"";
        configured.Environment["CLIENT_ID"] = "'abc'";

        var problems = configured.Problems();

        Assert.Contains(problems, p => p.StartsWith("CLIENT_SECRET: the value stands in quotes", StringComparison.Ordinal));
        Assert.DoesNotContain(problems, p => p.Contains("canary", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_prefix_of_a_good_file_and_any_bytes_at_all_end_in_problems_and_never_in_an_exception()
    {
        for (var length = 0; length < Good.Length; length++)
        {
            configured.Load(Good[..length]);
        }
        var random = new Random(20261121);
        string[] crumbs = ["accounts:", "  home:", "\n", "\t", "- ", "{", "}", "[", "]", "<<: *a", "&a ", "*a", "\"", "'", "|", ">", "!!binary ", "%TAG", "---", "...", ": ", "?", "#", "\0", "é", "interval: 8"];
        for (var i = 0; i < 3000; i++)
        {
            configured.Load(string.Concat(Enumerable.Range(0, random.Next(1, 20)).Select(_ => crumbs[random.Next(crumbs.Length)])));
        }
    }

    public void Dispose() => configured.Dispose();
}
