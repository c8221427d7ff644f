using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Exporter.Sandbox;
using Xunit;

namespace Exporter.Tests.Sandbox;

public sealed class StationsTests
{
    private static readonly long Now = ManualTime.Start.ToUnixTimeSeconds();

    [Fact]
    public async Task The_newest_measurement_is_now_and_other_times_keep_their_distance()
    {
        var sample = NetatmoSample.FromJson(
            """
            {"body":{"devices":[
              {"_id":"a","last_status_store":1006,"last_setup":100,"date_setup":90,
               "dashboard_data":{"time_utc":1000,"date_min_temp":800,"date_max_temp":"900"},
               "modules":[{"_id":"b","last_seen":995,"last_message":0,"dashboard_data":{"time_utc":990,"date_max_wind_str":700}},
                {"_id":"c","last_seen":0}]},
              {"_id":"d","last_status_store":51,"dashboard_data":{"time_utc":50}}]},"time_server":1020}
            """);
        var answer = await Answer(sample);
        var devices = answer.GetProperty("body").GetProperty("devices");

        Assert.Equal(
            $$$"""
            {"_id":"a","last_status_store":{{{Now + 6}}},"last_setup":{{{Now - 900}}},"date_setup":{{{Now - 910}}},
            "dashboard_data":{"time_utc":{{{Now}}},"date_min_temp":{{{Now - 200}}},"date_max_temp":"{{{Now - 100}}}"},
            "modules":[{"_id":"b","last_seen":{{{Now - 5}}},"last_message":0,
            "dashboard_data":{"time_utc":{{{Now - 10}}},"date_max_wind_str":{{{Now - 300}}}}},{"_id":"c","last_seen":0}]}
            """.ReplaceLineEndings(""),
            devices[0].GetRawText());
        Assert.Equal($$$"""{"_id":"d","last_status_store":{{{Now + 1}}},"dashboard_data":{"time_utc":{{{Now}}}}}""", devices[1].GetRawText());
        Assert.Equal(Now, answer.GetProperty("time_server").GetInt64());
    }

    [Fact]
    public async Task The_small_sample_is_a_station_with_a_module_of_each_kind()
    {
        var station = Assert.Single(Devices(await Answer(NetatmoSample.Small)));
        Assert.Equal(
            ["NAMain", "NAModule1", "NAModule4", "NAModule2", "NAModule3"], Parts(station).Select(part => part.GetProperty("type").GetString()));
    }

    [Fact]
    public async Task The_large_sample_has_200_stations_and_800_modules_with_unique_IDs()
    {
        var parts = Devices(await Answer(NetatmoSample.Large)).SelectMany(Parts).ToArray();
        Assert.Equal(1000, parts.Length);
        Assert.Equal(1000, parts.Select(part => part.GetProperty("_id").GetString()).Distinct().Count());
        Assert.All(parts, part => Assert.InRange(Now - part.GetProperty("dashboard_data").GetProperty("time_utc").GetInt64(), 0, 600));
    }

    [Fact]
    public async Task The_odd_sample_has_the_oddities_of_real_accounts()
    {
        var stations = Devices(await Answer(NetatmoSample.Odd, "?get_favorites=true"));
        var parts = stations.SelectMany(Parts).ToArray();

        Assert.Contains(parts, part => !part.TryGetProperty("dashboard_data", out _) && part.GetProperty("last_seen").GetInt64() > 0);
        Assert.Contains(
            parts, part =>
            part.TryGetProperty("battery_vp", out var volts) && volts.GetInt32() == 65535 && part.GetProperty("last_seen").GetInt64() == 0);
        Assert.Contains(parts, part => part.TryGetProperty("favorite", out _) && !part.TryGetProperty("home_name", out _));
        Assert.Contains(
            parts.GroupBy(part => part.TryGetProperty("module_name", out var name) ? name.GetString() : null), names =>
            names.Key is not null && names.Count() > 1);
        var values = parts.Where(part => part.TryGetProperty("dashboard_data", out _))
            .SelectMany(part => part.GetProperty("dashboard_data").EnumerateObject()).ToArray();
        Assert.Contains(values, value => value.Name == "Humidity" && value.Value.ValueKind == JsonValueKind.String);
        Assert.Contains(values, value => value.Name == "CO2" && value.Value.GetDouble() % 1 != 0);
        Assert.Contains(values, value => value.Name == "WindAngle" && value.Value.GetInt32() == -1);
    }

    [Fact]
    public async Task Favorites_are_returned_only_on_request()
    {
        Assert.DoesNotContain(Devices(await Answer(NetatmoSample.Odd)), station => station.TryGetProperty("favorite", out _));
        Assert.DoesNotContain(Devices(await Answer(NetatmoSample.Odd, "?get_favorites=false")), station => station.TryGetProperty("favorite", out _));
        Assert.Single(Devices(await Answer(NetatmoSample.Odd, "?get_favorites=true")), station => station.TryGetProperty("favorite", out _));
    }

    [Fact]
    public async Task One_station_can_be_requested_and_another_is_not_found()
    {
        await using var visitor = await SandboxVisitor.Start(new() { Stations = NetatmoSample.Odd });
        var token = visitor.Netatmo.Login().AccessToken;
        var one = await visitor.Api(token, "/api/getstationsdata?device_id=70:ee:50:b0:00:21");
        Assert.Equal("70:ee:50:b0:00:21", Assert.Single(Devices(one.Json)).GetProperty("_id").GetString());
        Assert.Equal((404, 9), (await visitor.Api(token, "/api/getstationsdata?device_id=70:ee:50:00:00:00")).ApiError);
    }

    [Fact]
    public async Task The_Home_Coach_needs_its_own_scope()
    {
        await using var visitor = await SandboxVisitor.Start();
        Assert.Equal((403, 13), (await visitor.Api(visitor.Netatmo.Login("read_station").AccessToken, "/api/gethomecoachsdata")).ApiError);
        var token = visitor.Netatmo.Login("read_homecoach").AccessToken;
        Assert.Equal((403, 13), (await visitor.Api(token)).ApiError);
        var coach = Assert.Single(Devices((await visitor.Api(token, "/api/gethomecoachsdata")).Json));
        Assert.Equal(("NHC", 1), (coach.GetProperty("type").GetString(), coach.GetProperty("dashboard_data").GetProperty("health_idx").GetInt32()));
    }

    [Fact]
    public async Task Only_a_Bearer_header_authorizes()
    {
        await using var visitor = await SandboxVisitor.Start();
        var token = visitor.Netatmo.Login().AccessToken;
        Assert.Equal((403, 1), (await visitor.Get("/api/getstationsdata")).ApiError);
        Assert.Equal((403, 1), (await visitor.Get($"/api/getstationsdata?access_token={Uri.EscapeDataString(token)}")).ApiError);
        Assert.Equal((403, 1), (await visitor.Post("/api/getstationsdata", ("access_token", token))).ApiError);
        var basic = new HttpRequestMessage(
            HttpMethod.Get, "/api/getstationsdata")
        { Headers = { Authorization = new AuthenticationHeaderValue("Basic", token) } };
        Assert.Equal((403, 1), (await visitor.Send(basic)).ApiError);
        Assert.Equal((403, 2), (await visitor.Api(token + "0")).ApiError);
        Assert.Equal((400, 21), (await visitor.Api(token, "/api/getstationsdata?get_favorites=yes")).ApiError);
        Assert.Equal((404, 31), (await visitor.Api(token, "/api/getthermostatsdata")).ApiError);
    }

    [Fact]
    public async Task A_user_has_50_requests_in_10_seconds_and_then_gets_Retry_After()
    {
        await using var visitor = await SandboxVisitor.Start();
        var (token, other) =
            (visitor.Netatmo.Login().AccessToken, visitor.Netatmo.Authorization.Login(visitor.Netatmo.ClientId, "other", "read_station").AccessToken);
        for (var request = 0; request < 50; request++)
        {
            Assert.Equal(HttpStatusCode.OK, (await visitor.Api(token)).Status);
        }
        visitor.Time.Advance(TimeSpan.FromSeconds(4));
        var refused = await visitor.Api(token);
        Assert.Equal((429, 26), refused.ApiError);
        Assert.Equal(TimeSpan.FromSeconds(6), refused.Headers.RetryAfter!.Delta);
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(other)).Status);
        visitor.Time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(HttpStatusCode.OK, (await visitor.Api(token)).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"body":[]}""")]
    [InlineData("""{"body":{"devices":{}}}""")]
    [InlineData("""{"body":{"devices":[1]}}""")]
    public void A_file_that_is_not_a_Netatmo_response_is_rejected_by_name(string text)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, text);
            Assert.StartsWith(
                $"{file}: the response ", Assert.Throws<InvalidDataException>(() => NetatmoSample.Named(file)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<JsonElement> Answer(NetatmoSample sample, string query = "")
    {
        await using var visitor = await SandboxVisitor.Start(new() { Stations = sample });
        return (await visitor.Api(visitor.Netatmo.Login().AccessToken, $"/api/getstationsdata{query}")).Json;
    }

    private static JsonElement[] Devices(JsonElement answer) => [.. answer.GetProperty("body").GetProperty("devices").EnumerateArray()];

    private static IEnumerable<JsonElement> Parts(JsonElement station) =>
        station.TryGetProperty("modules", out var modules) ? modules.EnumerateArray().Prepend(station) : [station];
}
