namespace Exporter.Accounts;

/// <summary>Formats rows as columns for a terminal. The first row is the heading. A text with several lines becomes one line.</summary>
public static class TextTable
{
    /// <param name="rows">All of the same length; null is a missing value.</param>
    public static string Of(IReadOnlyList<string?[]> rows)
    {
        string[][] cells = [.. rows.Select(row => row.Select(cell => Sanitize.Line(cell ?? "–")).ToArray())];
        int[] widths = [.. Enumerable.Range(0, cells[0].Length).Select(column => cells.Max(row => row[column].Length))];
        return string.Concat(cells.Select(row => string.Join("  ", row.Zip(widths, (cell, width) => cell.PadRight(width))).TrimEnd() + "\n"));
    }
}
