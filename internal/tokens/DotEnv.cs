using System.Text;

namespace Exporter.Tokens;

/// <summary>What a line of a <c>.env</c> file is.</summary>
public abstract record DotEnvLine
{
    private DotEnvLine()
    {
    }

    /// <summary>Empty, or a comment.</summary>
    public sealed record Blank : DotEnvLine;

    public sealed record Variable(string Name, string Value) : DotEnvLine;

    /// <summary>Anything else.</summary>
    public sealed record Foreign : DotEnvLine;
}

/// <summary>
/// One line of a <c>.env</c> file: <c>NAME=value</c>, with or without <c>export</c> before it, paired quotes around the value and a comment
/// behind it. Nothing is expanded: a <c>$</c> is a character, since secrets have them.
/// </summary>
public static class DotEnv
{
    public static DotEnvLine Parse(string line)
    {
        line = line.Trim();
        if (line.Length == 0 || line[0] == '#')
        {
            return new DotEnvLine.Blank();
        }

        if (line.StartsWith("export ", StringComparison.Ordinal) || line.StartsWith("export\t", StringComparison.Ordinal))
        {
            line = line[7..].TrimStart();
        }

        var equals = line.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? "" : line[..equals].TrimEnd();
        var value = equals < 0 ? null : Value(line[(equals + 1)..]);
        return value is not null && IsName(name) ? new DotEnvLine.Variable(name, value) : new DotEnvLine.Foreign();
    }

    private static bool IsName(string name) => name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.');

    private static string? Value(string text)
    {
        var value = text.TrimStart();
        if (value is ['"' or '\'', ..])
        {
            return Quoted(value);
        }

        // As in a shell, a # begins a comment only where white space stands before it.
        var comment = Enumerable.Range(1, Math.Max(0, text.Length - 1)).FirstOrDefault(i => text[i] == '#' && char.IsWhiteSpace(text[i - 1]));
        return (comment == 0 ? text : text[..comment]).Trim();
    }

    /// <summary>What stands between the quotes; null where they do not close, or something other than a comment follows.</summary>
    private static string? Quoted(string text)
    {
        var quote = text[0];
        var value = new StringBuilder();
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == quote)
            {
                var behind = text[(i + 1)..].TrimStart();
                return behind.Length == 0 || behind[0] == '#' ? value.ToString() : null;
            }

            // Within double quotes a backslash keeps the next character from meaning something, and \n is a line end.
            if (quote == '"' && text[i] == '\\' && i + 1 < text.Length)
            {
                i++;
                value.Append(text[i] switch { 'n' => "\n", 'r' => "\r", 't' => "\t", '"' or '\\' or '$' => text[i].ToString(), _ => "\\" + text[i] });
                continue;
            }

            value.Append(text[i]);
        }

        return null;
    }
}
