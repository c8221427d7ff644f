using System.Text;
using Exporter.Ergani;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Ergani;

public sealed class TokenFormatTests
{
    private readonly ErganiTokenFormat format = new();

    [Theory]
    [InlineData("""{"token":{"accessToken":"a","accessTokenExpiresAt":1795003600,"refreshToken":"r","refreshTokenExpiresAt":1795600000}}""")]
    [InlineData("""{"accessToken":"a","accessTokenExpiresAt":1795003600,"refreshToken":"r","refreshTokenExpiresAt":1795600000}""")]
    [InlineData(
        "{\n  \"note\": [1, 2],\n  \"token\": {\n    \"accessToken\": \"a\",\n    \"mine\": null,\n    \"accessTokenExpiresAt\": 1795003600,\n    "
        + "\"refreshToken\": \"r\",\n    \"refreshTokenExpiresAt\": 1795600000\n  }\n}\n")]
    public void A_file_keeps_its_shape(string content)
    {
        var bytes = Encoding.UTF8.GetBytes(content);
        Assert.True(format.Recognises(bytes));
        var token = format.Read(bytes);

        Assert.Equal(("a", "r"), (token.AccessToken!.Reveal(), token.RefreshToken!.Reveal()));
        Assert.Equal(content, Encoding.UTF8.GetString(format.Write(token, bytes)));
        var renewed = token.After(
            new Token
            {
                AccessToken = new Secret("b"),
                RefreshToken = new Secret("s"),
                ExpiresAt = DateTimeOffset.FromUnixTimeSeconds(1),
                RefreshExpiresAt = DateTimeOffset.FromUnixTimeSeconds(2)
            });
        Assert.Equal(
            content.Replace("\"a\"", "\"b\"").Replace("\"r\"", "\"s\"").Replace("1795003600", "1").Replace("1795600000", "2"),
            Encoding.UTF8.GetString(format.Write(renewed, bytes)));
    }

    [Fact]
    public void A_new_file_has_the_outer_member() =>
        Assert.Equal(
            """{"token":{"accessToken":"a"}}""" + "\n", Encoding.UTF8.GetString(format.Write(new Token { AccessToken = new Secret("a") }, default)));

    [Fact]
    public void A_missing_or_invalid_expiry_is_read_from_the_token()
    {
        var jwt = $"e30.{Convert.ToBase64String("""{"exp":1795003600}"""u8).TrimEnd('=')}.x";

        foreach (var expiry in new[] { "", ",\"accessTokenExpiresAt\":null", ",\"accessTokenExpiresAt\":\"soon\"", ",\"accessTokenExpiresAt\":-1" })
        {
            var token = format.Read(Encoding.UTF8.GetBytes($$$"""{"token":{"accessToken":"{{{jwt}}}"{{{expiry}}}}}"""));
            Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1795003600), token.ExpiresAt);
        }
    }

    [Theory]
    [InlineData("""{"access_token":"a"}""")]
    [InlineData("""{"token":"a"}""")]
    [InlineData("""{"token":{"other":1}}""")]
    [InlineData("not json")]
    public void Other_shapes_are_not_recognized(string content) => Assert.False(format.Recognises(Encoding.UTF8.GetBytes(content)));
}
