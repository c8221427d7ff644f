using System.Net;
using System.Text.Json;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Sandbox;

/// <summary>Depot's API behaves as its documentation says.</summary>
public sealed class DepotApiTests
{
    [Fact]
    public async Task A_chain_leads_from_sites_to_sensors()
    {
        await using var visitor = await SandboxVisitor.Start();
        var token = visitor.Http.Login("depot.read").AccessToken;
        var found = new List<string>();

        foreach (var site in (await visitor.Api(token, "/depot/v1/sites")).Json.EnumerateArray())
        {
            var id = Uri.EscapeDataString(site.GetProperty("id").GetString()!);
            foreach (var zone in (await visitor.Api(token, $"/depot/v1/sites/{id}/zones")).At("zones").EnumerateArray())
            {
                var sensors = await visitor.Api(token, $"/depot/v1/zones/{zone.GetProperty("id").GetRawText()}/sensors");
                found.AddRange(sensors.At("data.sensors").EnumerateArray().Select(sensor => $"{id} {sensor.GetProperty("id")}"));
            }
        }

        Assert.Equal(["ath cold-1", "ath cold-2", "ath dock-1", "ber hall-1"], found);
    }

    [Fact]
    public async Task The_values_have_the_documented_special_cases()
    {
        await using var visitor = await SandboxVisitor.Start();
        var token = visitor.Http.Login().AccessToken;
        var sites = await visitor.Api(token, "/depot/v1/sites");
        var cold = await visitor.Api(token, "/depot/v1/zones/1234567890123456789/sensors");

        Assert.Equal("Athens \"North\"\nYard", sites.At("0.name").GetString());
        Assert.Equal((JsonValueKind.Null, 0), (sites.At("1.pallets.used").ValueKind, sites.At("1.tags").GetArrayLength()));
        Assert.False(sites.At("2").TryGetProperty("tags", out _));
        Assert.Equal("1234567890123456789", (await visitor.Api(token, "/depot/v1/sites/ath/zones")).At("zones.0.id").GetRawText());
        Assert.Equal(0, (await visitor.Api(token, "/depot/v1/sites/oul%207/zones")).At("zones").GetArrayLength());
        Assert.Equal(("C", "F"), (cold.At("data.sensors.0.temperature.unit").GetString(), cold.At("data.sensors.1.temperature.unit").GetString()));
        Assert.Equal(("2026-11-21T14:00:00+02:00", "2026-11-21T12:00:00.000Z"),
            (cold.At("data.sensors.0.measuredAt").GetString(), cold.At("data.sensors.1.measuredAt").GetString()));
        // A client that reads the ID as a floating-point number asks for another zone.
        Assert.Equal((404, "not_found", null), (await visitor.Api(token, "/depot/v1/zones/1234567890123456800/sensors")).DepotError);
    }

    [Fact]
    public async Task Values_follow_the_clock_only()
    {
        await using var visitor = await SandboxVisitor.Start();
        var token = visitor.Http.Login().AccessToken;
        Task<Reply> ReadAsync() => visitor.Api(token, "/depot/v1/zones/42/sensors");

        var first = await ReadAsync();
        Assert.Equal(first.Body, (await ReadAsync()).Body);
        visitor.Time.Advance(TimeSpan.FromMinutes(15));
        var second = await ReadAsync();
        // The manual clock starts 324.5 days after the start of 2026. The door opens every five minutes.
        Assert.Equal(90000 + (324 * 288) + 144, first.At("data.sensors.0.doorOpenings").GetInt64());
        Assert.Equal(3, second.At("data.sensors.0.doorOpenings").GetInt64() - first.At("data.sensors.0.doorOpenings").GetInt64());
        Assert.Equal((68.0m, 67.6m), (first.At("data.sensors.0.temperature.value").GetDecimal(), second.At("data.sensors.0.temperature.value").GetDecimal()));
    }

    [Fact]
    public async Task A_token_that_is_missing_unknown_or_lacks_the_scope_gets_its_challenge()
    {
        await using var visitor = await SandboxVisitor.Start();
        var reader = visitor.Http.Login("depot.read").AccessToken;

        Assert.Equal((401, "unauthorized", "Bearer realm=\"depot\""), (await visitor.Get("/depot/v1/sites")).DepotError);
        Assert.Equal((401, "unauthorized", "Bearer realm=\"depot\""), (await visitor.Get($"/depot/v1/sites?access_token={reader}")).DepotError);
        Assert.Equal(
            (401, "invalid_token", "Bearer realm=\"depot\", error=\"invalid_token\", error_description=\"The access token is unknown or revoked\""),
            (await visitor.Api("unknown", "/depot/v1/sites")).DepotError);
        Assert.Equal(
            (403, "insufficient_scope",
                "Bearer realm=\"depot\", error=\"insufficient_scope\", error_description=\"The access token lacks the scope\", scope=\"depot.stock\""),
            (await visitor.Api(reader, "/depot/v1/sites/ath/stock")).DepotError);
        visitor.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(401, (await visitor.Api(reader, "/depot/v1/sites")).DepotError.Status);
    }

    [Fact]
    public async Task Stock_is_an_object_by_article()
    {
        await using var visitor = await SandboxVisitor.Start();
        var stock = await visitor.Api(visitor.Http.Login("depot.stock").AccessToken, "/depot/v1/sites/ath/stock");
        Assert.Equal(["A-100", "B.200/x"], stock.At("articles").EnumerateObject().Select(article => article.Name));
    }

    [Fact]
    public async Task Jobs_can_be_paged_by_the_Link_header()
    {
        await using var visitor = await SandboxVisitor.Start();
        await PageAsync(visitor, page =>
            page.Headers.GetValues("Link").Single().Split(", <") is [.., var link] && link.EndsWith("rel=\"next\"", StringComparison.Ordinal)
                ? new Uri(link.Split('>')[0]).PathAndQuery
                : null);
    }

    [Fact]
    public async Task Jobs_can_be_paged_by_the_links_in_the_body()
    {
        await using var visitor = await SandboxVisitor.Start();
        await PageAsync(visitor, page => page.At("links.next").GetString());
    }

    [Fact]
    public async Task Jobs_can_be_paged_by_offset_and_limit()
    {
        await using var visitor = await SandboxVisitor.Start();
        await PageAsync(visitor, page => page.At("more").GetBoolean()
            ? $"/depot/v1/jobs?offset={page.At("offset").GetInt32() + page.At("limit").GetInt32()}&limit=3" : null);
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=101")]
    [InlineData("offset=-1")]
    [InlineData("offset=1e3")]
    [InlineData("cursor=MzoZ")]
    [InlineData("cursor=MzoZ!")]
    [InlineData("cursor=Mzoz&limit=3")]
    [InlineData("page=2")]
    [InlineData("limit=1&limit=2")]
    public async Task An_invalid_parameter_is_rejected(string query)
    {
        await using var visitor = await SandboxVisitor.Start();
        Assert.Equal((400, "invalid_parameter", null), (await visitor.Api(visitor.Http.Login().AccessToken, $"/depot/v1/jobs?{query}")).DepotError);
    }

    [Fact]
    public async Task The_query_always_has_HTTP_status_200_and_a_status_of_its_own()
    {
        await using var visitor = await SandboxVisitor.Start();
        var (token, reader) = (visitor.Http.Login().AccessToken, visitor.Http.Login("depot.read").AccessToken);
        async Task<int> StatusAsync(string from, params (string, string)[] form)
        {
            var reply = await visitor.PostForm(from, "/depot/v1/query", form);
            Assert.Equal(HttpStatusCode.OK, reply.Status);
            return reply.At("status").GetInt32();
        }

        Assert.Equal(0, await StatusAsync(token, ("action", "stock"), ("site", "ath")));
        Assert.Equal(404, await StatusAsync(token, ("action", "stock"), ("site", "nowhere")));
        Assert.Equal(503, await StatusAsync(token, ("action", "stock")));
        Assert.Equal(503, await StatusAsync(token, ("action", "energy"), ("offset", "x")));
        Assert.Equal(503, await StatusAsync(token, ("action", "energy"), ("limit", "1")));
        Assert.Equal(503, await StatusAsync(token));
        Assert.Equal(2554, await StatusAsync(token, ("action", "everything")));
        Assert.Equal(401, await StatusAsync("unknown", ("action", "energy")));
        Assert.Equal(403, await StatusAsync(reader, ("action", "energy")));
    }

    [Fact]
    public async Task Energy_is_paged_by_the_offset_of_the_form()
    {
        await using var visitor = await SandboxVisitor.Start();
        var token = visitor.Http.Login().AccessToken;
        var first = await visitor.PostForm(token, "/depot/v1/query", ("action", "energy"));
        var second = await visitor.PostForm(token, "/depot/v1/query", ("action", "energy"), ("offset", first.At("body.offset").GetRawText()));

        Assert.Equal((2, 1, 1, 0), (first.At("body.groups").GetArrayLength(), first.At("body.more").GetInt32(),
            second.At("body.groups").GetArrayLength(), second.At("body.more").GetInt32()));
        Assert.Equal((1, -3), (first.At("body.groups.0.measures.0.type").GetInt32(), first.At("body.groups.0.measures.0.unit").GetInt32()));
    }

    [Theory]
    [InlineData(WaitHeader.RetryAfter, "Retry-After", "30")]
    [InlineData(WaitHeader.RateLimit, "RateLimit", "limit=2, remaining=0; t=30")]
    public async Task Too_many_requests_get_the_time_to_wait_in_the_chosen_header(WaitHeader chosen, string header, string value)
    {
        await using var visitor = await SandboxVisitor.StartWith(new HttpProviderOptions
        {
            Limits = [new(2, TimeSpan.FromMinutes(1))],
            LimitHeader = chosen,
        });
        var token = visitor.Http.Login().AccessToken;
        await visitor.Api(token, "/depot/v1/sites");
        visitor.Time.Advance(TimeSpan.FromSeconds(30));
        await visitor.Api(token, "/depot/v1/sites");

        var limited = await visitor.Api(token, "/depot/v1/jobs");
        Assert.Equal((429, "rate_limited", null), limited.DepotError);
        Assert.Equal([value], limited.Headers.GetValues(header));
        var query = await visitor.PostForm(token, "/depot/v1/query", ("action", "energy"));
        Assert.Equal((200, 601, 30), ((int)query.Status, query.At("status").GetInt32(), query.At("wait").GetInt32()));
        visitor.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(token, "/depot/v1/jobs")).Status);
    }

    [Fact]
    public async Task Public_data_needs_the_key_and_meters_need_the_password()
    {
        await using var visitor = await SandboxVisitor.Start();
        Task<Reply> ReadAsync(string? key)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, "/depot/v1/public");
            if (key is not null)
            {
                request.Headers.Add("X-Api-Key", key);
            }
            return visitor.Send(request);
        }

        Assert.Equal("Depot", (await ReadAsync(HttpProvider.ApiKey)).Text("company"));
        Assert.Equal((401, "invalid_key", null), (await ReadAsync("wrong")).DepotError);
        Assert.Equal((401, "invalid_key", null), (await ReadAsync(null)).DepotError);
        var meters = await visitor.WithBasic(HttpMethod.Get, "/depot/v1/meters", $"{HttpProvider.User}:{HttpProvider.Password}");
        Assert.Equal("water", meters.At("0.meter").GetString());
        Assert.Equal((401, "unauthorized", "Basic realm=\"depot\", charset=\"UTF-8\""),
            (await visitor.WithBasic(HttpMethod.Get, "/depot/v1/meters", $"{HttpProvider.User}:wrong")).DepotError);
    }

    [Fact]
    public async Task Anything_else_is_not_found()
    {
        await using var visitor = await SandboxVisitor.Start();
        Assert.Equal((404, "not_found", null), (await visitor.Get("/depot/v1/nothing")).DepotError);
        Assert.Equal((404, "not_found", null), (await visitor.Get("/depot/v1/query")).DepotError);
    }

    private static async Task PageAsync(SandboxVisitor visitor, Func<Reply, string?> next)
    {
        var token = visitor.Http.Login("depot.read").AccessToken;
        var names = new List<string>();
        for (var path = "/depot/v1/jobs"; path is not null;)
        {
            var page = await visitor.Api(token, path);
            names.AddRange(page.At("data").EnumerateArray().Select(job => job.GetProperty("name").GetString()!));
            path = next(page);
        }
        Assert.Equal(["mail", "labels", "invoices", "forecast", "a, \"b\"; <c>", "backup", "archive"], names);
        Assert.Equal(3, visitor.Http.Endpoint("jobs").Requests);
    }
}
