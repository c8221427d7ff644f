using Exporter.Tokens;

namespace Exporter.Accounts;

/// <summary>Rows in columns, for a terminal: the first row is the heading. Every cell is one line, whatever a provider put into it.</summary>
public static class TextTable
{
    /// <param name="rows">All of one length; null is a value that is missing.</param>
    public static string Of(IReadOnlyList<string?[]> rows)
    {
        string[][] cells = [.. rows.Select(row => row.Select(cell => Sanitize.Line(cell ?? "–")).ToArray())];
        int[] widths = [.. Enumerable.Range(0, cells[0].Length).Select(column => cells.Max(row => row[column].Length))];
        return string.Concat(cells.Select(row => string.Join("  ", row.Zip(widths, (cell, width) => cell.PadRight(width))).TrimEnd() + "\n"));
    }
}
