using System.Net;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Sandbox;

/// <summary>The stand-in for BMW's customer interface is as strict as BMW's.</summary>
public sealed class BmwRestTests
{
    private const string Create = """{"name":"one","purpose":"two","technicalDescriptors":["vehicle.vehicle.travelledDistance","vehicle.unknown"]}""";

    private static readonly string Vin = BmwProviderCar.Sample.Vin;

    [Fact]
    public async Task A_container_is_created_listed_and_read()
    {
        await using var bmw = await SandboxVisitor.Start();
        var token = bmw.Sandbox.Bmw.Login().AccessToken;

        var made = await Ask(bmw, token, "/customers/containers", HttpMethod.Post, Create);
        var values = await Ask(bmw, token, $"/customers/vehicles/{Vin}/telematicData?containerId={made.Text("containerId")}");

        Assert.Equal((HttpStatusCode.Created, 13), (made.Status, made.Text("containerId").Length));
        Assert.Equal("one", (await Ask(bmw, token, "/customers/containers")).Json.GetProperty("containers")[0].GetProperty("name").GetString());
        Assert.Equal(
            "10489", values.Json.GetProperty("telematicData").GetProperty("vehicle.vehicle.travelledDistance").GetProperty("value").GetString());
        Assert.Equal(
            System.Text.Json.JsonValueKind.Null,
            values.Json.GetProperty("telematicData").GetProperty("vehicle.unknown").GetProperty("value").ValueKind);
    }

    [Fact]
    public async Task The_token_its_expiry_and_its_scope_are_checked()
    {
        await using var bmw = await SandboxVisitor.Start();
        var streaming = bmw.Sandbox.Bmw.Login("openid", "cardata:streaming:read").AccessToken;
        var ended = bmw.Sandbox.Bmw.Login().AccessToken;

        Assert.Equal((401, "CU-100"), Refusal(await bmw.Get("/customers/vehicles/mappings")));
        Assert.Equal((401, "CU-101"), Refusal(await Ask(bmw, "unknown", "/customers/vehicles/mappings")));
        Assert.Equal((403, "CU-103"), Refusal(await Ask(bmw, streaming, "/customers/vehicles/mappings")));
        bmw.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal((401, "CU-102"), Refusal(await Ask(bmw, ended, "/customers/vehicles/mappings")));
    }

    [Theory]
    [InlineData("/customers/vehicles/short/basicData", 400, "CU-120")]
    [InlineData("/customers/vehicles/WBY00000000000099/basicData", 403, "CU-104")]
    [InlineData("/customers/vehicles/WBY00000000000001/telematicData?containerId=1", 400, "CU-121")]
    [InlineData("/customers/vehicles/WBY00000000000001/telematicData?containerId=ABCDEFGHJKLMN", 403, "CU-105")]
    public async Task An_invalid_request_has_BMWs_error_code(string path, int status, string code)
    {
        await using var bmw = await SandboxVisitor.Start();

        Assert.Equal((status, code), Refusal(await Ask(bmw, bmw.Sandbox.Bmw.Login().AccessToken, path)));
    }

    [Fact]
    public async Task The_fifty_first_call_of_a_day_is_rejected_until_the_next_day()
    {
        await using var bmw = await SandboxVisitor.Start();
        bmw.Sandbox.Bmw.Rest.UseQuota(49);
        var token = bmw.Sandbox.Bmw.Login().AccessToken;

        Assert.Equal(HttpStatusCode.OK, (await Ask(bmw, token, "/customers/vehicles/mappings")).Status);
        Assert.Equal((403, "CU-429"), Refusal(await Ask(bmw, token, "/customers/vehicles/mappings")));
        Assert.Equal(51, bmw.Sandbox.Bmw.Rest.CallsToday);
        bmw.Time.Advance(TimeSpan.FromHours(12));
        Assert.Equal(HttpStatusCode.OK, (await Ask(bmw, bmw.Sandbox.Bmw.Login().AccessToken, "/customers/vehicles/mappings")).Status);
    }

    [Fact]
    public async Task There_are_at_most_ten_containers()
    {
        await using var bmw = await SandboxVisitor.Start();
        var token = bmw.Sandbox.Bmw.Login().AccessToken;
        for (var i = 0; i < 10; i++)
        {
            bmw.Sandbox.Bmw.Rest.Add(new BmwContainer($"ABCDEFGHJKLM{i}", "another", "another", []));
        }

        Assert.Equal((403, "CU-124"), Refusal(await Ask(bmw, token, "/customers/containers", HttpMethod.Post, Create)));
        Assert.Equal(HttpStatusCode.NoContent, (await Ask(bmw, token, "/customers/containers/ABCDEFGHJKLM0", HttpMethod.Delete)).Status);
        Assert.Equal(HttpStatusCode.Created, (await Ask(bmw, token, "/customers/containers", HttpMethod.Post, Create)).Status);
    }

    [Theory]
    [InlineData(true, "Telematic key vehicle.vehicle.travelledDistance is not found or deprecated.")]
    [InlineData(false, "Telematic key is not found or deprecated.")]
    public async Task A_container_with_a_retired_key_is_rejected(bool named, string message)
    {
        await using var bmw = await SandboxVisitor.Start();
        var (rest, token) = (bmw.Sandbox.Bmw.Rest, bmw.Sandbox.Bmw.Login().AccessToken);
        rest.NamesUnknownKeys = named;
        rest.Retire("vehicle.vehicle.travelledDistance");

        var reply = await Ask(bmw, token, "/customers/containers", HttpMethod.Post, Create);

        Assert.Equal((400, "CU-402"), Refusal(reply));
        Assert.Equal(message, reply.Text("exveErrorMsg"));
        Assert.Empty(rest.Containers);
    }

    private static Task<Reply> Ask(SandboxVisitor bmw, string token, string path, HttpMethod? method = null, string? body = null) =>
        bmw.Send(new HttpRequestMessage(method ?? HttpMethod.Get, path)
        {
            Headers = { Authorization = new("Bearer", token), Accept = { new("application/json") } },
            Content = body is null ? null : new StringContent(body),
        }.Versioned());

    private static (int Status, string Code) Refusal(Reply reply) => ((int)reply.Status, reply.Text("exveErrorId"));
}

internal static class BmwRequests
{
    /// <summary>BMW rejects a request without the version of the interface.</summary>
    public static HttpRequestMessage Versioned(this HttpRequestMessage request)
    {
        request.Headers.Add("x-version", "v1");
        return request;
    }
}
