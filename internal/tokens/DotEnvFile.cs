using System.Text;

namespace Exporter.Tokens;

/// <summary>
/// Variables in a <c>.env</c> file that has other lines as well. What is set is set where it stands, with its quotes and
/// the comment behind it, or appended; every other byte stays what it is. Stateless.
/// </summary>
public static class DotEnvFile
{
    private static ReadOnlySpan<byte> Mark => "\uFEFF"u8;

    /// <summary>The value of a variable; of one that is given twice the last. Null where it is missing or empty.</summary>
    public static string? Find(ReadOnlySpan<byte> content, string name)
    {
        string? found = null;
        foreach (var line in Encoding.UTF8.GetString(content).TrimStart('\uFEFF').Split('\n'))
        {
            if (DotEnv.Parse(line) is DotEnvLine.Variable(var variable, var value) && variable == name)
            {
                found = value.Length > 0 ? value : null;
            }
        }
        return found;
    }

    /// <summary>The file with this variable; null empties it where it stands.</summary>
    public static byte[] With(ReadOnlySpan<byte> content, string name, string? value)
    {
        var marked = content.StartsWith(Mark);
        // One character per byte: what is not ours may be in any encoding.
        var lines = Encoding.Latin1.GetString(marked ? content[Mark.Length..] : content).Split('\n');
        var bytes = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(value ?? ""));
        var found = false;
        for (var i = 0; i < lines.Length; i++)
        {
            if (Set(lines[i], name, bytes) is { } set)
            {
                (lines[i], found) = (set, true);
            }
        }
        var text = string.Join('\n', lines);
        if (!found && value is not null)
        {
            var newline = lines[0].EndsWith('\r') ? "\r\n" : "\n";
            text += $"{(text.Length == 0 || text.EndsWith('\n') ? "" : newline)}{name}={Quoted(bytes, quote: null)}{newline}";
        }
        byte[] written = Encoding.Latin1.GetBytes(text);
        return marked ? [.. Mark, .. written] : written;
    }

    /// <summary>The line with another value; null when it is not this variable's.</summary>
    private static string? Set(string line, string name, string value)
    {
        var at = Skip(line, 0);
        if (line.AsSpan(at).StartsWith("export") && Skip(line, at + "export".Length) is var behind && behind > at + "export".Length)
        {
            at = behind;
        }
        var equals = line.AsSpan(at).StartsWith(name, StringComparison.Ordinal) ? Skip(line, at + name.Length) : line.Length;
        if (equals >= line.Length || line[equals] != '=')
        {
            return null;
        }
        var begin = Skip(line, equals + 1);
        if (begin < line.Length && line[begin] is '"' or '\'')
        {
            return $"{line[..begin]}{Quoted(value, line[begin])}{line[EndOfQuoted(line, begin)..]}";
        }
        var end = EndOfPlain(line, equals + 1);
        begin = Math.Min(begin, end);
        return $"{line[..begin]}{Quoted(value, quote: null)}{line[end..]}";
    }

    /// <summary>Behind the closing quote; without one, where nothing is left of the line but its end.</summary>
    private static int EndOfQuoted(string line, int begin)
    {
        for (var i = begin + 1; i < line.Length; i++)
        {
            if (line[i] == line[begin])
            {
                var behind = Skip(line, i + 1);
                return behind == line.Length || line[behind] is '#' or '\r' ? i + 1 : EndOfLine(line);
            }
            i += line[begin] == '"' && line[i] == '\\' ? 1 : 0;
        }
        return EndOfLine(line);
    }

    /// <summary>Before the white space that ends the line, or that stands before a comment.</summary>
    private static int EndOfPlain(string line, int begin)
    {
        var end = EndOfLine(line);
        for (var i = begin + 1; i < end; i++)
        {
            if (line[i] == '#' && IsBlank(line[i - 1]))
            {
                end = i;
                break;
            }
        }
        while (end > begin && IsBlank(line[end - 1]))
        {
            end--;
        }
        return end;
    }

    private static int EndOfLine(string line) => line.EndsWith('\r') ? line.Length - 1 : line.Length;

    private static int Skip(string line, int at)
    {
        while (at < line.Length && IsBlank(line[at]))
        {
            at++;
        }
        return Math.Min(at, line.Length);
    }

    private static bool IsBlank(char c) => c is ' ' or '\t' or '\v' or '\f';

    private static string Quoted(string value, char? quote)
    {
        var isPlain = value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~' or '+' or '/' or '=' or ':');
        return (quote, isPlain) switch
        {
            (null, true) => value,
            ('\'', _) when value.AsSpan().IndexOfAny('\'', '\n', '\r') < 0 => $"'{value}'",
            _ => $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("$", "\\$", StringComparison.Ordinal)
                .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal)}\"",
        };
    }
}
