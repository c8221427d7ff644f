using System.Text;

namespace Exporter.Tokens;

/// <summary>A line of a <c>.env</c> file.</summary>
public abstract record DotEnvLine
{
    private DotEnvLine() { }

    /// <summary>Empty, or a comment.</summary>
    public sealed record Blank : DotEnvLine;

    public sealed record Variable(string Name, string Value) : DotEnvLine;

    /// <summary>Anything else.</summary>
    public sealed record Foreign : DotEnvLine;
}

/// <summary>
/// Reads and edits <c>.env</c> files. A line is <c>NAME=value</c>, optionally with <c>export</c> before it, quotes around the value and a
/// comment after it. Nothing is expanded: a <c>$</c> is a character, because secrets contain it. Stateless.
/// </summary>
public static class DotEnv
{
    private const string Blanks = " \t\v\f\r";

    private static ReadOnlySpan<byte> ByteOrderMark => "\uFEFF"u8;

    public static DotEnvLine Parse(string line) =>
        Scan(line) is { Value: { } value } found ? new DotEnvLine.Variable(found.Name, value)
        : line.Trim() is "" or ['#', ..] ? new DotEnvLine.Blank()
        : new DotEnvLine.Foreign();

    /// <summary>The value of a variable. The last line counts. Null when the variable is missing or empty.</summary>
    public static string? Find(ReadOnlySpan<byte> content, string name)
    {
        string? found = null;
        foreach (var line in Encoding.UTF8.GetString(content).TrimStart('\uFEFF').Split('\n'))
        {
            if (Parse(line) is DotEnvLine.Variable(var variable, var value) && variable == name)
            {
                found = value.Length > 0 ? value : null;
            }
        }
        return found;
    }

    /// <summary>The file with this variable, set in its line or appended. Null makes it empty. Every other byte is unchanged.</summary>
    public static byte[] With(ReadOnlySpan<byte> content, string name, string? value)
    {
        var isMarked = content.StartsWith(ByteOrderMark);
        // One character per byte, because the other lines may be in any encoding.
        var lines = Encoding.Latin1.GetString(isMarked ? content[ByteOrderMark.Length..] : content).Split('\n');
        var bytes = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(value ?? ""));
        var isFound = false;
        for (var i = 0; i < lines.Length; i++)
        {
            if (Scan(lines[i]) is { } variable && variable.Name == name)
            {
                lines[i] = $"{lines[i][..variable.Begin]}{Encode(bytes, variable.Quote)}{lines[i][variable.End..]}";
                isFound = true;
            }
        }
        var text = string.Join('\n', lines);
        if (!isFound && value is not null)
        {
            var newline = lines[0].EndsWith('\r') ? "\r\n" : "\n";
            text += $"{(text.Length == 0 || text.EndsWith('\n') ? "" : newline)}{name}={Encode(bytes, quote: null)}{newline}";
        }
        byte[] written = Encoding.Latin1.GetBytes(text);
        return isMarked ? [.. ByteOrderMark, .. written] : written;
    }

    private static Assignment? Scan(string line)
    {
        var begin = SkipBlanks(line, 0);
        var rest = line.AsSpan(begin);
        begin += rest.StartsWith("export ") || rest.StartsWith("export\t") ? "export".Length : 0;
        var equals = line.IndexOf('=', begin);
        var name = equals < 0 ? "" : line.AsSpan(begin, equals - begin).Trim(Blanks).ToString();
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'))
        {
            return null;
        }
        var value = SkipBlanks(line, equals + 1);
        return value < line.Length && line[value] is '"' or '\'' ? ScanQuoted(name, line, value) : ScanPlain(name, line, equals + 1, value);
    }

    /// <summary>A value without a closing quote, or with other text than a comment after it, is malformed and ends with the line.</summary>
    private static Assignment ScanQuoted(string name, string line, int begin)
    {
        var (quote, value) = (line[begin], new StringBuilder());
        var end = begin + 1;
        for (; end < line.Length && line[end] != quote; end++)
        {
            var isEscape = quote == '"' && line[end] == '\\' && end + 1 < line.Length;
            value.Append(isEscape ? Unescape(line[++end]) : line[end].ToString());
        }
        var isClosed = end < line.Length && line.AsSpan(end + 1).TrimStart(Blanks) is [] or ['#', ..];
        return isClosed ? new(name, value.ToString(), begin, end + 1, quote) : new(name, null, begin, EndOfLine(line), quote);
    }

    /// <summary>As in a shell, a <c>#</c> starts a comment only after white space.</summary>
    private static Assignment ScanPlain(string name, string line, int start, int begin)
    {
        var end = EndOfLine(line);
        for (var i = start + 1; i < end; i++)
        {
            if (line[i] == '#' && Blanks.Contains(line[i - 1], StringComparison.Ordinal))
            {
                end = i;
            }
        }
        end = start + line.AsSpan(start, end - start).TrimEnd(Blanks).Length;
        begin = Math.Min(begin, end);
        return new(name, line[begin..end].Trim(), begin, end, Quote: null);
    }

    private static string Unescape(char c) => c switch { 'n' => "\n", 'r' => "\r", 't' => "\t", '"' or '\\' or '$' or '`' => $"{c}", _ => $"\\{c}" };

    private static int EndOfLine(string line) => line.EndsWith('\r') ? line.Length - 1 : line.Length;

    private static int SkipBlanks(string line, int at) => line.Length - line.AsSpan(at).TrimStart(Blanks).Length;

    /// <summary>In single quotes if possible: there, no shell that reads the file executes or expands anything.</summary>
    private static string Encode(string value, char? quote)
    {
        if (value.All(c => char.IsAsciiLetterOrDigit(c) || "-_.~+/=:".Contains(c, StringComparison.Ordinal)))
        {
            return $"{quote}{value}{quote}";
        }
        if (value.AsSpan().IndexOfAny('\'', '\n', '\r') < 0)
        {
            return $"'{value}'";
        }
        var escaped = value.Select(c => c switch { '\n' => "\\n", '\r' => "\\r", '"' or '\\' or '$' or '`' => $"\\{c}", _ => $"{c}" });
        return $"\"{string.Concat(escaped)}\"";
    }

    /// <summary>A variable in its line; <paramref name="Begin"/> and <paramref name="End"/> enclose the value with its quotes.</summary>
    /// <param name="Value">Null when it is malformed.</param>
    private sealed record Assignment(string Name, string? Value, int Begin, int End, char? Quote);
}
