namespace Exporter.Accounts;

/// <summary>
/// Explains why a file is not YAML, in the words of a user. The parser reports the rule that failed, and usually not the mistake. The line is
/// not shown, because it may contain a secret.
/// </summary>
internal static class YamlMistake
{
    /// <summary>The characters that cannot start a plain value.</summary>
    private const string Indicators = "@`%&*";

    /// <summary>The place and the sentence, without a full stop.</summary>
    /// <param name="text">The whole file.</param>
    /// <param name="line">The line of the parser's error, from 1.</param>
    /// <param name="column">The column of the parser's error, from 1.</param>
    /// <param name="message">The parser's message. It only selects the explanation.</param>
    /// <param name="openFlow">The line of the innermost [ or { that is open; null if there is none.</param>
    public static (int Line, int Column, string Sentence) Explain(string text, int line, int column, string message, int? openFlow)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        var shown = line <= lines.Length ? lines[line - 1] : "";
        var before = shown[..Math.Min(Math.Max(column - 1, 0), shown.Length)];
        var at = column <= shown.Length && column > 0 ? shown[column - 1] : '\0';
        bool Says(string part) => message.Contains(part, StringComparison.OrdinalIgnoreCase);

        // The parser reports the start of the line after a tab.
        if (Says("tab") || at == '\t')
        {
            line += lines.Skip(line - 1).TakeWhile(next => !next[..^next.TrimStart().Length].Contains('\t', StringComparison.Ordinal)).Count();
            return (line, 0, "this line is indented with a tab; indent with spaces");
        }
        var sentence = true switch
        {
            _ when Says("quoted scalar") && (Says("end of stream") || Says("document indicator")) =>
                "the quote that starts here is never closed; write a closing quote",
            _ when Says("escape") || Says("hexadecimal") || Says("Unicode character") =>
                "a backslash in double quotes starts an escape; write \\\\, or use single quotes",
            _ when Says("anchor or alias") || (Says("cannot start any token") && Indicators.Contains(at, StringComparison.Ordinal)) =>
                $"a value cannot start with {(Indicators.Contains(at, StringComparison.Ordinal) ? at : '&')}; put it in quotes",
            _ when Says("multiline plain scalar") => "the line above has no KEY: VALUE; write a space after its colon, or put its text in quotes",
            _ when Says("invalid mapping") || Says("mapping values are not allowed") => before.Contains(':', StringComparison.Ordinal)
                ? "a value that contains a colon and a space needs quotes; write KEY: \"VALUE\""
                : "this line is indented below a line that has a value already; align the two",
            _ when Says("block sequence entries") || (Says("sequence") && Says("not allowed")) =>
                "a list starts on its own line; write each item as a line with - below the key",
            _ when Says("block scalar") => "only a digit, + or - may follow | or >; write the text on the next lines",
            // The parser fails at the first item of a collection before anyone can count it.
            _ when at == '\0' && Says("node content") && Array.FindLastIndex(lines, l => l.AsSpan().ContainsAny('[', '{')) is >= 0 and var last =>
                Moved(last + 1),
            _ when openFlow is { } opened && (Says("flow") || Says("end of stream") || at == '\0') => Moved(opened),
            _ when at is ']' or '}' or ',' => $"there is no value before {at}; write one, or put the text in quotes",
            _ when (Says("expected key") || Says("block collection")) && before.AsSpan().ContainsAny('"', '\'') =>
                "text follows the closing quote; put the whole value in quotes",
            _ when Says("expected key") || Says("expected '-'") || Says("block collection") =>
                "this line is not aligned with the lines around it; indent it like the other keys of its level",
            _ when Says("expected ':'") || Says("simple key") => "this line has no colon; write KEY: VALUE",
            _ when Says("YAML document") || Says("%YAML") || Says("directive") => "a line that starts with % is not supported; remove it",
            _ when Says("tag") => "a tag (!…) is not supported here; remove it",
            _ when Says("anchor") => "a value has two anchors (&…); keep one",
            _ => "this line cannot be read; check its colon, quotes and indentation",
        };
        return (line, column, "this is not YAML: " + sentence);

        string Moved(int opened)
        {
            (line, column) = (opened, 0);
            return "the [ or { on this line is never closed; close it, or indent all lines up to its end";
        }
    }
}
