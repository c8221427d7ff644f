using System.Text.Json;

namespace Exporter.Accounts;

/// <summary>A <see cref="Presentation"/> in JSON: numbers, texts, booleans and times as such, and units beside them.</summary>
public sealed record PresentedReading(IReadOnlyList<PresentedCard> Cards, IReadOnlyList<PresentedTable> Tables)
{
    internal static PresentedReading Of(Presentation presentation) =>
        new([.. presentation.Cards.Select(PresentedCard.Of)], [.. presentation.Tables.Select(PresentedTable.Of)]);

    /// <summary>Null for an empty cell and for a number that is not finite, which JSON cannot contain.</summary>
    internal static JsonElement? Json(ReadingValue? shown) => shown switch
    {
        ReadingValue.Number { Value: var value } number when double.IsFinite(value) =>
            JsonSerializer.SerializeToElement(number.Rounded, AccountStatusJson.Default.Double),
        ReadingValue.Text { Value: var text } => JsonSerializer.SerializeToElement(text, AccountStatusJson.Default.String),
        ReadingValue.Flag { Value: var flag } => JsonSerializer.SerializeToElement(flag, AccountStatusJson.Default.Boolean),
        ReadingValue.Time { At: var at } => JsonSerializer.SerializeToElement(at.UtcDateTime, AccountStatusJson.Default.DateTime),
        _ => null,
    };
}

/// <summary>One thing of a reading: a module, a car.</summary>
/// <param name="Subtitle">What the thing is; null if the title shows it.</param>
/// <param name="Details">What matters less.</param>
public sealed record PresentedCard(string Title, string? Subtitle, IReadOnlyList<PresentedLine> Lines, IReadOnlyList<PresentedLine> Details)
{
    internal static PresentedCard Of(ReadingCard card) =>
        new(card.Title, card.Subtitle, [.. card.Lines.Select(PresentedLine.Of)], [.. card.Details.Select(PresentedLine.Of)]);
}

/// <param name="Value">A number with the precision of the sensor, a text, a boolean or a time.</param>
/// <param name="Unit">A symbol for people; null if there is none.</param>
public sealed record PresentedLine(string Label, JsonElement? Value, string? Unit)
{
    internal static PresentedLine Of(ReadingLine line) =>
        new(line.Label, PresentedReading.Json(line.Value), line.Value is ReadingValue.Number { Unit: { Length: > 0 } unit } ? unit : null);
}

/// <summary>Equal things, one in each row.</summary>
public sealed record PresentedTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<JsonElement?>> Rows)
{
    internal static PresentedTable Of(ReadingTable table) =>
        new(table.Title, table.Columns, [.. table.Rows.Select(IReadOnlyList<JsonElement?> (row) => [.. row.Select(PresentedReading.Json)])]);
}
