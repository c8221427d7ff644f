using System.Buffers.Text;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Webex;
using Microsoft.Extensions.DependencyInjection;

namespace Exporter.Tests.Webex;

/// <summary>Responses about data sources in the format of Webex's specification.</summary>
internal static class DataSourceResponses
{
    public const string Nonce = "c7a1e0de-0000-4000-8000-00000000aaaa";

    public static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    /// <summary>A source with all members. Its signed token is an hour old and valid for a day.</summary>
    public static JsonObject Full(string id = "ds-1") => new()
    {
        ["id"] = id,
        ["applicationId"] = "Y2lzY29zcGFyazovL3VzL0FQUExJQ0FUSU9OL0MwZmZlZQ",
        ["orgId"] = "Y2lzY29zcGFyazovL3VzL09SR0FOSVpBVElPTi8xZWI2NWZkZi05NjQzLTQxN2YtOTk3NC1hZDcyY2FlMGUxMGY",
        ["schemaId"] = DataSourceRequest.DefaultSchemaId,
        ["audience"] = "BYODS",
        ["subject"] = "gateway",
        ["nonce"] = Nonce,
        ["url"] = "https://voice.example.com/grpc?key=a-secret-in-the-path",
        ["status"] = "active",
        ["tokenLifetimeMinutes"] = 1440,
        ["jwsToken"] = Jws(),
        ["tokenExpiryTime"] = "2026-11-22T10:00:00.000Z",
        ["createdAt"] = "2026-01-02T03:04:05.678Z",
        ["updatedAt"] = "2026-11-21T11:00:00.000Z",
        ["createdBy"] = "admin",
    };

    /// <summary>A signed token with changed claims; null removes a claim.</summary>
    public static string Jws(params (string Claim, JsonNode? Value)[] changes)
    {
        var claims = new JsonObject
        {
            ["iss"] = "https://idbroker.webex.com/idb",
            ["aud"] = "BYODS",
            ["sub"] = "gateway",
            ["jti"] = Nonce,
            ["iat"] = (Now - TimeSpan.FromHours(1)).ToUnixTimeSeconds(),
            ["exp"] = (Now + TimeSpan.FromHours(23)).ToUnixTimeSeconds(),
            ["com.cisco.datasource.url"] = "https://voice.example.com/grpc?key=a-secret-in-the-path",
            ["com.cisco.datasource.schema.uuid"] = DataSourceRequest.DefaultSchemaId,
            ["com.cisco.org.uuid"] = "1eb65fdf-9643-417f-9974-ad72cae0e10f",
        };
        foreach (var (claim, value) in changes)
        {
            claims.Remove(claim);
            if (value is not null)
            {
                claims[claim] = value;
            }
        }
        return Jws(claims.ToJsonString());
    }

    public static string Jws(string claims) =>
        $"{Base64Url.EncodeToString("{\"alg\":\"RS256\"}"u8)}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}.c2lnbmF0dXJl";

    public static JsonObject Disabled(string id = "ds-2", string? message = "The gateway is being moved")
    {
        var source = Full(id);
        source["status"] = "disabled";
        source["errorMessage"] = message;
        return source;
    }

    public static string List(params JsonNode[] sources) => new JsonObject { ["items"] = new JsonArray(sources) }.ToJsonString();

    public static readonly string Schemas = new JsonObject
    {
        ["items"] = new JsonArray(
            new JsonObject
            {
                ["id"] = DataSourceRequest.DefaultSchemaId,
                ["serviceType"] = "VoiceVirtualAgent",
                ["protocol"] = "gRPC",
                ["appType"] = "CONTACT_CENTER",
                ["createdAt"] = "2025-01-01T00:00:00.000Z"
            },
            new JsonObject { ["id"] = "a38a10b7-43e4-4676-a076-a7d6dce9387d", ["serviceType"] = "VoiceVirtualAgent", ["protocol"] = "WebSocket" }),
    }.ToJsonString();

    private static readonly IWebexApi Api = ProviderApi.Services(new WebexSource(), new ManualTime()).GetRequiredService<IWebexApi>();

    /// <summary>The API with a fixed access token, <c>the-token</c>.</summary>
    public static WebexApiClient On(StubHttp http) => new(Api, new StubAccount(http, "https://webexapis.com"), new ManualTime());

    /// <summary>The result of one response.</summary>
    public static async Task<Result<T, ApiFailure>> CallAsync<T>(
        Func<WebexApiClient, Task<Result<T, ApiFailure>>> call, string body, HttpStatusCode status = HttpStatusCode.OK,
        params (string Name, string Value)[] headers)
    {
        using var http = new StubHttp().Expect(status, body, headers);
        return await call(On(http));
    }

    public static async Task<IReadOnlyList<WebexDataSource>> ListedAsync(string body) =>
        Results.Value(await CallAsync(api => api.ListDataSourcesAsync(WebexFixture.Cancellation), body));
}
