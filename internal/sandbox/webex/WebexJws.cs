using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Exporter.Sandbox;

/// <summary>The signed token that Webex issues for a data source: RS256, with Webex's claims.</summary>
internal static class WebexJws
{
    private static readonly Lock Gate = new();
    private static readonly Lazy<RSA> Key = new(() => RSA.Create(2048));

    public static string Sign(WebexDataSource source, Guid org, DateTimeOffset issued, DateTimeOffset expiry)
    {
        var claims = new JsonObject
        {
            ["iss"] = "https://idbroker.webex.com/idb",
            ["aud"] = source.Audience,
            ["sub"] = source.Subject,
            ["jti"] = source.Nonce,
            ["iat"] = issued.ToUnixTimeSeconds(),
            ["exp"] = expiry.ToUnixTimeSeconds(),
            ["com.cisco.datasource.url"] = source.Url,
            ["com.cisco.datasource.schema.uuid"] = source.SchemaId,
            ["com.cisco.org.uuid"] = org.ToString(),
        };
        var signed = $"{Encode("""{"alg":"RS256","kid":"sandbox"}""")}.{Encode(claims.ToJsonString())}";
        lock (Gate)
        {
            var signature = Key.Value.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            return $"{signed}.{Base64Url.EncodeToString(signature)}";
        }
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}

/// <summary>The protocols of data sources.</summary>
internal static class WebexSchemas
{
    public const string VoiceAgent = "5397013b-7920-4ffc-807c-e8a3e0a18f43";

    private static readonly (string Id, string Service, string Protocol)[] Known =
        [(VoiceAgent, "VoiceVirtualAgent", "gRPC"), ("a38a10b7-43e4-4676-a076-a7d6dce9387d", "VoiceVirtualAgent", "WebSocket")];

    public static bool Contains(string id) => Known.Any(schema => schema.Id == id);

    public static ProviderResponse List() =>
        ProviderResponse.Json(200, new JsonObject { ["items"] = new JsonArray([.. Known.Select(Json)]) }.ToJsonString());

    public static ProviderResponse Get(string id) => Contains(id)
        ? ProviderResponse.Json(200, Json(Known.First(schema => schema.Id == id)).ToJsonString())
        : WebexError.Of(404, "The requested resource could not be found.");

    private static JsonObject Json((string Id, string Service, string Protocol) schema) => new()
    {
        ["id"] = schema.Id,
        ["appType"] = "CONTACT_CENTER",
        ["serviceType"] = schema.Service,
        ["protocol"] = schema.Protocol,
        ["url"] = $"https://developer.webex.com/schemas/{schema.Id}",
        ["createdAt"] = "2025-01-01T00:00:00.000Z",
    };
}
