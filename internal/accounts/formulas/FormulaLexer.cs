namespace Exporter.Accounts;

internal enum FormulaTokenKind
{
    Number,
    Text,
    Name,
    Variable,
    Symbol,
    End,
}

/// <param name="Text">Without quotes and without the dollar sign of a variable.</param>
/// <param name="Position">In the formula, from 0.</param>
internal readonly record struct FormulaToken(FormulaTokenKind Kind, string Text, int Position)
{
    public bool Is(string symbol) => Kind == FormulaTokenKind.Symbol && Text == symbol;

    public bool IsWord(string word) => Kind == FormulaTokenKind.Name && Text == word;

    public string Describe() => Kind switch
    {
        FormulaTokenKind.End => "the end",
        FormulaTokenKind.Text => "a text",
        FormulaTokenKind.Variable => "$" + Text,
        _ => Text,
    };
}

/// <summary>Splits the text of a formula into tokens.</summary>
internal static class FormulaLexer
{
    /// <summary>Longer symbols first.</summary>
    private static readonly string[] Symbols =
        ["==", "!=", "<=", ">=", "=~", "??", "?", ":", "<", ">", "+", "-", "*", "/", "%", "(", ")", "[", "]", ",", ".", "@"];

    /// <exception cref="FormulaException">The text contains a character that has no meaning, or a text that is not closed.</exception>
    public static IReadOnlyList<FormulaToken> Read(string text)
    {
        var tokens = new List<FormulaToken>();
        var at = 0;
        while (at < text.Length)
        {
            if (char.IsWhiteSpace(text[at]))
            {
                at++;
                continue;
            }
            var token = Next(text, at, out var end);
            tokens.Add(token);
            at = end;
        }
        tokens.Add(new FormulaToken(FormulaTokenKind.End, "", text.Length));
        return tokens;
    }

    private static FormulaToken Next(string text, int at, out int end)
    {
        var first = text[at];
        if (first is '\'' or '"')
        {
            end = text.IndexOf(first, at + 1) + 1;
            return end > 0
                ? new FormulaToken(FormulaTokenKind.Text, text[(at + 1)..(end - 1)], at)
                : throw new FormulaException(at, $"the text that starts here has no end; add {first}");
        }
        if (char.IsAsciiDigit(first))
        {
            return Number(text, at, out end);
        }
        if (first == '$')
        {
            end = EndOfName(text, at + 1);
            return end > at + 1
                ? new FormulaToken(FormulaTokenKind.Variable, text[(at + 1)..end], at)
                : throw new FormulaException(at, "a name is missing after the dollar sign");
        }
        if (IsNameCharacter(first))
        {
            end = EndOfName(text, at);
            return new FormulaToken(FormulaTokenKind.Name, text[at..end], at);
        }
        if (Array.Find(Symbols, symbol => string.CompareOrdinal(text, at, symbol, 0, symbol.Length) == 0) is { } found)
        {
            end = at + found.Length;
            return new FormulaToken(FormulaTokenKind.Symbol, found, at);
        }
        throw new FormulaException(at, first switch
        {
            '=' => "compare with ==",
            '!' => "write not, or != to compare",
            '&' => "write and",
            '|' => "write or",
            '{' or '}' => "a formula has no braces here; remove them",
            _ => $"{Quote.Of(first.ToString())} has no meaning here; remove it, or put a text in quotes",
        });
    }

    private static FormulaToken Number(string text, int at, out int end)
    {
        end = at;
        while (end < text.Length
            && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '.' || (text[end] is '+' or '-' && text[end - 1] is 'e' or 'E')))
        {
            end++;
        }
        var number = text[at..end];
        return FormulaValue.Number(number) is not null
            ? new FormulaToken(FormulaTokenKind.Number, number, at)
            : throw new FormulaException(
                at, $"{Quote.Plain(number)} is not a number; write a name that starts with a digit as @['{Quote.Plain(number)}']");
    }

    private static int EndOfName(string text, int at)
    {
        while (at < text.Length && IsNameCharacter(text[at]))
        {
            at++;
        }
        return at;
    }

    private static bool IsNameCharacter(char c) => char.IsLetterOrDigit(c) || c == '_';
}
