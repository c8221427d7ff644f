using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Accounts;

public sealed class AccountsTests : IDisposable
{
    private readonly Configured configured = new();

    [Fact]
    public void Case_and_dashes_do_not_count_in_a_variable_of_an_account()
    {
        Set("exporter_accounts__My-Car__Vin", "v2");

        var problems = configured.Problems("accounts: {my_car: {source: car, vin: v1, token_file: t}}");

        Assert.Empty(problems);
        Assert.Equal("v2", Assert.Single(configured.Load().Accounts).Section.Find(Configured.Vin));
    }

    [Fact]
    public void Two_spellings_of_one_variable_are_one_too_many()
    {
        Set("EXPORTER_ACCOUNTS__C__SOURCE", "car");
        Set("EXPORTER_ACCOUNTS__C__TOKEN_FILE", "t");
        Set("EXPORTER_ACCOUNTS__C__VIN", "v1");
        Set("EXPORTER_ACCOUNTS__c__VIN", "v2");

        Assert.Equal(["EXPORTER_ACCOUNTS__c__VIN: EXPORTER_ACCOUNTS__C__VIN sets the same; keep one of the two"], configured.Problems());
    }

    [Fact]
    public void The_name_ends_at_the_last_two_underscores()
    {
        Set("EXPORTER_ACCOUNTS__A__B__SOURCE", "car");
        Set("EXPORTER_ACCOUNTS__A__B__VIN", "v");
        Set("EXPORTER_ACCOUNTS__A__B__TOKEN_FILE", "t");

        Assert.Empty(configured.Problems());
        Assert.Equal("a__b", Assert.Single(configured.Load().Accounts).Name);
    }

    [Fact]
    public void An_account_of_the_environment_needs_a_source_and_a_name_that_is_one()
    {
        Set("EXPORTER_ACCOUNTS__C__VIN", "v");
        Set("EXPORTER_ACCOUNTS___D__VIN", "v");
        Set("EXPORTER_ACCOUNTS__E__", "v");

        Assert.Equal(
            [
                "EXPORTER_ACCOUNTS__E__: an account's variable is EXPORTER_ACCOUNTS__NAME__KEY; name both the account and the setting",
                "EXPORTER_ACCOUNTS___D__VIN: an account's name consists of lower-case letters, digits, - and _, begins with a letter or digit and has at most 64 characters; rename it",
                "EXPORTER_ACCOUNTS__C__VIN: need a source; set EXPORTER_ACCOUNTS__C__SOURCE, one of weather, car",
            ],
            configured.Problems().OrderByDescending(p => p.Contains("E__", StringComparison.Ordinal)).ThenBy(p => p.Contains("C__", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_is_missing_in_an_account_of_the_environment_is_asked_for_by_its_variable()
    {
        Set("EXPORTER_ACCOUNTS__HOME__SOURCE", "weather");
        Set("EXPORTER_ACCOUNTS__HOME__TOKEN_FILE", "t");

        Assert.Equal(["EXPORTER_ACCOUNTS__HOME__SOURCE: need a client id; set EXPORTER_ACCOUNTS__HOME__CLIENT_ID"], configured.Problems());
    }

    [Fact]
    public void The_environment_may_say_a_file_s_source()
    {
        Set("EXPORTER_ACCOUNTS__C__SOURCE", "car");

        Assert.Empty(configured.Problems("accounts: {c: {vin: v, token_file: t}}"));
    }

    [Fact]
    public void A_misspelt_source_does_not_hide_what_else_is_wrong_with_the_account() => Assert.Equal(
        [
            "exporter.yml:3: accounts.h.source: there is no source \"wether\"; did you mean weather?",
            "exporter.yml:5: accounts.h.interval: \"1s\" is too small; the least is 10s",
        ],
        configured.Problems("""
            accounts:
              h:
                source: wether
                client_id: c
                interval: 1s
                token_file: t
            """));

    [Fact]
    public void Of_two_sources_with_variables_each_makes_an_account()
    {
        Set("CAR_VIN", "v");
        Set("CAR_TOKEN_FILE", "c");
        Set("CLIENT_ID", "i");
        Set("TOKEN_FILE", "w");

        Assert.Empty(configured.Problems());
        Assert.Equal(["weather", "car"], configured.Load().Accounts.Select(account => account.Name));
    }

    [Fact]
    public void A_file_with_nothing_but_program_settings_leaves_the_accounts_to_the_variables()
    {
        Set("CAR_VIN", "v");
        Set("CAR_TOKEN_FILE", "c");

        Assert.Empty(configured.Problems("addr: x:1"));
        Assert.False(Assert.Single(configured.Load().Accounts).Labelled);
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_not_followed_by_what_it_might_have_said()
    {
        Set("CLIENT_ID", "abc");

        Assert.Single(configured.Problems("accounts: ["));
        Assert.Empty(configured.Load().Accounts);
    }

    [Fact]
    public void One_token_file_under_two_names_is_still_one()
    {
        Directory.CreateDirectory(Path.Combine(configured.DirectoryPath, "real"));
        Directory.CreateSymbolicLink(Path.Combine(configured.DirectoryPath, "link"), "./real");
        File.CreateSymbolicLink(Path.Combine(configured.DirectoryPath, "token.json"), Path.Combine(configured.DirectoryPath, "link/../real/t.json"));

        Assert.Equal(
            ["exporter.yml:3: accounts.b.token_file: token.json is the token file of two accounts, a (exporter.yml:2) and b; give each a file of its own"],
            configured.Problems("""
                accounts:
                  a: {source: car, vin: v, token_file: link/t.json}
                  b: {source: car, vin: v, token_file: token.json}
                """));
    }

    [Fact]
    public void A_link_that_leads_to_itself_is_compared_as_it_is_written()
    {
        File.CreateSymbolicLink(Path.Combine(configured.DirectoryPath, "loop"), "loop");

        Assert.Equal(Path.Combine(configured.DirectoryPath, "loop/t"), TokenFiles.RealPath(Path.Combine(configured.DirectoryPath, "loop/t")));
    }

    private void Set(string variable, string value) => configured.Environment[variable] = value;

    public void Dispose() => configured.Dispose();
}
