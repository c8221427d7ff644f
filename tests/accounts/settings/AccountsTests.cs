using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Accounts;

public sealed class AccountsTests : IDisposable
{
    private readonly Configured configured = new();

    [Fact]
    public void Case_and_dashes_do_not_matter_in_a_variable_of_an_account()
    {
        Set("exporter_accounts__My-Car__Vin", "v2");

        var problems = configured.Problems("accounts: {my_car: {source: car, vin: v1, token_file: t}}");

        Assert.Empty(problems);
        Assert.Equal("v2", Assert.Single(configured.Load().Accounts).Section.Find(Configured.Vin));
    }

    [Fact]
    public void Two_spellings_of_one_variable_are_a_problem()
    {
        Set("EXPORTER_ACCOUNTS__C__SOURCE", "car");
        Set("EXPORTER_ACCOUNTS__C__TOKEN_FILE", "t");
        Set("EXPORTER_ACCOUNTS__C__VIN", "v1");
        Set("EXPORTER_ACCOUNTS__c__VIN", "v2");

        Assert.Equal(["EXPORTER_ACCOUNTS__c__VIN: EXPORTER_ACCOUNTS__C__VIN sets the same; keep one of the two"], configured.Problems());
    }

    [Fact]
    public void The_last_two_underscores_separate_the_name_from_the_key()
    {
        Set("EXPORTER_ACCOUNTS__A__B__SOURCE", "car");
        Set("EXPORTER_ACCOUNTS__A__B__VIN", "v");
        Set("EXPORTER_ACCOUNTS__A__B__TOKEN_FILE", "t");

        Assert.Empty(configured.Problems());
        Assert.Equal("a__b", Assert.Single(configured.Load().Accounts).Name);
    }

    [Fact]
    public void An_account_in_the_environment_needs_a_source_and_a_valid_name()
    {
        Set("EXPORTER_ACCOUNTS__C__VIN", "v");
        Set("EXPORTER_ACCOUNTS___D__VIN", "v");
        Set("EXPORTER_ACCOUNTS__E__", "v");

        Assert.Equal(
            [
                "EXPORTER_ACCOUNTS__E__: an account's variable is EXPORTER_ACCOUNTS__NAME__KEY; name both the account and the setting",
                "EXPORTER_ACCOUNTS___D__VIN: an account's name has at most 64 lowercase letters, digits, - and _ "
                    + "and starts with a letter or digit; rename it",
                "EXPORTER_ACCOUNTS__C__VIN: need a source; set EXPORTER_ACCOUNTS__C__SOURCE, one of weather, car",
            ],
            configured.Problems()
                .OrderByDescending(p => p.Contains("E__", StringComparison.Ordinal)).ThenBy(p => p.Contains("C__", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_missing_setting_of_an_account_in_the_environment_is_reported_with_its_variable()
    {
        Set("EXPORTER_ACCOUNTS__HOME__SOURCE", "weather");
        Set("EXPORTER_ACCOUNTS__HOME__TOKEN_FILE", "t");

        Assert.Equal(["EXPORTER_ACCOUNTS__HOME__SOURCE: need a client id; set EXPORTER_ACCOUNTS__HOME__CLIENT_ID"], configured.Problems());
    }

    [Fact]
    public void The_environment_may_set_the_source_of_an_account_in_the_file()
    {
        Set("EXPORTER_ACCOUNTS__C__SOURCE", "car");

        Assert.Empty(configured.Problems("accounts: {c: {vin: v, token_file: t}}"));
    }

    [Fact]
    public void A_misspelled_source_does_not_hide_other_problems_of_the_account() => Assert.Equal(
        [
            "exporter.yml:3: accounts.h.source: there is no source \"wether\"; did you mean weather?",
            "exporter.yml:5: accounts.h.interval: \"1s\" is too small; the minimum is 10s",
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
    public void Each_source_with_variables_has_an_account()
    {
        Set("CAR_VIN", "v");
        Set("CAR_TOKEN_FILE", "c");
        Set("CLIENT_ID", "i");
        Set("TOKEN_FILE", "w");

        Assert.Empty(configured.Problems());
        Assert.Equal(["weather", "car"], configured.Load().Accounts.Select(account => account.Name));
    }

    [Fact]
    public void Variables_create_an_account_if_the_file_has_only_program_settings()
    {
        Set("CAR_VIN", "v");
        Set("CAR_TOKEN_FILE", "c");

        Assert.Empty(configured.Problems("addr: x:1"));
        Assert.False(Assert.Single(configured.Load().Accounts).HasAccountLabel);
    }

    [Fact]
    public void An_unreadable_file_is_the_only_problem()
    {
        Set("CLIENT_ID", "abc");

        Assert.Single(configured.Problems("accounts: ["));
        Assert.Empty(configured.Load().Accounts);
    }

    [Fact]
    public void Two_links_to_one_token_file_are_a_problem()
    {
        Directory.CreateDirectory(Path.Combine(configured.DirectoryPath, "real"));
        Directory.CreateSymbolicLink(Path.Combine(configured.DirectoryPath, "link"), "./real");
        File.CreateSymbolicLink(Path.Combine(configured.DirectoryPath, "token.json"), Path.Combine(configured.DirectoryPath, "link/../real/t.json"));

        Assert.Equal(
            ["exporter.yml:3: accounts.b.token_file: token.json is the token file of two accounts, a (exporter.yml:2) and b; give each its own file"],
            configured.Problems("""
                accounts:
                  a: {source: car, vin: v, token_file: link/t.json}
                  b: {source: car, vin: v, token_file: token.json}
                """));
    }

    [Fact]
    public void A_link_to_itself_stays_in_the_path()
    {
        File.CreateSymbolicLink(Path.Combine(configured.DirectoryPath, "loop"), "loop");

        Assert.Equal(Path.Combine(configured.DirectoryPath, "loop/t"), AtomicFile.RealPath(Path.Combine(configured.DirectoryPath, "loop/t")));
    }

    private void Set(string variable, string value) => configured.Environment[variable] = value;

    public void Dispose() => configured.Dispose();
}
