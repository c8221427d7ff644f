namespace Exporter.Accounts;

/// <summary>
/// A formula selects and computes values of JSON: <c>$zone.temperature * 1.8 + 32</c>. It has no loops, no definitions and no side effects, so
/// it always ends. A missing value is absent (null), and so is everything that is computed from it. Immutable and thread-safe.
/// </summary>
public sealed class Formula
{
    /// <summary>In characters.</summary>
    public const int Longest = 1000;

    /// <summary>Of parentheses, filters and arguments in each other.</summary>
    public const int Deepest = 40;

    private readonly FormulaNode root;

    private Formula(string text, FormulaNode root, IReadOnlyCollection<string> variables) => (Text, this.root, Variables) = (text, root, variables);

    public string Text { get; }

    /// <summary>The names that it uses with a dollar sign.</summary>
    public IReadOnlyCollection<string> Variables { get; }

    /// <param name="text">The formula as a user wrote it.</param>
    /// <param name="names">The names that it may use with a dollar sign.</param>
    public static Result<Formula, FormulaMistake> Parse(string text, IReadOnlyCollection<string> names)
    {
        try
        {
            if (text.Length > Longest)
            {
                throw new FormulaException(Longest, $"a formula has at most {Longest} characters; this one has {text.Length}");
            }
            var parser = new FormulaParser(FormulaLexer.Read(text), names);
            return new Formula(text, parser.Parse(), parser.Variables);
        }
        catch (FormulaException e)
        {
            return new FormulaMistake(e.Position, e.Message);
        }
    }

    /// <summary>
    /// The value: null if it is absent, otherwise a text, a number, a Boolean, a list, or a part of the JSON. See <see cref="FormulaValue"/>.
    /// </summary>
    /// <exception cref="FormulaLimitException">The formula needs more steps than its scope has left, or a value is too large.</exception>
    public object? Evaluate(FormulaScope scope) => root.Evaluate(scope);

    /// <summary>The value as a finite number; null if it is not one.</summary>
    /// <exception cref="FormulaLimitException">See <see cref="Evaluate"/>.</exception>
    public double? EvaluateNumber(FormulaScope scope) => FormulaValue.Number(Evaluate(scope));

    /// <summary>The value as text; null if it is absent, a list or an object.</summary>
    /// <exception cref="FormulaLimitException">See <see cref="Evaluate"/>.</exception>
    public string? EvaluateText(FormulaScope scope) => FormulaValue.Text(Evaluate(scope));

    /// <summary>Whether the value is true, a number other than zero, a text or a list that is not empty, or an object.</summary>
    /// <exception cref="FormulaLimitException">See <see cref="Evaluate"/>.</exception>
    public bool IsTrue(FormulaScope scope) => FormulaValue.IsTrue(Evaluate(scope));

    public override string ToString() => Text;
}

/// <param name="Position">The character that is wrong, from 0.</param>
/// <param name="Sentence">The mistake and the fix, without a full stop.</param>
public sealed record FormulaMistake(int Position, string Sentence);

/// <summary>A formula needs more time or memory than is allowed. The message is a sentence for the user.</summary>
public sealed class FormulaLimitException(string message) : Exception(message);

/// <summary>A mistake in the text of a formula.</summary>
internal sealed class FormulaException(int position, string message) : Exception(message)
{
    public int Position => position;
}
