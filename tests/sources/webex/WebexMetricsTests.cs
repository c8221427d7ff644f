using System.Net;
using System.Text.Json.Nodes;
using Exporter.Accounts;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Exporter.Webex;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>From Webex's responses to the metrics page.</summary>
public sealed class WebexMetricsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_reading_becomes_series_without_secrets()
    {
        var extensions = ExtensionCounts.None.WithSuccess("ds-1").WithSuccess("ds-1").WithSuccess("ds-2").WithFailure("ds-2", "unavailable");
        var schemas = Results.Value(await DataSourceResponses.CallAsync(api => api.ListSchemasAsync(Cancellation), DataSourceResponses.Schemas));
        var mismatched = DataSourceResponses.Full("ds-3");
        mismatched["jwsToken"] = DataSourceResponses.Jws(("aud", "another"), ("com.cisco.org.uuid", "another"));
        var sources =
            await DataSourceResponses.ListedAsync(DataSourceResponses.List(DataSourceResponses.Full(), DataSourceResponses.Disabled(), mismatched));
        var families = WebexMetrics.From(new WebexReading(sources, schemas, extensions)).ToList();
        var page = Pages.Text(families);

        Golden.CheckPage("sources/webex/golden/everything.prom", page);
        foreach (var secret in new[] { DataSourceResponses.Nonce, "a-secret-in-the-path", "being moved", DataSourceResponses.Jws().Split('.')[1] })
        {
            Assert.DoesNotContain(secret, page);
        }
    }

    [Fact]
    public async Task A_missing_member_has_no_series()
    {
        var odd = DataSourceResponses.Full("ds-odd");
        foreach (var name in new[] { "jwsToken", "tokenExpiryTime", "tokenLifetimeMinutes", "createdAt", "updatedAt", "url", "schemaId", "orgId" })
        {
            odd.Remove(name);
        }
        odd["status"] = "hibernating";
        var sources = await DataSourceResponses.ListedAsync(
            DataSourceResponses.List(
            odd, new JsonObject { ["applicationId"] = "nameless" }, DataSourceResponses.Disabled("ds-silent", null),
            DataSourceResponses.Disabled("ds-silent", "twice")));

        Golden.CheckPage("sources/webex/golden/odd.prom", Pages.Text(WebexMetrics.From(new WebexReading(sources, null, ExtensionCounts.None))));
    }

    [Fact]
    public async Task Without_data_sources_each_status_is_zero()
    {
        var sources = await DataSourceResponses.ListedAsync("""{"items":[]}""");

        Golden.CheckPage("sources/webex/golden/none.prom", Pages.Text(WebexMetrics.From(new WebexReading(sources, [], ExtensionCounts.None))));
    }

    [Fact]
    public async Task A_changed_error_message_changes_its_hash()
    {
        async Task<string> HashAsync(string message) => Pages.Text(WebexMetrics.From(new WebexReading(
            await DataSourceResponses.ListedAsync(DataSourceResponses.List(DataSourceResponses.Disabled(message: message))), null,
            ExtensionCounts.None))).Split("message_hash=\"")[1][..12];

        Assert.Equal(await HashAsync("one"), await HashAsync("one"));
        Assert.NotEqual(await HashAsync("one"), await HashAsync("two"));
    }

    [Fact]
    public async Task Every_call_is_counted_by_operation_and_status()
    {
        var time = new ManualTime();
        var context = Opened.Context("webex", time);
        var calls = new WebexCalls(context);
        using var http = new StubHttp().Otherwise((request, _) =>
        {
            time.Advance(TimeSpan.FromMilliseconds(300));
            return StubHttp.Answer(
                request.RequestUri!.Query.Length > 0 ? (HttpStatusCode)423 : HttpStatusCode.OK, "", request.RequestUri.Query.Length > 0
                ? [("Retry-After", "90")] : []);
        });
        var counter = ApiCalls.CreateHandler();
        counter.InnerHandler = http;
        using var client = new HttpClient(counter) { BaseAddress = new Uri("https://webexapis.com/") };
        foreach (var (method, path) in new[]
        {
            ("POST", "v1/access_token"), ("POST", "v1/access_token"), ("POST", "v1/applications/secret-id/token"), ("GET", "v1/people/me"),
            ("GET", "v1/authorizations/tokenExpiry"),
            ("GET", "v1/dataSources"), ("GET", "v1/dataSources?locked"), ("POST", "v1/dataSources"), ("GET", "v1/dataSources/secret-id"),
            ("PUT", "v1/dataSources/secret-id"),
            ("DELETE", "v1/dataSources/secret-id"), ("GET", "v1/dataSources/schemas"), ("GET", "v1/dataSources/schemas/secret-id"),
            ("GET", "proxy/v1/dataSources"), ("GET", "v1/rooms/secret-id"),
        })
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            calls.Mark(request);
            (await client.SendAsync(request, Cancellation)).Dispose();
        }
        var page = Pages.Text(context.Services.GetRequiredService<ApiMetrics>().Registry);

        Golden.CheckPage("sources/webex/golden/calls.prom", page);
        Assert.DoesNotContain("secret-id", page);
    }

    [Fact]
    public void The_debug_page_contains_neither_token_nor_nonce_nor_path()
    {
        var reading = new WebexReading(
            [WebexDataSource.From(Exporter.Tokens.JsonMembers.Parse(System.Text.Encoding.UTF8.GetBytes(DataSourceResponses.Full().ToJsonString())))],
            null, ExtensionCounts.None);
        var page = System.Text.Encoding.UTF8.GetString(reading.ToJson());

        Assert.Contains("\"url\": \"voice.example.com\"", page);
        foreach (var secret in new[] { DataSourceResponses.Nonce, "a-secret-in-the-path", DataSourceResponses.Jws() })
        {
            Assert.DoesNotContain(secret, page);
        }
    }
}
