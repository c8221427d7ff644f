using System.Text.Json;

namespace Exporter.Accounts;

/// <summary>What a formula can see: the loops around it, from the inside out, and the variables of the outermost scope. Immutable.</summary>
public sealed class FormulaScope
{
    private readonly FormulaScope? outer;
    private readonly Func<string, FormulaScope, object?>? find;

    private FormulaScope(
        string? name, object? item, object? key, FormulaScope? outer, Func<string, FormulaScope, object?>? find, FormulaSteps steps) =>
        (Name, Item, Key, this.outer, this.find, Steps) = (name, item, key, outer, find, steps);

    /// <summary>The name of the loop's variable; null in a filter.</summary>
    public string? Name { get; }

    /// <summary>The value of <c>@</c>.</summary>
    public object? Item { get; }

    /// <summary>The item's index, or its member's name.</summary>
    public object? Key { get; }

    /// <summary>The scope of the loop around this one; null for the outermost scope.</summary>
    public FormulaScope? Outer => outer;

    internal FormulaSteps Steps { get; }

    /// <param name="item">The value of <c>@</c>.</param>
    /// <param name="find">The value of a variable that is no loop's, for the scope that uses it.</param>
    /// <param name="steps">Limits all formulas that are evaluated in this scope.</param>
    public static FormulaScope Root(object? item, Func<string, FormulaScope, object?> find, FormulaSteps steps) =>
        new(null, item, null, null, find, steps);

    /// <summary>For formulas over one JSON value and no variables.</summary>
    public static FormulaScope Of(JsonElement? json, FormulaSteps steps) => Root(FormulaValue.Of(json), (_, _) => null, steps);

    /// <summary>The scope inside a loop.</summary>
    /// <param name="name">Of the loop's variable; null in a filter.</param>
    public FormulaScope With(string? name, object? item, object? key) => new(name, item, key, this, null, Steps);

    /// <summary>The scopes inside these loops, in order: for each item of the first loop, all items of the second, and so on.</summary>
    /// <exception cref="FormulaLimitException">See <see cref="Formula.Evaluate"/>.</exception>
    public IEnumerable<FormulaScope> Expand(IReadOnlyList<FormulaLoop> loops) => Expand(loops, 0);

    internal object? Find(string name)
    {
        for (var scope = this; ; scope = scope.outer)
        {
            if (scope.Name == name)
            {
                return scope.Item;
            }
            if (scope.outer is null)
            {
                return scope.find!(name, this);
            }
        }
    }

    /// <summary>The scope of the loop with this variable; null if there is none.</summary>
    public FormulaScope? LoopOf(string name)
    {
        var scope = this;
        while (scope is not null && scope.Name != name)
        {
            scope = scope.outer;
        }
        return scope;
    }

    private IEnumerable<FormulaScope> Expand(IReadOnlyList<FormulaLoop> loops, int at)
    {
        if (at == loops.Count)
        {
            yield return this;
            yield break;
        }
        foreach (var (key, item) in FormulaValue.Items(loops[at].Over.Evaluate(this)))
        {
            Steps.Take(1);
            foreach (var inner in With(loops[at].Name, item, key).Expand(loops, at + 1))
            {
                yield return inner;
            }
        }
    }
}

/// <param name="Name">Of the variable that has each item in turn.</param>
/// <param name="Over">A list, or an object, whose values are the items.</param>
public sealed record FormulaLoop(string Name, Formula Over);

/// <summary>
/// Limits the time and the memory of formulas that are evaluated together. A step is roughly the evaluation of one operator, of one item of a
/// list, or of 16 characters. Not thread-safe.
/// </summary>
public sealed class FormulaSteps
{
    /// <summary>In characters.</summary>
    public const int LongestText = 64 * 1024;

    private readonly int most;
    private int left;

    public FormulaSteps(int most) => (this.most, left) = (most, most);

    /// <exception cref="FormulaLimitException">No steps are left.</exception>
    internal void Take(int steps)
    {
        left -= steps;
        if (left < 0)
        {
            left = 0;
            throw new FormulaLimitException($"the formulas need more than {most} steps");
        }
    }

    /// <exception cref="FormulaLimitException">The text is too long, or no steps are left.</exception>
    internal string Take(string text)
    {
        if (text.Length > LongestText)
        {
            throw new FormulaLimitException($"a formula makes a text of more than {LongestText} characters");
        }
        Take(1 + (text.Length / 16));
        return text;
    }
}
