using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Exporter.Sandbox;

/// <summary>Tokens in Ergani's format.</summary>
internal static class ErganiTokens
{
    /// <summary>The UTC offset of Athens in winter, as in Ergani's responses.</summary>
    private static readonly TimeSpan Offset = TimeSpan.FromHours(2);

    /// <summary>A JWT with a random signature, because clients do not verify it.</summary>
    public static string Create(string user, DateTimeOffset expiry)
    {
        var claims = new JsonObject { ["sub"] = user, ["exp"] = expiry.ToUnixTimeSeconds(), ["jti"] = RandomNumberGenerator.GetHexString(16) };
        var body = $"{Encode("""{"alg":"HS256","typ":"JWT"}""")}.{Encode(claims.ToJsonString())}";
        return $"{body}.{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))}";
    }

    /// <summary>With seconds as text, and a time with seven decimals.</summary>
    public static string Json(IssuedTokens tokens, DateTimeOffset now) => new JsonObject
    {
        ["accessToken"] = tokens.AccessToken,
        ["accessTokenExpired"] = ((long)tokens.ExpiresIn.TotalSeconds).ToString(CultureInfo.InvariantCulture),
        ["refreshToken"] = tokens.RefreshToken,
        ["refreshTokenExpired"] = (now + tokens.RefreshExpiresIn).ToOffset(Offset).ToString("O", CultureInfo.InvariantCulture),
    }.ToJsonString();

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}

/// <summary>Sample data: an employer with two branches.</summary>
internal static class ErganiSample
{
    public const string Submissions =
        """
        [{"id":1,"code":"WRKCardSE","description":"Δήλωση κάρτας εργασίας"},
         {"id":2,"code":"WTODaily","description":"Οργάνωση χρόνου εργασίας - Ημερήσια"},
         {"id":3,"code":"OvTime","description":"Υπερωρία"}]
        """;

    public const string Services =
        """
        [{"name":"EX_BASE_01","description":"ΣΤΟΙΧΕΙΑ ΕΡΓΟΔΟΤΗ","instructions":null,"parameters":[]},
         {"name":"EX_BASE_02","description":"ΣΤΟΙΧΕΙΑ ΠΑΡΑΡΤΗΜΑΤΩΝ","instructions":null,"parameters":[]},
         {"name":"EX_BASE_05","description":"ΤΡΕΧΟΥΣΑ ΚΑΤΑΣΤΑΣΗ","instructions":null,"parameters":[]}]
        """;

    private const string Employer =
        """
        {"EX_BASE_01":{"Ergodotis":
          {"Id":"12345","Afm":"123456789","Eponimia":"ΔΟΚΙΜΗ Α.Ε.","Ame":"12345678","IsInCardSector":"1"}}}
        """;

    private const string Branches =
        """
        {"EX_BASE_02":{"Pararthma":[{"Aa":"0","Address":"ΟΔΟΣ Α 12345 ΑΘΗΝΑ"},{"Aa":"1","Address":"ΟΔΟΣ Β 12345 ΑΘΗΝΑ"}]}}
        """;

    /// <summary>Null if there is no such service.</summary>
    public static string? Service(string code, int employees) => code switch
    {
        "EX_BASE_01" => Employer,
        "EX_BASE_02" => Branches,
        "EX_BASE_05" => Workforce(employees),
        _ => null,
    };

    /// <summary>Every third employee works in the second branch. A single employee is an object, not an array.</summary>
    private static string Workforce(int employees)
    {
        JsonNode[] all = [.. Enumerable.Range(1, employees).Select(number => new JsonObject
        {
            ["afm"] = number.ToString("D9", CultureInfo.InvariantCulture),
            ["Eponimo"] = "ΔΟΚΙΜΑΣΤΗΣ",
            ["Onoma"] = $"Α{number}",
            ["PararthmaAa"] = number % 3 == 0 ? "1" : "0",
        })];
        return new JsonObject { ["EX_BASE_05"] = new JsonObject { ["Cur"] = all is [var only] ? only : new JsonArray(all) } }.ToJsonString();
    }
}
