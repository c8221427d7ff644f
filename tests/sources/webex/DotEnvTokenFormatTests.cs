using System.Text;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Webex;

public sealed class DotEnvTokenFormatTests
{
    private static readonly DotEnvTokenFormat Format = new();
    private static readonly Token Fresh = new() { AccessToken = new("new-access"), RefreshToken = new("new-refresh") };

    [Fact]
    public void Both_lines_are_replaced_in_place_and_every_other_byte_stays()
    {
        var before =
            "# the app\r\nexport WEBEX_SERVICE_APP_ACCESS_TOKEN='old' # do not "
            + "touch\r\n\r\nOTHER=\xE4\xFF\r\nWEBEX_ACCESS_TOKEN=foreign\r\nWEBEX_SERVICE_APP_REFRESH_TOKEN = \"old\"\r\n# "
            + "WEBEX_SERVICE_APP_ACCESS_TOKEN=commented\r\nLAST=without end";

        var after = Encoding.Latin1.GetString(Format.Write(Fresh, Encoding.Latin1.GetBytes(before)));

        Assert.Equal(
            before.Replace("'old'", "'new-access'", StringComparison.Ordinal).Replace("\"old\"", "\"new-refresh\"", StringComparison.Ordinal), after);
    }

    [Fact]
    public void Lines_that_are_missing_are_appended()
    {
        Assert.Equal("A=1\nWEBEX_SERVICE_APP_ACCESS_TOKEN=new-access\nWEBEX_SERVICE_APP_REFRESH_TOKEN=new-refresh\n", Written("A=1"));
        Assert.Equal("A=1\r\nWEBEX_SERVICE_APP_ACCESS_TOKEN=new-access\r\nWEBEX_SERVICE_APP_REFRESH_TOKEN=new-refresh\r\n", Written("A=1\r\n"));
        Assert.Equal("WEBEX_SERVICE_APP_ACCESS_TOKEN=new-access\nWEBEX_SERVICE_APP_REFRESH_TOKEN=new-refresh\n", Written(""));
    }

    [Theory]
    [InlineData("WEBEX_SERVICE_APP_ACCESS_TOKEN=", "WEBEX_SERVICE_APP_ACCESS_TOKEN=new-access")]
    [InlineData("WEBEX_SERVICE_APP_ACCESS_TOKEN=old   # why", "WEBEX_SERVICE_APP_ACCESS_TOKEN=new-access   # why")]
    [InlineData("WEBEX_SERVICE_APP_ACCESS_TOKEN=  # why", "WEBEX_SERVICE_APP_ACCESS_TOKEN=new-access  # why")]
    [InlineData("WEBEX_SERVICE_APP_ACCESS_TOKEN=old#part", "WEBEX_SERVICE_APP_ACCESS_TOKEN=new-access")]
    [InlineData("  export\tWEBEX_SERVICE_APP_ACCESS_TOKEN  =  old", "  export\tWEBEX_SERVICE_APP_ACCESS_TOKEN  =  new-access")]
    [InlineData("WEBEX_SERVICE_APP_ACCESS_TOKEN=\"never closed", "WEBEX_SERVICE_APP_ACCESS_TOKEN=\"new-access\"")]
    [InlineData("WEBEX_SERVICE_APP_ACCESS_TOKEN=''", "WEBEX_SERVICE_APP_ACCESS_TOKEN='new-access'")]
    [InlineData(
        "WEBEX_SERVICE_APP_ACCESS_TOKEN=a\nWEBEX_SERVICE_APP_ACCESS_TOKEN=b",
        "WEBEX_SERVICE_APP_ACCESS_TOKEN=new-access\nWEBEX_SERVICE_APP_ACCESS_TOKEN=new-access")]
    public void Quotes_comments_and_spaces_stay(string before, string after) =>
        Assert.Equal(
            $"{after}\nWEBEX_SERVICE_APP_REFRESH_TOKEN=r\n",
            Written($"{before}\nWEBEX_SERVICE_APP_REFRESH_TOKEN=r\n", Fresh with { RefreshToken = new("r") }));

    [Fact]
    public void Expiry_times_are_read_back_but_not_for_another_programs_token()
    {
        var token = Fresh with { ExpiresAt = ManualTime.Start.AddDays(14), RefreshExpiresAt = ManualTime.Start.AddDays(90) };
        var written = Written("", token);

        Assert.Equal((token.ExpiresAt, token.RefreshExpiresAt), Ends(written));
        Assert.Equal((null, null), Ends(written.Replace("new-access", "of-the-python-program", StringComparison.Ordinal)));
        Assert.Equal(written, Written(written, token));
    }

    [Fact]
    public void A_file_without_the_lines_has_no_token_and_an_emptied_file_keeps_its_lines()
    {
        Assert.Equal(new Token(), Format.Read("A=1\n"u8));
        Assert.Equal("WEBEX_SERVICE_APP_ACCESS_TOKEN=\nB=2\n", Written("WEBEX_SERVICE_APP_ACCESS_TOKEN=a\nB=2\n", new Token()));
    }

    [Fact]
    public void With_any_content_the_token_is_read_back_and_a_second_write_changes_nothing()
    {
        var random = new Random(6);
        string[] pieces =
            ["WEBEX_SERVICE_APP_ACCESS_TOKEN", "WEBEX_SERVICE_APP_REFRESH_TOKEN", "export ", "=", "\"", "'", "#", " ", "\t", "\n", "\r\n", "\r", "\\",
            "$", "\xC3", "\xA0", "\x85", "\xEF\xBB\xBF", "x", "\0"];
        for (var round = 0; round < 20_000; round++)
        {
            var before =
                Encoding.Latin1.GetBytes(string.Concat(Enumerable.Range(0, random.Next(14)).Select(_ => pieces[random.Next(pieces.Length)])));
            var token = new Token { AccessToken = new(Text()), RefreshToken = new(Text()), ExpiresAt = ManualTime.Start };

            var written = Format.Write(token, before);

            var read = Format.Read(written);
            Assert.Equal((token.AccessToken, token.RefreshToken, token.ExpiresAt), (read.AccessToken, read.RefreshToken, read.ExpiresAt));
            Assert.Equal(written, Format.Write(token, written));
        }

        string Text() => string.Concat(Enumerable.Range(0, 1 + random.Next(5)).Select(_ => "ab-_.=/+#'\"\\$ nä"[random.Next(16)])) + "z";
    }

    private static string Written(string before, Token? token = null) =>
        Encoding.UTF8.GetString(Format.Write(token ?? Fresh, Encoding.UTF8.GetBytes(before)));

    private static (DateTimeOffset?, DateTimeOffset?) Ends(string content) =>
        Format.Read(Encoding.UTF8.GetBytes(content)) is var token ? (token.ExpiresAt, token.RefreshExpiresAt) : default;
}
