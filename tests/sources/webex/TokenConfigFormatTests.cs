using System.Text;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Webex;

public sealed class TokenConfigFormatTests
{
    private static readonly TokenConfigFormat Format = new();
    private static readonly Token Fresh = new() { AccessToken = new("new-personal"), RefreshToken = new("new-refresh") };

    private const string Nested = """
        {
            "serviceApp": {"appId": "A",   "clientSecret": "S"},
            "tokenManager": {
                "personalAccessToken": "P",
                "integration": {
                    "clientId": "I",
                    "clientSecret": "IS",
                    "refreshToken": "R",
                    "note": [1,  2]
                },
                "mine": true
            },
            "env": {"x": 1}
        }
        """;

    public static TheoryData<string> Shapes => new(
        Nested,
        """{"tokenManager":{"personalAccessToken":"P","oauthClientId":"I","oauthClientSecret":"IS","oauthRefreshToken":"R"},"x":{}}""",
        """{"tokenManager":{"personalAccessToken":"P","clientId":"I","clientSecret":"IS","refreshToken":"R"}}""");

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Each_of_the_three_shapes_is_read_and_written_back(string file)
    {
        var token = Read(file);
        Assert.Equal(
            ("P", "R", "I", "IS"),
            (token.AccessToken!.Reveal(), token.RefreshToken!.Reveal(), token.Members.Text("client_id"), token.Members.Text("client_secret")));

        var written = Write(token with { AccessToken = Fresh.AccessToken, RefreshToken = Fresh.RefreshToken }, file);

        Assert.Equal(
            file.Replace("\"P\"", "\"new-personal\"", StringComparison.Ordinal).Replace("\"R\"", "\"new-refresh\"", StringComparison.Ordinal).Trim(),
            written.Trim());
    }

    [Fact]
    public void A_new_file_has_the_nested_shape_and_no_other_members()
    {
        var token =
            Fresh with
            {
                Members =
            JsonMembers.Empty.With("client_id", "I").With("client_secret", "IS").With("token_type", "Bearer").With("expires_in", 7)
            };

        Assert.Equal("""
            {
              "tokenManager": {
                "integration": {
                  "clientId": "I",
                  "clientSecret": "IS",
                  "refreshToken": "new-refresh"
                },
                "personalAccessToken": "new-personal"
              }
            }

            """, Write(token, ""));
    }

    [Fact]
    public void A_personal_token_alone_needs_no_integration() =>
        Assert.Equal(
            """{"tokenManager":{"personalAccessToken":"new-personal"}}""",
            Write(new Token { AccessToken = new("new-personal") }, """{"tokenManager":{"personalAccessToken":""}}"""));

    [Fact]
    public void Expiry_times_are_read_back_but_not_for_a_token_that_a_user_pasted()
    {
        var token = Fresh with { ExpiresAt = ManualTime.Start.AddHours(12), RefreshExpiresAt = ManualTime.Start.AddDays(90) };
        var written = Write(token, Nested);

        Assert.Equal((token.ExpiresAt, token.RefreshExpiresAt), (Read(written).ExpiresAt, Read(written).RefreshExpiresAt));
        var edited = Read(written.Replace("new-personal", "pasted-by-hand", StringComparison.Ordinal));
        Assert.Equal((null, null), (edited.ExpiresAt, edited.RefreshExpiresAt));
    }

    [Fact]
    public void A_logout_keeps_the_service_app_and_the_client()
    {
        var written = Write(new Token(), Nested);

        Assert.DoesNotContain("\"P\"", written, StringComparison.Ordinal);
        Assert.DoesNotContain("\"R\"", written, StringComparison.Ordinal);
        Assert.Contains("\"clientSecret\": \"IS\"", written, StringComparison.Ordinal);
        Assert.Contains("\"serviceApp\": {\"appId\": \"A\",   \"clientSecret\": \"S\"}", written, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "it is not JSON (line 1)")]
    [InlineData("""{"tokenManager": 7}""", "tokenManager is not a JSON object")]
    [InlineData("[]", "it is not JSON")]
    public void A_damaged_file_is_reported(string file, string reason) =>
        Assert.Equal(reason, Assert.Throws<FormatException>(() => Read(file)).Message);

    [Fact]
    public void Every_prefix_and_every_changed_byte_is_read_or_reported()
    {
        var content = Encoding.UTF8.GetBytes(Nested);
        var random = new Random(6);
        for (var at = 0; at < content.Length; at++)
        {
            Try(content[..at]);
            var changed = content.ToArray();
            changed[at] = (byte)random.Next(256);
            Try(changed);
        }

        static void Try(byte[] content)
        {
            try
            {
                var token = Format.Read(content);
                var again = Format.Read(Format.Write(Fresh with { Members = token.Members }, content));
                Assert.Equal((Fresh.AccessToken, Fresh.RefreshToken), (again.AccessToken, again.RefreshToken));
            }
            catch (FormatException e)
            {
                Assert.False(string.IsNullOrEmpty(e.Message));
            }
        }
    }

    private static Token Read(string file) => Format.Read(Encoding.UTF8.GetBytes(file));

    private static string Write(Token token, string previous) => Encoding.UTF8.GetString(Format.Write(token, Encoding.UTF8.GetBytes(previous)));
}
