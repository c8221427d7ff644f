using System.Net;
using System.Text.Json.Nodes;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Webex;

public sealed class WebexApiTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_data_source_is_read_and_its_signed_token_decoded()
    {
        var source = (await DataSourceResponses.ListedAsync(DataSourceResponses.List(DataSourceResponses.Full()))).Single();

        Assert.Equal(
            ("ds-1", "active", "BYODS", "gateway", "voice.example.com"), (source.Id, source.Status, source.Audience, source.Subject, source.UrlHost));
        Assert.Equal(TimeSpan.FromDays(1), source.TokenLifetime);
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero), source.CreatedAt);
        // The signed token's exp has precedence over tokenExpiryTime.
        Assert.Equal(DataSourceResponses.Now + TimeSpan.FromHours(23), source.TokenExpiresAt);
        Assert.Equal(
            (DataSourceResponses.Now - TimeSpan.FromHours(1), "https://idbroker.webex.com/idb"), (source.Claims!.IssuedAt, source.Claims.Issuer));
        Assert.Equal(["audience", "nonce", "org", "schema", "subject", "url"], source.Mismatches.Keys.Order());
        Assert.DoesNotContain(true, source.Mismatches.Values);
        Assert.DoesNotContain(DataSourceResponses.Nonce, source.ToString());
    }

    [Fact]
    public async Task A_list_may_be_a_map() => Assert.Equal(["x", "y"], (await DataSourceResponses.ListedAsync(
        """{"items":{"0":{"id":"x"},"2":{"id":"y"}}}""")).Select(source => source.Id));

    [Fact]
    public async Task Members_missing_in_the_specifications_sample_are_null()
    {
        var source =
            (await DataSourceResponses.ListedAsync("""{"items":[{"applicationId":"a","orgId":"o","createdAt":"x","createdBy":"b"}]}""")).Single();

        Assert.Equal(("", null, null, null, null), (source.Id, source.Status, source.TokenExpiresAt, source.Claims, source.CreatedAt));
        Assert.Empty(source.Mismatches);
    }

    [Theory]
    [InlineData("\"2026-11-22T10:00:00.000Z\"", "2026-11-22T10:00:00Z")]
    [InlineData("\"2026-11-22T10:00:00\"", "2026-11-22T10:00:00Z")]
    [InlineData("\"2026-11-22T12:00:00+02:00\"", "2026-11-22T10:00:00Z")]
    [InlineData("1795341600", "2026-11-22T10:00:00Z")]
    [InlineData("1795341600000", "2026-11-22T10:00:00Z")]
    [InlineData("\"soon\"", null)]
    [InlineData("-1", null)]
    [InlineData("1e300", null)]
    public async Task Without_a_signed_token_the_expiry_is_tokenExpiryTime(string written, string? end)
    {
        var source = DataSourceResponses.Full();
        source.Remove("jwsToken");
        source["tokenExpiryTime"] = JsonNode.Parse(written);

        var read = (await DataSourceResponses.ListedAsync(DataSourceResponses.List(source))).Single();

        Assert.Equal(end is null ? null : DateTimeOffset.Parse(end, System.Globalization.CultureInfo.InvariantCulture), read.TokenExpiresAt);
    }

    [Theory]
    [InlineData("url", "com.cisco.datasource.url", "https://elsewhere.example.com")]
    [InlineData("schema", "com.cisco.datasource.schema.uuid", "another")]
    [InlineData("org", "com.cisco.org.uuid", "another")]
    [InlineData("audience", "aud", "another")]
    [InlineData("subject", "sub", "another")]
    [InlineData("nonce", "jti", "another")]
    public async Task A_claim_that_differs_is_listed(string name, string claim, string value)
    {
        var source = DataSourceResponses.Full();
        source["jwsToken"] = DataSourceResponses.Jws((claim, value));

        var read = (await DataSourceResponses.ListedAsync(DataSourceResponses.List(source))).Single();

        Assert.Equal([name], read.Mismatches.Where(m => m.Value).Select(m => m.Key));
    }

    [Fact]
    public async Task The_signed_token_can_have_its_other_name()
    {
        var source = DataSourceResponses.Full();
        source["jwtToken"] = source["jwsToken"]!.DeepClone();
        source.Remove("jwsToken");

        Assert.Equal("BYODS", (await DataSourceResponses.ListedAsync(DataSourceResponses.List(source))).Single().Claims!.Audience);
    }

    [Fact]
    public async Task An_audience_can_be_a_list()
    {
        var source = DataSourceResponses.Full();
        source["jwsToken"] = DataSourceResponses.Jws(("aud", new JsonArray("BYODS", "others")));

        Assert.Equal("BYODS", (await DataSourceResponses.ListedAsync(DataSourceResponses.List(source))).Single().Claims!.Audience);
    }

    [Theory]
    [InlineData(400, typeof(ApiFailure.Rejected), "Webex rejects the request: ")]
    [InlineData(401, typeof(ApiFailure.TokenRefused), "Webex rejects the service app's token: ")]
    [InlineData(403, typeof(ApiFailure.MissingScope), "The service app lacks a permission: ")]
    [InlineData(404, typeof(ApiFailure.Rejected), "Webex does not find the resource: ")]
    [InlineData(409, typeof(ApiFailure.Rejected), "Webex rejects the request: ")]
    [InlineData(408, typeof(ApiFailure.Unavailable), "Webex has a problem: ")]
    [InlineData(423, typeof(ApiFailure.RateLimited), "Webex limits the rate of requests: ")]
    [InlineData(429, typeof(ApiFailure.RateLimited), "Webex limits the rate of requests: ")]
    [InlineData(500, typeof(ApiFailure.Unavailable), "Webex has a problem: ")]
    [InlineData(302, typeof(ApiFailure.Unavailable), "Webex redirects the request: ")]
    [InlineData(202, typeof(ApiFailure.Unavailable), "Webex returned an unexpected response: ")]
    public async Task An_error_is_reported_with_its_message_and_tracking_ID(int status, Type kind, string begins)
    {
        const string Body =
            """{"message":"What Webex says","errors":[{"description":"in detail"},{"description":"What Webex says"}],"trackingId":"T-1"}""";
        var failure =
            Failure(await DataSourceResponses.CallAsync(
            api => api.GetDataSourceAsync("x", Cancellation), Body, (HttpStatusCode)status, ("Retry-After", "90")));

        Assert.IsType(kind, failure);
        Assert.StartsWith($"{begins}\"What Webex says; in detail\" (HTTP {status}, trackingId T-1)", failure.Reason, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(90), failure.RetryAfter);
    }

    [Fact]
    public async Task A_tracking_ID_in_the_header_is_reported()
    {
        var failure =
            Failure(await DataSourceResponses.CallAsync(
            api => api.GetDataSourceAsync("x", Cancellation), "", HttpStatusCode.BadRequest, ("Trackingid", "T-2")));

        Assert.Equal("Webex rejects the request: (HTTP 400, trackingId T-2).", failure.Reason);
    }

    [Fact]
    public async Task A_403_names_the_missing_scope()
    {
        var order = Order();
        var read = Failure(await DataSourceResponses.CallAsync(api => api.ListDataSourcesAsync(Cancellation), "", HttpStatusCode.Forbidden));
        var write =
            Failure(await DataSourceResponses.CallAsync(api => api.UpdateDataSourceAsync("x", order, Cancellation), "", HttpStatusCode.Forbidden));
        var any = Failure(await DataSourceResponses.CallAsync(api => api.ListSchemasAsync(Cancellation), "", HttpStatusCode.Forbidden));

        Assert.Equal("spark-admin:datasource_read", Assert.IsType<ApiFailure.MissingScope>(read).Scope);
        Assert.Equal("spark-admin:datasource_write", Assert.IsType<ApiFailure.MissingScope>(write).Scope);
        Assert.IsType<ApiFailure.Rejected>(any);
    }

    [Fact]
    public async Task A_secret_in_an_error_is_not_repeated()
    {
        var order = Order();
        var failure = Failure(await DataSourceResponses.CallAsync(
            api => api.RegisterDataSourceAsync(order, Cancellation), $$"""{"message":"nonce {{order.Nonce.Reveal()}} was used"}""",
            HttpStatusCode.Conflict));

        Assert.Equal("Webex rejects the request: \"nonce <secret> was used\" (HTTP 409).", failure.Reason);
    }

    [Fact]
    public async Task A_request_is_sent_as_Webex_reads_it()
    {
        using var http = new StubHttp().Expect(HttpStatusCode.OK, DataSourceResponses.Full().ToJsonString())
            .Expect(HttpStatusCode.OK, DataSourceResponses.Full().ToJsonString());
        var (api, order) = (DataSourceResponses.On(http), Order());
        await api.RegisterDataSourceAsync(order, Cancellation);
        await api.UpdateDataSourceAsync(
            "a/b", order with { Status = "disabled", ErrorMessage = "why", Lifetime = TimeSpan.FromMinutes(7) }, Cancellation);

        var ((posted, body), (put, changed)) = (http.Calls[0], http.Calls[1]);
        Assert.Equal(
            "POST https://webexapis.com/v1/dataSources Bearer the-token", $"{posted.Method} {posted.RequestUri} {posted.Headers.Authorization}");
        Assert.Equal(
            $$"""
            {"audience":"BYODS","subject":"gateway","schemaId":"s","url":"https://a.example.com",
            "nonce":"{{order.Nonce.Reveal()}}","tokenLifetimeMinutes":1440}
            """.ReplaceLineEndings(""), body);
        Assert.Equal("PUT https://webexapis.com/v1/dataSources/a%2Fb", $"{put.Method} {put.RequestUri!.AbsoluteUri}");
        Assert.EndsWith(""","tokenLifetimeMinutes":7,"status":"disabled","errorMessage":"why"}""", changed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Schemas_are_read_and_sources_deleted()
    {
        var schemas = Results.Value(await DataSourceResponses.CallAsync(api => api.ListSchemasAsync(Cancellation), DataSourceResponses.Schemas));
        Assert.Equal(["gRPC", "WebSocket"], schemas.Select(s => s.Protocol));
        var one = await DataSourceResponses.CallAsync(api => api.GetSchemaAsync("s", Cancellation), """{"id":"s","protocol":"gRPC"}""");
        Assert.Equal("gRPC", Results.Value(one).Protocol);
        Results.Value(await DataSourceResponses.CallAsync(api => api.DeleteDataSourceAsync("x", Cancellation), "", HttpStatusCode.NoContent));
    }

    [Theory]
    [InlineData(null, 1440, 1440)]
    [InlineData(60, 1440, 60)]
    [InlineData(null, 20, 20)]
    [InlineData(null, 5000, 1440)]
    [InlineData(null, 0.2, 1)]
    public void An_update_from_the_current_source_has_a_new_nonce_and_a_valid_lifetime(int? asked, double now, int minutes)
    {
        var members = DataSourceResponses.Disabled();
        members["tokenLifetimeMinutes"] = now;
        var source = WebexDataSource.From(JsonMembers.Parse(System.Text.Encoding.UTF8.GetBytes(members.ToJsonString())));
        var order = DataSourceRequest.FromCurrent(source, asked is { } given ? TimeSpan.FromMinutes(given) : null, out var missing)!;

        Assert.Empty(missing);
        Assert.Equal(("disabled", "The gateway is being moved", minutes), (order.Status, order.ErrorMessage, (int)order.Lifetime.TotalMinutes));
        Assert.NotEqual(source.Nonce, order.Nonce);
    }

    [Fact]
    public void An_update_from_the_current_source_prefers_claims_and_lists_missing_members()
    {
        var members = DataSourceResponses.Full();
        members["jwsToken"] = DataSourceResponses.Jws(("aud", "claimed"), ("sub", null));
        var order = DataSourceRequest.FromCurrent(Read(members), null, out _)!;
        Assert.Equal(("claimed", "gateway"), (order.Audience, order.Subject));

        foreach (var name in new[] { "status", "jwsToken", "subject", "url" })
        {
            members.Remove(name);
        }
        Assert.Null(DataSourceRequest.FromCurrent(Read(members), null, out var missing));
        Assert.Equal(["subject", "url", "status"], missing);

        static WebexDataSource Read(JsonObject json) =>
            WebexDataSource.From(JsonMembers.Parse(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString())));
    }

    private static DataSourceRequest Order() => new() { Audience = "BYODS", Subject = "gateway", SchemaId = "s", Url = "https://a.example.com" };

    private static ApiFailure Failure<T>(Result<T, ApiFailure> answer) => Results.Failure(answer);
}
