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
    public async Task A_data_source_is_read_whole_and_its_signed_token_decoded()
    {
        var source = (await DataSourceAnswers.ListedAsync(DataSourceAnswers.List(DataSourceAnswers.Full()))).Single();

        Assert.Equal(("ds-1", "active", "BYODS", "gateway", "voice.example.com"), (source.Id, source.Status, source.Audience, source.Subject, source.UrlHost));
        Assert.Equal(TimeSpan.FromDays(1), source.TokenLifetime);
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero), source.CreatedAt);
        // The signed token's own word is stronger than tokenExpiryTime.
        Assert.Equal(DataSourceAnswers.Now + TimeSpan.FromHours(23), source.TokenEndsAt);
        Assert.Equal((DataSourceAnswers.Now - TimeSpan.FromHours(1), "https://idbroker.webex.com/idb"), (source.Claims!.IssuedAt, source.Claims.Issuer));
        Assert.Equal(["audience", "nonce", "org", "schema", "subject", "url"], source.Mismatches.Keys.Order());
        Assert.DoesNotContain(true, source.Mismatches.Values);
        Assert.DoesNotContain(DataSourceAnswers.Nonce, source.ToString());
    }

    [Fact]
    public async Task What_the_sample_of_the_specification_leaves_out_is_null()
    {
        var source = (await DataSourceAnswers.ListedAsync("""{"items":[{"applicationId":"a","orgId":"o","createdAt":"x","createdBy":"b"}]}""")).Single();

        Assert.Equal(("", null, null, null, null), (source.Id, source.Status, source.TokenEndsAt, source.Claims, source.CreatedAt));
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
    public async Task Without_a_signed_token_its_end_is_what_Webex_calls_it(string written, string? end)
    {
        var source = DataSourceAnswers.Full();
        source.Remove("jwsToken");
        source["tokenExpiryTime"] = JsonNode.Parse(written);

        var read = (await DataSourceAnswers.ListedAsync(DataSourceAnswers.List(source))).Single();

        Assert.Equal(end is null ? null : DateTimeOffset.Parse(end, System.Globalization.CultureInfo.InvariantCulture), read.TokenEndsAt);
    }

    [Theory]
    [InlineData("url", "com.cisco.datasource.url", "https://elsewhere.example.com")]
    [InlineData("schema", "com.cisco.datasource.schema.uuid", "another")]
    [InlineData("org", "com.cisco.org.uuid", "another")]
    [InlineData("audience", "aud", "another")]
    [InlineData("subject", "sub", "another")]
    [InlineData("nonce", "jti", "another")]
    public async Task A_claim_that_differs_is_named(string name, string claim, string value)
    {
        var source = DataSourceAnswers.Full();
        source["jwsToken"] = DataSourceAnswers.Jws((claim, value));

        var read = (await DataSourceAnswers.ListedAsync(DataSourceAnswers.List(source))).Single();

        Assert.Equal([name], read.Mismatches.Where(m => m.Value).Select(m => m.Key));
    }

    [Fact]
    public async Task The_signed_token_may_go_by_its_other_name()
    {
        var source = DataSourceAnswers.Full();
        source["jwtToken"] = source["jwsToken"]!.DeepClone();
        source.Remove("jwsToken");

        Assert.Equal("BYODS", (await DataSourceAnswers.ListedAsync(DataSourceAnswers.List(source))).Single().Claims!.Audience);
    }

    [Fact]
    public async Task An_audience_may_be_a_list()
    {
        var source = DataSourceAnswers.Full();
        source["jwsToken"] = DataSourceAnswers.Jws(("aud", new JsonArray("BYODS", "others")));

        Assert.Equal("BYODS", (await DataSourceAnswers.ListedAsync(DataSourceAnswers.List(source))).Single().Claims!.Audience);
    }

    [Theory]
    [InlineData(400, typeof(ApiFailure.Rejected), "Webex rejects the request: ")]
    [InlineData(401, typeof(ApiFailure.TokenRefused), "Webex does not accept the service app's token: ")]
    [InlineData(403, typeof(ApiFailure.MissingScope), "The service app may not do this: ")]
    [InlineData(404, typeof(ApiFailure.Rejected), "Webex has no such thing: ")]
    [InlineData(409, typeof(ApiFailure.Rejected), "Webex rejects the request: ")]
    [InlineData(408, typeof(ApiFailure.Unavailable), "Webex has a problem of its own: ")]
    [InlineData(423, typeof(ApiFailure.RateLimited), "Webex asks for patience: ")]
    [InlineData(429, typeof(ApiFailure.RateLimited), "Webex asks for patience: ")]
    [InlineData(500, typeof(ApiFailure.Unavailable), "Webex has a problem of its own: ")]
    [InlineData(302, typeof(ApiFailure.Unavailable), "Webex sends us elsewhere: ")]
    [InlineData(202, typeof(ApiFailure.Unavailable), "Webex's answer is not the API's: ")]
    public async Task A_refusal_is_told_with_its_message_and_the_id_to_ask_support_with(int status, Type kind, string begins)
    {
        const string Body = """{"message":"What Webex says","errors":[{"description":"in detail"},{"description":"What Webex says"}],"trackingId":"T-1"}""";
        var failure = Failure(await DataSourceAnswers.AskAsync(api => api.GetDataSourceAsync("x", Cancellation), Body, (HttpStatusCode)status, ("Retry-After", "90")));

        Assert.IsType(kind, failure);
        Assert.StartsWith($"{begins}\"What Webex says; in detail\" (HTTP {status}, trackingId T-1)", failure.Reason, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(90), failure.RetryAfter);
    }

    [Fact]
    public async Task An_id_in_the_header_alone_is_told_too()
    {
        var failure = Failure(await DataSourceAnswers.AskAsync(api => api.GetDataSourceAsync("x", Cancellation), "", HttpStatusCode.BadRequest, ("Trackingid", "T-2")));

        Assert.Equal("Webex rejects the request: (HTTP 400, trackingId T-2).", failure.Reason);
    }

    [Fact]
    public async Task Each_scope_is_named_by_what_needs_it()
    {
        var order = Order();
        var read = Failure(await DataSourceAnswers.AskAsync(api => api.ListDataSourcesAsync(Cancellation), "", HttpStatusCode.Forbidden));
        var write = Failure(await DataSourceAnswers.AskAsync(api => api.UpdateDataSourceAsync("x", order, Cancellation), "", HttpStatusCode.Forbidden));
        var any = Failure(await DataSourceAnswers.AskAsync(api => api.ListSchemasAsync(Cancellation), "", HttpStatusCode.Forbidden));

        Assert.Equal("spark-admin:datasource_read", Assert.IsType<ApiFailure.MissingScope>(read).Scope);
        Assert.Equal("spark-admin:datasource_write", Assert.IsType<ApiFailure.MissingScope>(write).Scope);
        Assert.IsType<ApiFailure.Rejected>(any);
    }

    [Fact]
    public async Task What_is_sent_is_not_repeated_from_an_error()
    {
        var order = Order();
        var failure = Failure(await DataSourceAnswers.AskAsync(
            api => api.RegisterDataSourceAsync(order, Cancellation), $$"""{"message":"nonce {{order.Nonce.Reveal()}} was used"}""", HttpStatusCode.Conflict));

        Assert.Equal("Webex rejects the request: \"nonce <secret> was used\" (HTTP 409).", failure.Reason);
    }

    [Fact]
    public async Task An_order_is_sent_as_Webex_reads_it()
    {
        using var http = new StubHttp().Expect(HttpStatusCode.OK, DataSourceAnswers.Full().ToJsonString()).Expect(HttpStatusCode.OK, DataSourceAnswers.Full().ToJsonString());
        var (api, order) = (DataSourceAnswers.On(http), Order());
        await api.RegisterDataSourceAsync(order, Cancellation);
        await api.UpdateDataSourceAsync("a/b", order with { Status = "disabled", ErrorMessage = "why", Lifetime = TimeSpan.FromMinutes(7) }, Cancellation);

        var ((posted, body), (put, changed)) = (http.Calls[0], http.Calls[1]);
        Assert.Equal("POST https://webexapis.com/v1/dataSources Bearer the-token", $"{posted.Method} {posted.RequestUri} {posted.Headers.Authorization}");
        Assert.Equal($$"""{"audience":"BYODS","subject":"gateway","schemaId":"s","url":"https://a.example.com","nonce":"{{order.Nonce.Reveal()}}","tokenLifetimeMinutes":1440}""", body);
        Assert.Equal("PUT https://webexapis.com/v1/dataSources/a%2Fb", $"{put.Method} {put.RequestUri!.AbsoluteUri}");
        Assert.EndsWith(""","tokenLifetimeMinutes":7,"status":"disabled","errorMessage":"why"}""", changed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Schemas_are_read_and_sources_deleted()
    {
        var schemas = Assert.IsType<PollResult<IReadOnlyList<WebexSchema>>.Success>(await DataSourceAnswers.AskAsync(api => api.ListSchemasAsync(Cancellation), DataSourceAnswers.Schemas)).Value;
        Assert.Equal(["gRPC", "WebSocket"], schemas.Select(s => s.Protocol));
        var one = await DataSourceAnswers.AskAsync(api => api.GetSchemaAsync("s", Cancellation), """{"id":"s","protocol":"gRPC"}""");
        Assert.Equal("gRPC", Assert.IsType<PollResult<WebexSchema>.Success>(one).Value.Protocol);
        Assert.IsType<PollResult<bool>.Success>(await DataSourceAnswers.AskAsync(api => api.DeleteDataSourceAsync("x", Cancellation), "", HttpStatusCode.NoContent));
    }

    [Theory]
    [InlineData(null, 1440, 1440)]
    [InlineData(60, 1440, 60)]
    [InlineData(null, 20, 20)]
    [InlineData(null, 5000, 1440)]
    [InlineData(null, 0.2, 1)]
    public void The_same_again_has_a_fresh_nonce_and_a_life_that_Webex_allows(int? asked, double now, int minutes)
    {
        var members = DataSourceAnswers.Disabled();
        members["tokenLifetimeMinutes"] = now;
        var source = WebexDataSource.From(JsonMembers.Parse(System.Text.Encoding.UTF8.GetBytes(members.ToJsonString())));
        var order = DataSourceOrder.Same(source, asked is { } given ? TimeSpan.FromMinutes(given) : null, out var missing)!;

        Assert.Empty(missing);
        Assert.Equal(("disabled", "The gateway is being moved", minutes), (order.Status, order.ErrorMessage, (int)order.Lifetime.TotalMinutes));
        Assert.NotEqual(source.Nonce, order.Nonce);
    }

    [Fact]
    public void The_same_again_takes_the_claims_where_they_differ_and_names_what_nobody_says()
    {
        var members = DataSourceAnswers.Full();
        members["jwsToken"] = DataSourceAnswers.Jws(("aud", "claimed"), ("sub", null));
        var order = DataSourceOrder.Same(Read(members), null, out _)!;
        Assert.Equal(("claimed", "gateway"), (order.Audience, order.Subject));

        foreach (var name in new[] { "status", "jwsToken", "subject", "url" })
        {
            members.Remove(name);
        }
        Assert.Null(DataSourceOrder.Same(Read(members), null, out var missing));
        Assert.Equal(["subject", "url", "status"], missing);

        static WebexDataSource Read(JsonObject json) => WebexDataSource.From(JsonMembers.Parse(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString())));
    }

    private static DataSourceOrder Order() => new() { Audience = "BYODS", Subject = "gateway", SchemaId = "s", Url = "https://a.example.com" };

    private static ApiFailure Failure<T>(PollResult<T> answer) => Assert.IsType<PollResult<T>.Failed>(answer).Failure;
}
