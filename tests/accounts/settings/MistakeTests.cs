using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>One invalid file for each rule, with its message.</summary>
public sealed class MistakeTests : IDisposable
{
    private readonly Configured configured = new();

    [Theory]
    [InlineData("adr: x", "exporter.yml:1: adr: there is no such setting; did you mean addr?")]
    [InlineData("vin: x", "exporter.yml:1: vin: this is a setting of an account; write it below the account's name under accounts:")]
    [InlineData("addr: [a]", "exporter.yml:1: addr: this must be a single value, not a list")]
    [InlineData("addr: {a: b}", "exporter.yml:1: addr: this must be a single value, not a map")]
    [InlineData("addr:", "exporter.yml:1: addr: there is no value; write one, or remove the setting")]
    [InlineData("addr: a\naddr: b", "exporter.yml:2: duplicate key addr, first on line 1; keep one")]
    [InlineData("<<: {addr: a}", "exporter.yml:1: merge keys (<<) are not supported; write the settings out")]
    [InlineData("a: [", "exporter.yml:1: this is not YAML: the [ or { on this line is never closed; close it, or indent all lines up to its end")]
    [InlineData("accounts:\n  m:\n    source: oauth2\n    scopes: [a,\nb]",
        "exporter.yml:4: this is not YAML: the [ or { on this line is never closed; close it, or indent all lines up to its end")]
    [InlineData("a:\n  b: [x, {c: d,\ne: f}]",
        "exporter.yml:2: this is not YAML: the [ or { on this line is never closed; close it, or indent all lines up to its end")]
    [InlineData("k: {\nk\n:\nv\n}",
        "exporter.yml:1: this is not YAML: the [ or { on this line is never closed; close it, or indent all lines up to its end")]
    [InlineData("accounts:\n\thome:", "exporter.yml:2: this line is indented with a tab; indent with spaces")]
    [InlineData("--- {}\n--- {}", "exporter.yml:2: a second document starts here; put everything into one")]
    [InlineData("- a", "exporter.yml:1: a configuration file consists of lines with KEY: VALUE; write it so")]
    [InlineData("debug: maybe", "exporter.yml:1: debug: \"maybe\" is neither true nor false; write one of the two")]
    [InlineData("accounts: {}",
        "exporter.yml:1: accounts: this must be a map of accounts; write at least one NAME: with its settings below it")]
    [InlineData("accounts: {home: x}",
        "exporter.yml:1: accounts.home: an account is a map of its settings; write at least source: below its name")]
    [InlineData("accounts: {h: {vin: x}}", "exporter.yml:1: accounts.h: need a source; write source: below its name, one of weather, car")]
    [InlineData("accounts: {h: {source: carr, vin: v, token_file: t}}",
        "exporter.yml:1: accounts.h.source: there is no source \"carr\"; did you mean car?")]
    [InlineData("accounts: {Home: {source: car, vin: v, token_file: t}}",
        "exporter.yml:1: accounts.Home: an account's name has at most 64 lowercase letters, digits, - and _ "
        + "and starts with a letter or digit; rename it")]
    [InlineData("accounts:\n  a-b: {source: car, vin: v, token_file: t}\n  a_b: {source: car, vin: v, token_file: u}",
        "exporter.yml:3: accounts.a_b: in a variable this name is the same as a-b (exporter.yml:2); rename one of the two")]
    [InlineData("accounts: {h: {source: car, token_file: t}}", "exporter.yml:1: accounts.h: need a vin; set vin or EXPORTER_ACCOUNTS__H__VIN")]
    public void A_mistake_is_one_sentence_with_its_place_and_the_fix(string yaml, string expected)
    {
        // Variables configure the rest, so that each case has only one problem.
        if (!yaml.StartsWith("accounts", StringComparison.Ordinal))
        {
            configured.Environment["CAR_VIN"] = "v";
            configured.Environment["CAR_TOKEN_FILE"] = "t";
        }

        Assert.Equal([expected], configured.Problems(yaml));
    }

    [Theory]
    [InlineData("8m", 480)]
    [InlineData("90s", 90)]
    [InlineData("1h30m", 5400)]
    [InlineData("1.5h", 5400)]
    [InlineData("2d", 172800)]
    [InlineData("10000ms", 10)]
    [InlineData("+1m", 60)]
    [InlineData(".5m", 30)]
    public void Durations_have_the_syntax_of_Go(string text, int seconds) =>
        Assert.Equal((TimeSpan.FromSeconds(seconds), null), (GoDuration.Parse(text).Value, GoDuration.Parse(text).Failure));

    [Theory]
    [InlineData("8")]
    [InlineData("")]
    [InlineData("m")]
    [InlineData("8 m")]
    [InlineData("8x")]
    [InlineData("1h30")]
    [InlineData("--1m")]
    [InlineData("1.2.3s")]
    [InlineData("99999999999999999999h")]
    public void An_invalid_duration_is_a_problem_and_not_zero(string text)
    {
        configured.Flags[Configured.Interval] = [text];

        Assert.Contains(configured.Problems(), p => p.StartsWith("--interval: ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("interval: 9s", "10s")]
    [InlineData("most: 10", "9")]
    [InlineData("most: one", "whole number")]
    [InlineData("api_url: nowhere", "http")]
    [InlineData("api_url: ftp://x", "http")]
    public void A_value_out_of_bounds_is_reported_with_the_bound(string line, string bound)
    {
        var problem = Assert.Single(configured.Problems($"accounts: {{h: {{source: weather, client_id: c, token_file: t, {line}}}}}"));

        Assert.StartsWith("exporter.yml:1: accounts.h.", problem, StringComparison.Ordinal);
        Assert.Contains(bound, problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("missing.yml", "there is no file missing.yml")]
    [InlineData(".", "directory")]
    public void An_unreadable_configuration_file_is_the_only_problem(string path, string reason)
    {
        configured.Flags[Configuration.ConfigFile] = [path];

        Assert.Contains(reason, Assert.Single(configured.Problems()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("EXPORTER_ACCOUNTS__VIN", "name both the account and the setting")]
    [InlineData("EXPORTER_ACCOUNTS__C__VINN", "did you mean EXPORTER_ACCOUNTS__C__VIN?")]
    public void A_misspelled_variable_of_an_account_is_reported(string variable, string fix)
    {
        configured.Environment["EXPORTER_ACCOUNTS__C__SOURCE"] = "car";
        configured.Environment["EXPORTER_ACCOUNTS__C__VIN"] = "v";
        configured.Environment["EXPORTER_ACCOUNTS__C__TOKEN_FILE"] = "t";
        configured.Environment[variable] = "x";

        var problem = Assert.Single(configured.Problems());

        Assert.StartsWith($"{variable}: ", problem, StringComparison.Ordinal);
        Assert.Contains(fix, problem, StringComparison.Ordinal);
    }

    public void Dispose() => configured.Dispose();
}
