using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Exporter.Accounts;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>For any response, the outcome is a reading or a failure with a sentence, never an exception.</summary>
public sealed class WebexFuzzTests
{
    private static readonly string[] Responses =
    [
        DataSourceResponses.List(DataSourceResponses.Full(), DataSourceResponses.Disabled()),
        DataSourceResponses.Full().ToJsonString(),
        DataSourceResponses.Schemas,
        """{"message":"m","errors":[{"description":"d"},{"description":"e"}],"trackingId":"t"}""",
    ];

    [Fact]
    public async Task Every_prefix_of_a_response_has_an_outcome()
    {
        foreach (var whole in Responses)
        {
            for (var length = 0; length < whole.Length; length++)
            {
                Assert.False(await IsGoodAsync(whole[..length]), $"{length} characters of {whole}");
            }
        }
        Assert.True(await IsGoodAsync(Responses[0]));
    }

    [Fact]
    public async Task Any_JSON_node_can_have_any_type()
    {
        foreach (var whole in Responses)
        {
            foreach (var path in JsonPlaces.Of(whole))
            {
                foreach (var junk in JsonPlaces.Junk)
                {
                    await IsGoodAsync(JsonPlaces.Replaced(whole, path, junk));
                }
            }
        }
    }

    [Fact]
    public async Task A_member_name_that_is_not_valid_Unicode_has_an_outcome()
    {
        foreach (var odd in Responses.SelectMany(JsonPlaces.WithOddNames))
        {
            await IsGoodAsync(odd);
        }
    }

    [Fact]
    public async Task Any_claim_of_a_signed_token_can_have_any_type()
    {
        var claims = System.Text.Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(DataSourceResponses.Jws().Split('.')[1]));
        foreach (var junk in JsonPlaces.Junk)
        {
            foreach (var path in JsonPlaces.Of(claims))
            {
                Assert.True(await IsGoodAsync(WithJws(DataSourceResponses.Jws(JsonPlaces.Replaced(claims, path, junk)))));
            }
            Assert.True(await IsGoodAsync(WithJws(DataSourceResponses.Jws(junk))));
        }
        for (var length = 0; length < claims.Length; length++)
        {
            Assert.True(await IsGoodAsync(WithJws(DataSourceResponses.Jws(claims[..length]))));
        }
        foreach (var jws in new[] { "", ".", "..", "...", "a.b.c", "a.!.c", "a..c" })
        {
            Assert.True(await IsGoodAsync(WithJws(jws)));
        }
    }

    [Fact]
    public async Task A_response_of_ten_megabytes_has_an_outcome()
    {
        const int Size = 10_000_000;
        foreach (
            var huge in new[] { new string('[', Size), new string('{', Size), new string('9', Size), $$"""{"message":"{{new string('x', Size)}}"}""",
            DataSourceResponses.List(new JsonObject { ["id"] = new string('x', Size) }) })
        {
            await IsGoodAsync(huge);
        }
    }

    private static string WithJws(string jws)
    {
        var source = DataSourceResponses.Full();
        source["jwsToken"] = jws;
        return DataSourceResponses.List(source);
    }

    /// <summary>Reads the body as the response to every operation. True if it is a valid list.</summary>
    private static async Task<bool> IsGoodAsync(string body)
    {
        var cancellationToken = WebexFixture.Cancellation;
        var listed = await DataSourceResponses.CallAsync(api => api.ListDataSourcesAsync(cancellationToken), body);
        if (listed.Value is { } sources)
        {
            var reading = new WebexReading(sources, null, ExtensionCounts.None);
            Pages.Text(WebexMetrics.From(reading));
            reading.ToJson();
            DataSourceTable.Of(sources, DataSourceResponses.Now);
            foreach (var source in sources)
            {
                DataSourceTable.Of(source, DataSourceResponses.Now);
                JsonSerializer.Serialize(DataSourceRequest.FromCurrent(source, null, out _)!, WebexJson.Default.DataSourceRequest);
            }
        }
        Clear(listed);
        Clear(await DataSourceResponses.CallAsync(api => api.GetDataSourceAsync("x", cancellationToken), body));
        var schemas = await DataSourceResponses.CallAsync(api => api.ListSchemasAsync(cancellationToken), body);
        Clear(schemas);
        if (schemas.Value is { } list)
        {
            DataSourceTable.Of(list);
            Pages.Text(WebexMetrics.From(new WebexReading([], list, ExtensionCounts.None)));
        }
        Clear(await DataSourceResponses.CallAsync(api => api.GetDataSourceAsync("x", cancellationToken), body, HttpStatusCode.BadRequest));
        return listed.Failure is null;
    }

    private static void Clear<T>(Result<T, ApiFailure> answer)
    {
        if (answer.Failure is { } failure)
        {
            Assert.Matches(@"^Webex[^\n]{1,500}[.?]$", failure.Reason);
        }
    }
}
