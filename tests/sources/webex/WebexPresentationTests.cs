using System.Text.Json.Nodes;
using Exporter.Accounts;
using Exporter.Tests.Support;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Webex;

public sealed class WebexPresentationTests
{
    [Fact]
    public async Task A_reading_is_a_table()
    {
        var extensions = ExtensionCounts.None.WithSuccess("ds-1").WithSuccess("gone").WithFailure("ds-2", "unavailable");
        var presentation = await PresentAsync(extensions,
            DataSourceResponses.Full(), DataSourceResponses.Disabled(), new JsonObject { ["applicationId"] = "nameless" });

        Presentations.AssertReadable(presentation);
        var text = Presentations.Text(presentation);
        Golden.Check("sources/webex/golden/presentation.txt", text);
        Assert.DoesNotContain("a-secret-in-the-path", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_table_has_the_columns_and_rows_of_the_command()
    {
        var sources = await DataSourceResponses.ListedAsync(DataSourceResponses.List(DataSourceResponses.Full(), DataSourceResponses.Disabled()));
        var table = Assert.Single(WebexPresentation.Of(new WebexReading(sources, null, ExtensionCounts.None), DataSourceResponses.Now).Tables);

        var printed = DataSourceTable.Of(sources, DataSourceResponses.Now).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["id", "status", "schema", "token expires", "left", "url"], printed[0].Split("  ", StringSplitOptions.RemoveEmptyEntries).Select(c => c.Trim()));
        Assert.Equal(printed[0].Split("  ", StringSplitOptions.RemoveEmptyEntries).Select(c => c.Trim()), table.Columns.Select(c => c.ToLowerInvariant()));
        Assert.Equal(printed.Skip(1).Select(row => row[..4]), table.Rows.Select(row => Assert.IsType<ReadingValue.Text>(row[0]).Value));
        Assert.All(table.Rows, row => Assert.Equal(
            [new ReadingValue.Time(DataSourceResponses.Now.AddHours(23)), new ReadingValue.Text("23 h 0 min")], row.Skip(3).Take(2)));
    }

    [Fact]
    public async Task Without_data_sources_there_is_no_table()
    {
        var presentation = await PresentAsync(ExtensionCounts.None);

        Presentations.AssertReadable(presentation);
        Assert.Empty(presentation.Tables);
        Assert.Equal(new ReadingLine("Data sources", new ReadingValue.Number(0)), Assert.Single(presentation.Cards).Lines[0]);
    }

    private static async Task<Presentation> PresentAsync(ExtensionCounts extensions, params JsonNode[] sources) => WebexPresentation.Of(
        new WebexReading(await DataSourceResponses.ListedAsync(DataSourceResponses.List(sources)), [], extensions), DataSourceResponses.Now);
}
