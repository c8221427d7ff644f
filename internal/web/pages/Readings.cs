using System.Globalization;

namespace Exporter.Web;

/// <summary>Renders an account's readings as its source presents them. Pure.</summary>
internal static class Readings
{
    /// <summary>On one page.</summary>
    private const int MaxCards = 60;

    /// <param name="account">Its page has a link to the next cards.</param>
    /// <param name="id">The ID of the account's card, which IDs of its parts begin with.</param>
    /// <param name="first">The index of the first card.</param>
    public static Html Render(Presentation presentation, Clock clock, string account, string id, int first = 0)
    {
        var left = presentation.Cards.Count - first - MaxCards;
        Html? more = left <= 0 ? null : (Html)$"""
            <p>And {left} more. <a href="?account={Uri.EscapeDataString(account)}&amp;from={first + MaxCards + 1}">Next readings</a></p>
            """;
        var cards = presentation.Cards.Skip(first).Take(MaxCards).Select((card, i) => Card(card, $"{id}-{first + i}", clock)).ToList();
        Html? tiles = cards.Count == 0 ? null : (Html)$"<div class=\"tiles\">{cards}</div>";
        return $"{tiles}{more}{presentation.Tables.Select(table => Table(table, clock))}";
    }

    /// <summary>The most important values of a reading, for an account that is folded: three of a single card, or one of each of two.</summary>
    public static string Headline(Presentation presentation)
    {
        var isSingle = presentation.Cards.Count == 1;
        return string.Join(" · ",
            from card in presentation.Cards.Take(2)
            from line in card.Lines.Take(isSingle ? 3 : 1)
            where line.Value is ReadingValue.Number
            select $"{(isSingle ? line.Label : card.Title)} {Text((ReadingValue.Number)line.Value)}");
    }

    /// <summary>The number with thousands separators and unit.</summary>
    public static string Text(ReadingValue.Number number)
    {
        var text = number.Rounded.ToString(Math.Abs(number.Value) >= 1e15 ? "0.###e0" : $"N{number.Decimals}", CultureInfo.InvariantCulture);
        // To save space, none before a degree or percent sign; otherwise a no-break space.
        return number.Unit is "" or "°" or "%" ? text + number.Unit : $"{text}\u00a0{number.Unit}";
    }

    private static Html Card(ReadingCard card, string id, Clock clock)
    {
        Html? subtitle = card.Subtitle is null ? null : (Html)$"<p class=\"shared\">{card.Subtitle}</p>";
        Html? details = card.Details.Count == 0 ? null : (Html)$"""
            <details id="{id}-more"><summary>More<span class="hidden"> about {card.Title}</span></summary>{Lines(card.Details, clock)}</details>
            """;
        return $"""
            <section class="tile" aria-labelledby="{id}"><h3 id="{id}">{card.Title}</h3>{subtitle}{Lines(card.Lines, clock)}{details}</section>
            """;
    }

    private static Html? Lines(IReadOnlyList<ReadingLine> lines, Clock clock) => lines.Count == 0 ? null
        : (Html)$"<dl class=\"values\">{lines.Select(line => (Html)$"<div><dt>{line.Label}</dt><dd>{Value(line.Value, clock)}</dd></div>")}</dl>";

    private static Html Table(ReadingTable table, Clock clock)
    {
        if (table.Rows.Count == 0)
        {
            return $"<p>{table.Title}: none.</p>";
        }
        return $"""
            <div class="wide" role="region" aria-label="{table.Title}" tabindex="0"><table><caption>{table.Title}</caption>
            <thead><tr>{table.Columns.Select(column => (Html)$"<th scope=\"col\">{column}</th>")}</tr></thead>
            <tbody>{table.Rows.Select(row => (Html)$"<tr>{row.Select(cell => (Html)$"<td>{Value(cell, clock)}</td>")}</tr>")}</tbody>
            </table></div>
            """;
    }

    private static Html Value(ReadingValue? value, Clock clock) => value switch
    {
        ReadingValue.Number number => $"{Text(number)}",
        ReadingValue.Text(var text) => $"{text}",
        ReadingValue.Flag(var flag) => $"{(flag ? "yes" : "no")}",
        ReadingValue.Time(var at) => clock.At(at),
        _ => $"–",
    };
}
