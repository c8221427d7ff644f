using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
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
    public void The_Markdown_table_has_a_line_for_each_setting_and_for_the_file_of_a_secret() => Assert.Equal(
        """
        | key | flag | variable | default | meaning |
        | --- | --- | --- | --- | --- |
        | `addr` | `-a, --addr` | `ADDR` | `:9210` | Where to listen. |
        | `debug` | `--debug` | `DEBUG_HANDLERS` | `false` | More log lines. |
        | `client_secret` | `--client-secret` | `CLIENT_SECRET` |  | Client secret. |
        | `client_secret_file` | `--client-secret-file` | `CLIENT_SECRET_FILE` |  | File that contains the client secret. |
        | `most` |  |  |  | How many. |
        | `level` | `--level` |  | `info` | How loud. |
        | `a_setting_with_a_long_name` | `--a-setting-with-a-long-name` |  |  | Long. |

        """,
        SettingsMarkdown.Table(Declared));

    [Fact]
    public void The_help_aligns_flags_in_columns_of_the_terminal() => Assert.Equal(
        """
          -a, --addr TEXT            Where to listen. [ADDR; default :9210]
          --debug                    More log lines. [DEBUG_HANDLERS]
          --client-secret SECRET     Client secret. [CLIENT_SECRET]
          --client-secret-file FILE  File that contains the client secret.
                                     [CLIENT_SECRET_FILE]
          most: NUMBER               How many.
          --level info|debug         How loud. [default info]
          --a-setting-with-a-long-name DURATION
                                     Long.

        """,
        SettingsTable.Text(Declared, 70));

    [Fact]
    public void The_list_of_settings_has_their_keys_in_the_file_too() => Assert.Equal(
        "  -a, --addr TEXT  Where to listen. [addr:; ADDR; default :9210]\n", SettingsTable.Text([Configured.Addr], 80, withKeys: true));

    [Fact]
    public void An_invalid_default_cannot_be_declared() =>
        Assert.Throws<ArgumentException>(() => Settings.Duration("interval", "How often.", @default: "8"));

    [Theory]
    [InlineData("intervall", "interval")]
    [InlineData("Refresh-Interval", "refresh_interval")]
    [InlineData("--tokne-file", "token_file")]
    [InlineData("vni", "vin")]
    [InlineData("colour", null)]
    [InlineData("", null)]
    public void Only_a_similar_name_is_suggested(string word, string? nearest) =>
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
    public void A_switch_has_several_spellings(string text, bool value) =>
        Assert.Equal(new Result<object, string>(value, null), Configured.Debug.ReadObject(RawValue.Default(text, "/")));

    [Fact]
    public void A_conflict_between_settings_is_reported_at_the_place_of_the_setting()
    {
        using var configured = new Configured();
        configured.Environment["CAR_VIN"] = "v";
        configured.Environment["CAR_TOKEN_FILE"] = "t";
        configured.Environment["ADDR"] = "x";
        var configuration = configured.Load("debug: true");

        configuration.Program.Problem(Configured.Debug, "is shorter than addr; make it longer");
        configuration.Program.Problem(Configured.Addr, "is longer than debug; make it shorter");

        Assert.True(configuration.Program.HasProblems);
        Assert.Equal(
            ["exporter.yml:1: debug: is shorter than addr; make it longer", "ADDR: is longer than debug; make it shorter"],
            configuration.Problems.Select(p => p.ToString()));
    }

    [Fact]
    public void A_setting_that_is_not_declared_cannot_be_read()
    {
        using var configured = new Configured();

        Assert.Throws<InvalidOperationException>(() => configured.Load().Program.Find(Configured.Vin));
    }
}
