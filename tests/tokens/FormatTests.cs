using System.Globalization;
using System.Text;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Reads and writes the plain token file.</summary>
public class FormatTests
{
    private const string Alphabet = "aZ09_-\"\\/\n\t\u0001é☃<&";

    private static readonly PlainTokenFormat Plain = new();

    [Fact]
    public void Row_23_unknown_members_stay_unchanged_in_their_position()
    {
        const string Before =
            """{"note": "grüezi \u00fc \/ é", "access_token":"a","scope":["x", 1.50 ,{"deep":null}],"""
            + """ "refresh_token":"r","token_type":"bearer","n":1E+2}""";

        var after = Rewritten(Before, token => token with { AccessToken = new Secret("a2"), RefreshToken = new Secret("r2") });

        Assert.Equal(
            """{"note":"grüezi \u00fc \/ é","access_token":"a2","scope":["x", 1.50 ,{"deep":null}],"""
            + "\"refresh_token\":\"r2\",\"token_type\":\"bearer\",\"n\":1E+2}",
            after);
    }

    [Fact]
    public void Row_12_and_23_values_that_a_response_omits_are_kept()
    {
        var answer = TokenResponse.ReadToken(JsonMembers.Parse("""{"access_token":"a2","expires_in":10800,"scope":null}"""u8), ManualTime.Start)!;

        var after = Rewritten("""{"refresh_token":"r","scope":["read"],"vin":"WBA"}""", token => token.After(answer));

        Assert.Equal(
            """{"refresh_token":"r","scope":["read"],"vin":"WBA","expires_in":10800,"access_token":"a2","expiry":"2026-11-21T15:00:00Z"}""",
            after);
    }

    [Theory]
    [InlineData("{\"refresh_token\":\"r\",\"x\":1}")]
    [InlineData("{\"refresh_token\":\"r\",\"x\":1}\n")]
    [InlineData("{\n  \"refresh_token\": \"r\",\n  \"x\": 1\n}")]
    [InlineData("{\n  \"refresh_token\": \"r\",\n  \"x\": 1\n}\n")]
    [InlineData("{\n    \"refresh_token\": \"r\",\n    \"x\": 1\n}\n")]
    [InlineData("{\n\t\"refresh_token\": \"r\",\n\t\"x\": 1\n}\n")]
    [InlineData("{\r\n  \"refresh_token\": \"r\",\r\n  \"x\": {\r\n    \"y\": []\r\n  }\r\n}\r\n")]
    [InlineData("{\n  \"x\": {\n    \"y\": []\n  },\n  \"refresh_token\": \"r\"\n}\n")]
    public void The_layout_of_a_file_stays(string content) => Assert.Equal(content, Rewritten(content, token => token));

    [Fact]
    public void Names_are_matched_without_case_and_keep_their_case() =>
        Assert.Equal(
            """{"Refresh_Token":"r2","ACCESS_TOKEN":"a"}""",
            Rewritten("""{"Refresh_Token":"r","ACCESS_TOKEN":"a"}""", token => token with { RefreshToken = new Secret("r2") }));

    [Fact]
    public void The_last_value_of_a_repeated_name_counts_and_only_one_is_written() =>
        Assert.Equal("""{"refresh_token":"2","x":4}""", Rewritten("""{"refresh_token":"1","x":3,"refresh_token":"2","x":4}""", token => token));

    [Theory]
    [InlineData("2026-11-21T05:14:11.081821762Z", "2026-11-21T05:14:11.0818218Z")]
    [InlineData("2026-11-21T06:14:11.081821762+01:00", "2026-11-21T05:14:11.0818218Z")]
    [InlineData("2026-11-21T05:14:11Z", "2026-11-21T05:14:11Z")]
    [InlineData("2026-11-21T05:14:11.5-09:30", "2026-11-21T14:44:11.5Z")]
    public void Expiries_in_the_format_of_Go_keep_their_instant(string written, string rewritten) =>
        Assert.Equal(
            $$"""{"refresh_token":"r","expiry":"{{rewritten}}"}""", Rewritten($$"""{"refresh_token":"r","expiry":"{{written}}"}""", token => token));

    [Theory]
    [InlineData("\"0001-01-01T00:00:00Z\"")]
    [InlineData("\"\"")]
    [InlineData("null")]
    [InlineData("0")]
    public void An_expiry_may_be_absent(string expiry)
    {
        var token = Plain.Read(Encoding.UTF8.GetBytes($$"""{"access_token":"a","refresh_token":"r","expiry":{{expiry}}}"""));

        Assert.Null(token.ExpiresAt);
        Assert.Equal(["it has no expiry: the token is renewed at once to learn its lifetime"], token.Warnings());
    }

    [Theory]
    [InlineData("\"soon\"")]
    [InlineData("{}")]
    [InlineData("true")]
    [InlineData("-1")]
    [InlineData("1790000000000")]
    [InlineData("\"2026-13-45T99:00:00Z\"")]
    [InlineData("\"2026-11-21T05:14:61Z\"")]
    [InlineData("\"2026-11-21T05:14:11+24:00\"")]
    public void An_expiry_that_is_not_a_time_is_shown(string expiry)
    {
        var token = Plain.Read(Encoding.UTF8.GetBytes($$"""{"access_token":"a","refresh_token":"r","expiry":{{expiry}}}"""));

        Assert.Null(token.ExpiresAt);
        Assert.Equal([$"its expiry {expiry} is not a time; write 2026-01-31T12:00:00Z or Unix seconds: "
            + "the token is renewed at once to learn its lifetime"], token.Warnings());
    }

    [Theory]
    [InlineData("4087665126", "2099-07-13T22:32:06Z")]
    [InlineData("\"4087665126\"", "2099-07-13T22:32:06Z")]
    [InlineData("4087665126.5", "2099-07-13T22:32:06.5Z")]
    [InlineData("\"2099-07-16T20:32:06+23:59\"", "2099-07-15T20:33:06Z")]
    [InlineData("\"2099-12-31T23:59:60Z\"", "2100-01-01T00:00:00Z")]
    [InlineData("\"9999-12-31T23:59:59.999999999Z\"", "9999-12-31T23:59:59.9999999Z")]
    [InlineData("\"9999-12-31T23:59:60-23:59\"", "9999-12-31T23:59:59.9999999Z")]
    public void Times_at_the_edge_of_their_format_are_read(string expiry, string time)
    {
        var token = Plain.Read(Encoding.UTF8.GetBytes($$"""{"access_token":"a","refresh_token":"r","expiry":{{expiry}}}"""));

        Assert.Equal(DateTimeOffset.Parse(time, CultureInfo.InvariantCulture), token.ExpiresAt);
        Assert.Empty(token.Warnings());
    }

    [Theory]
    [InlineData("{\"refresh_token\":\"r\"}garbage")]
    [InlineData("{\"refresh_token\":\"r\"}\0\0\0")]
    [InlineData("{\"refresh_token\":\"r\"}{\"refresh_token\":\"s\"}")]
    [InlineData("\uFEFF{\"refresh_token\":\"r\"}")]
    [InlineData("  \n{\"refresh_token\":\"r\"}")]
    public void Text_around_the_first_value_is_ignored_and_removed_by_a_save(string content)
    {
        Assert.Equal("r", Plain.Read(Encoding.UTF8.GetBytes(content)).RefreshToken?.Reveal());
        Assert.Equal("""{"refresh_token":"r"}""", Rewritten(content, token => token).Trim());
    }

    [Fact]
    public void A_hundred_thousand_members_are_merged_quickly()
    {
        var large = JsonMembers.Parse(Encoding.UTF8.GetBytes($"{{{string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"\"{i}\":1"))}}}"));

        Assert.Equal(100_000, large.Merge(large).Count);
    }

    [Fact]
    public void Any_members_in_any_order_survive_a_round_trip()
    {
        var random = new Random(7);
        for (var round = 0; round < 500; round++)
        {
            var indent = (string?)new[] { null, " ", "  ", "    ", "\t" }[random.Next(5)];
            var style = new JsonStyle(indent, random.Next(2) == 0) { Newline = indent is not null && random.Next(2) == 0 ? "\r\n" : "\n" };
            var members = Enumerable.Range(0, random.Next(1, 8)).Aggregate(
                JsonMembers.Empty.With("refresh_token", "r"),
                (all, _) => all.With(Text(random), Text(random)).With(Text(random), random.NextInt64()));
            var content = members.ToBytes(style);

            Assert.Equal(Encoding.UTF8.GetString(content), Encoding.UTF8.GetString(Plain.Write(Plain.Read(content), content)));
        }

        static string Text(Random random) => new([.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Alphabet[random.Next(Alphabet.Length)])]);
    }

    private static string Rewritten(string content, Func<Token, Token> change)
    {
        var bytes = Encoding.UTF8.GetBytes(content);
        return Encoding.UTF8.GetString(Plain.Write(change(Plain.Read(bytes)), bytes));
    }
}
