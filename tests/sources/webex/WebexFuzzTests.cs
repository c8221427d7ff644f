using System.Net;
using System.Text.Json.Nodes;
using Exporter.Accounts;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Webex;

/// <summary>Whatever Webex says, the outcome is a reading with families or a failure with a sentence, never an exception.</summary>
public sealed class WebexFuzzTests
{
    private static readonly string[] Answers =
    [
        DataSourceAnswers.List(DataSourceAnswers.Full(), DataSourceAnswers.Disabled()),
        DataSourceAnswers.Full().ToJsonString(),
        DataSourceAnswers.Schemas,
        """{"message":"m","errors":[{"description":"d"},{"description":"e"}],"trackingId":"t"}""",
    ];

    [Fact]
    public async Task Every_prefix_of_an_answer_has_an_outcome()
    {
        foreach (var whole in Answers)
        {
            for (var length = 0; length < whole.Length; length++)
            {
                Assert.False(await IsGoodAsync(whole[..length]), $"{length} characters of {whole}");
            }
        }
        Assert.True(await IsGoodAsync(Answers[0]));
    }

    [Fact]
    public async Task Any_node_may_be_of_any_type()
    {
        foreach (var whole in Answers)
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
    public async Task A_name_that_is_no_text_has_an_outcome_wherever_it_stands()
    {
        foreach (var odd in Answers.SelectMany(JsonPlaces.WithOddNames))
        {
            await IsGoodAsync(odd);
        }
    }

    [Fact]
    public async Task Any_claim_of_a_signed_token_may_be_of_any_type()
    {
        var claims = System.Text.Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(DataSourceAnswers.Jws().Split('.')[1]));
        foreach (var junk in JsonPlaces.Junk)
        {
            foreach (var path in JsonPlaces.Of(claims))
            {
                Assert.True(await IsGoodAsync(WithJws(DataSourceAnswers.Jws(JsonPlaces.Replaced(claims, path, junk)))));
            }
            Assert.True(await IsGoodAsync(WithJws(DataSourceAnswers.Jws(junk))));
        }
        for (var length = 0; length < claims.Length; length++)
        {
            Assert.True(await IsGoodAsync(WithJws(DataSourceAnswers.Jws(claims[..length]))));
        }
        foreach (var jws in new[] { "", ".", "..", "...", "a.b.c", "a.!.c", "a..c" })
        {
            Assert.True(await IsGoodAsync(WithJws(jws)));
        }
    }

    [Fact]
    public async Task Ten_megabytes_of_anything_have_an_outcome()
    {
        const int Size = 10_000_000;
        foreach (var huge in new[] { new string('[', Size), new string('{', Size), new string('9', Size), $$"""{"message":"{{new string('x', Size)}}"}""", DataSourceAnswers.List(new JsonObject { ["id"] = new string('x', Size) }) })
        {
            await IsGoodAsync(huge);
        }
    }

    private static string WithJws(string jws)
    {
        var source = DataSourceAnswers.Full();
        source["jwsToken"] = jws;
        return DataSourceAnswers.List(source);
    }

    /// <summary>Whether it was an answer to the list; whatever was asked, and with whatever status it came, the outcome is clear.</summary>
    private static async Task<bool> IsGoodAsync(string body)
    {
        var cancellationToken = WebexBench.Cancellation;
        var listed = await DataSourceAnswers.AskAsync(api => api.ListDataSourcesAsync(cancellationToken), body);
        if (listed is PollResult<IReadOnlyList<WebexDataSource>>.Success(var sources))
        {
            var reading = new WebexReading(sources, null, ExtensionCounts.None);
            Pages.Text(WebexMetrics.From(reading));
            reading.ToJson();
            DataSourceTable.Of(sources, DataSourceAnswers.Now);
            foreach (var source in sources)
            {
                DataSourceTable.Of(source, DataSourceAnswers.Now);
                DataSourceOrder.Same(source, null, out _)?.ToJson();
            }
        }
        Clear(listed);
        Clear(await DataSourceAnswers.AskAsync(api => api.GetDataSourceAsync("x", cancellationToken), body));
        var schemas = await DataSourceAnswers.AskAsync(api => api.ListSchemasAsync(cancellationToken), body);
        Clear(schemas);
        if (schemas is PollResult<IReadOnlyList<WebexSchema>>.Success(var list))
        {
            DataSourceTable.Of(list);
            Pages.Text(WebexMetrics.From(new WebexReading([], list, ExtensionCounts.None)));
        }
        Clear(await DataSourceAnswers.AskAsync(api => api.GetDataSourceAsync("x", cancellationToken), body, HttpStatusCode.BadRequest));
        return listed is PollResult<IReadOnlyList<WebexDataSource>>.Success;
    }

    private static void Clear<T>(PollResult<T> answer)
    {
        if (answer is PollResult<T>.Failed(var failure))
        {
            Assert.Matches(@"^Webex[^\n]{1,500}[.?]$", failure.Reason);
        }
    }
}
