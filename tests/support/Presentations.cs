using System.Globalization;
using System.Text;
using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Support;

/// <summary>Checks and prints presentations.</summary>
internal static class Presentations
{
    /// <summary>The rules of every presentation: unique titles and labels, and no empty card, empty text or number without meaning.</summary>
    public static void AssertReadable(Presentation presentation)
    {
        AssertUnique(presentation.Cards.Select(card => card.Title).Concat(presentation.Tables.Select(table => table.Title)));
        foreach (var card in presentation.Cards)
        {
            Assert.NotEmpty(card.Lines);
            Assert.False(card.Subtitle is not null && (string.IsNullOrWhiteSpace(card.Subtitle) || card.Subtitle == card.Title));
            AssertUnique(card.Lines.Concat(card.Details).Select(line => line.Label));
            Assert.All(card.Lines.Concat(card.Details), line => AssertReadable(line.Value));
            Assert.All(card.Lines.Concat(card.Details).Where(line => line.IsPlotted), line => Assert.IsType<ReadingValue.Number>(line.Value));
        }
        foreach (var table in presentation.Tables)
        {
            AssertUnique(table.Columns);
            Assert.All(table.Rows, row => Assert.Equal(table.Columns.Count, row.Count));
            Assert.All(table.Rows.SelectMany(row => row).OfType<ReadingValue>(), AssertReadable);
        }
    }

    /// <summary>For people who read a golden file: <c>~</c> is a plotted line, and <c>+</c> a detail.</summary>
    public static string Text(Presentation presentation)
    {
        var text = new StringBuilder();
        foreach (var card in presentation.Cards)
        {
            text.Append(CultureInfo.InvariantCulture, $"{card.Title}{(card.Subtitle is null ? "" : $" | {card.Subtitle}")}\n");
            foreach (var line in card.Lines)
            {
                text.Append(CultureInfo.InvariantCulture, $"  {(line.IsPlotted ? '~' : ' ')} {line.Label}: {Text(line.Value)}\n");
            }
            foreach (var line in card.Details)
            {
                text.Append(CultureInfo.InvariantCulture, $"  {(line.IsPlotted ? '~' : ' ')}+ {line.Label}: {Text(line.Value)}\n");
            }
        }
        foreach (var table in presentation.Tables)
        {
            text.Append(CultureInfo.InvariantCulture, $"{table.Title}\n  {string.Join(" | ", table.Columns)}\n");
            foreach (var row in table.Rows)
            {
                text.Append(CultureInfo.InvariantCulture, $"  {string.Join(" | ", row.Select(cell => cell is null ? "" : Text(cell)))}\n");
            }
        }
        return text.ToString();
    }

    public static string Text(ReadingValue value) => value switch
    {
        ReadingValue.Number number => $"{number.Value.ToString($"N{number.Decimals}", CultureInfo.InvariantCulture)} {number.Unit}".TrimEnd(),
        ReadingValue.Text text => text.Value,
        ReadingValue.Flag flag => flag.Value ? "yes" : "no",
        ReadingValue.Time time => time.At.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        _ => throw new InvalidOperationException("unknown kind of value"),
    };

    private static void AssertUnique(IEnumerable<string> texts)
    {
        var all = texts.ToList();
        Assert.DoesNotContain(all, string.IsNullOrWhiteSpace);
        Assert.Equal(all.Distinct(), all);
    }

    private static void AssertReadable(ReadingValue value)
    {
        Assert.False(value is ReadingValue.Text text && string.IsNullOrWhiteSpace(text.Value));
        Assert.True(value is not ReadingValue.Number number || (double.IsFinite(number.Value) && number.Decimals >= 0));
    }
}
