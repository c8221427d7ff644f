using System.Globalization;
using System.Text.RegularExpressions;

namespace Exporter.Accounts;

/// <summary>A regular expression without backtracking: its time is proportional to the text.</summary>
internal sealed partial class FormulaPattern
{
    /// <summary>In characters.</summary>
    private const int Longest = 200;

    /// <summary>The engine's memory grows with the product of all repetitions, such as {2,50}.</summary>
    private const int MostRepetitions = 1000;

    private FormulaPattern(Regex expression) => Expression = expression;

    public Regex Expression { get; }

    /// <exception cref="FormulaException">The pattern is invalid.</exception>
    public static FormulaPattern Parse(FormulaToken token)
    {
        if (token.Text.Length > Longest)
        {
            throw new FormulaException(token.Position, $"a pattern has at most {Longest} characters; shorten it");
        }
        var repetitions = Repetition().Matches(token.Text).Aggregate(1.0, (product, match) => product * Math.Max(1, Times(match)));
        if (repetitions > MostRepetitions)
        {
            throw new FormulaException(token.Position, $"the repetitions of a pattern multiply to at most {MostRepetitions}; use + or * instead");
        }
        try
        {
            return new FormulaPattern(new Regex(token.Text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));
        }
        catch (RegexParseException e)
        {
            throw new FormulaException(
                token.Position + 1 + Math.Min(e.Offset, token.Text.Length), $"the pattern is invalid ({Words(e.Error)}); fix it");
        }
        catch (NotSupportedException)
        {
            throw new FormulaException(
                token.Position, "the pattern has a look-around or a back-reference, which need backtracking; write it without");
        }
    }

    private static double Times(Match match) => double.Parse(match.Groups[match.Groups[2].Success ? 2 : 1].Value, CultureInfo.InvariantCulture);

    /// <summary><c>QuantifierAfterNothing</c> as <c>quantifier after nothing</c>.</summary>
    private static string Words(RegexParseError error) =>
        string.Concat($"{error}".Select((c, i) => char.IsUpper(c) ? (i == 0 ? "" : " ") + char.ToLowerInvariant(c) : $"{c}"));

    [GeneratedRegex(@"\{([0-9]+)(?:,([0-9]+)?)?\}")]
    private static partial Regex Repetition();
}
