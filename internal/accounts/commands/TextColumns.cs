using System.Text;

namespace Exporter.Accounts;

/// <summary>Formats names with their explanations for a terminal, wrapped to its width.</summary>
public static class TextColumns
{
    /// <summary>The width of a terminal that has none of its own, such as a file.</summary>
    public const int DefaultWidth = 80;

    private const int WidestName = 28;

    /// <summary>Each name starts at column 2, with its explanation beside it, or below a long name.</summary>
    /// <param name="width">The width of the terminal in columns.</param>
    public static string Of(IReadOnlyList<(string Name, string? Help)> rows, int width)
    {
        var column = 4 + rows.Select(row => row.Name.Length).Where(length => length <= WidestName).DefaultIfEmpty(4).Max();
        var text = new StringBuilder();
        foreach (var (name, help) in rows)
        {
            var lines = Wrap(help ?? "", width - column);
            var isBeside = name.Length + 4 <= column;
            var left = isBeside ? $"  {name}".PadRight(column) : $"  {name}\n{new string(' ', column)}";
            text.Append((left + string.Join("\n" + new string(' ', column), lines)).TrimEnd()).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>The lines of a text. A word that is longer than the width has a line of its own.</summary>
    public static IReadOnlyList<string> Wrap(string text, int width)
    {
        var lines = new List<string> { "" };
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (lines[^1].Length > 0 && lines[^1].Length + 1 + word.Length > width)
            {
                lines.Add(word);
            }
            else
            {
                lines[^1] += lines[^1].Length == 0 ? word : " " + word;
            }
        }
        return lines;
    }
}
