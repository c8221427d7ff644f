using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Accounts;

public sealed class SettingsTableTests
{
    private static readonly Setting[] Declared =
    [
        Configured.Addr, Configured.Debug, Configured.Password, Configured.Most,
        Settings.Choice("level", "How loud.", [("info", 1), ("debug", 2)], flag: "level", @default: "info"),
        Settings.Duration("a_setting_with_a_long_name", "Long.", flag: "a-setting-with-a-long-name"),
    ];

    [Fact]
    public void The_readme_s_table_has_a_line_for_each_setting_and_for_the_file_of_a_secret() => Assert.Equal(
        """
        | key | flag | variable | default | meaning |
        | --- | --- | --- | --- | --- |
        | `addr` | `-a, --addr` | `ADDR` | `:9210` | Where to listen. |
        | `debug` | `--debug` | `DEBUG_HANDLERS` | `false` | Says more. |
        | `client_secret` | `--client-secret` | `CLIENT_SECRET` |  | Client secret. |
        | `client_secret_file` | `--client-secret-file` | `CLIENT_SECRET_FILE` |  | File that holds the client secret. |
        | `most` |  |  |  | How many. |
        | `level` | `--level` |  | `info` | How loud. |
        | `a_setting_with_a_long_name` | `--a-setting-with-a-long-name` |  |  | Long. |

        """,
        SettingsTable.Markdown(Declared));

    [Fact]
    public void The_help_has_flags_in_columns() => Assert.Equal(
        """
          -a, --addr TEXT                 Where to listen. [ADDR; default :9210]
              --debug                     Says more. [DEBUG_HANDLERS]
              --client-secret SECRET      Client secret. [CLIENT_SECRET]
              --client-secret-file FILE   File that holds the client secret. [CLIENT_SECRET_FILE]
              most: NUMBER                How many.
              --level info|debug          How loud. [default info]
              --a-setting-with-a-long-name DURATION
                                          Long.

        """,
        SettingsTable.Text(Declared));

    [Fact]
    public void A_default_that_is_no_good_cannot_be_declared() =>
        Assert.Throws<ArgumentException>(() => Settings.Duration("interval", "How often.", @default: "8"));

    [Theory]
    [InlineData("intervall", "interval")]
    [InlineData("Refresh-Interval", "refresh_interval")]
    [InlineData("--tokne-file", "token_file")]
    [InlineData("vni", "vin")]
    [InlineData("colour", null)]
    [InlineData("", null)]
    public void The_nearest_is_named_only_if_it_is_near(string word, string? nearest) =>
        Assert.Equal(nearest, Nearest.To(word, ["interval", "refresh_interval", "token_file", "vin"]));

    [Theory]
    [InlineData("true", true)]
    [InlineData("1", true)]
    [InlineData("Yes", true)]
    [InlineData(" on ", true)]
    [InlineData("T", true)]
    [InlineData("False", false)]
    [InlineData("0", false)]
    [InlineData("no", false)]
    [InlineData("OFF", false)]
    public void Yes_and_no_have_many_spellings(string text, bool value) =>
        Assert.Equal(Parsed.Value<object>(value), Configured.Debug.ReadObject(Given.Default(text, "/")));

    [Fact]
    public void A_rule_between_settings_is_reported_where_the_setting_was_said()
    {
        using var configured = new Configured();
        configured.Environment["CAR_VIN"] = "v";
        configured.Environment["CAR_TOKEN_FILE"] = "t";
        configured.Environment["ADDR"] = "x";
        var configuration = configured.Load("debug: true");

        configuration.Program.Problem(Configured.Debug, "is shorter than addr; make it longer");
        configuration.Program.Problem(Configured.Addr, "is longer than debug; make it shorter");

        Assert.True(configuration.Program.HasProblems);
        Assert.Equal(["exporter.yml:1: debug: is shorter than addr; make it longer", "ADDR: is longer than debug; make it shorter"], configuration.Problems.Select(p => p.ToString()));
    }

    [Fact]
    public void A_setting_that_was_not_declared_is_a_mistake_of_the_program()
    {
        using var configured = new Configured();

        Assert.Throws<InvalidOperationException>(() => configured.Load().Program.Find(Configured.Vin));
    }
}
