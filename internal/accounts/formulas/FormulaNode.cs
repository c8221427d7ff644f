using System.Text.Json;

namespace Exporter.Accounts;

/// <summary>A part of a parsed formula. Immutable.</summary>
internal abstract class FormulaNode
{
    public object? Evaluate(FormulaScope scope)
    {
        scope.Steps.Take(1);
        return Compute(scope);
    }

    protected abstract object? Compute(FormulaScope scope);
}

internal sealed class ConstantNode(object? value) : FormulaNode
{
    protected override object? Compute(FormulaScope scope) => value;
}

/// <summary><c>@</c>.</summary>
internal sealed class ItemNode : FormulaNode
{
    protected override object? Compute(FormulaScope scope) => scope.Item;
}

internal sealed class VariableNode(string name) : FormulaNode
{
    public string Name => name;

    protected override object? Compute(FormulaScope scope) => scope.Find(name);
}

/// <summary><c>key($x)</c>: the index or the member's name of a loop's item.</summary>
internal sealed class KeyNode(string name) : FormulaNode
{
    protected override object? Compute(FormulaScope scope) => scope.LoopOf(name)?.Key;
}

internal sealed class MemberNode(FormulaNode of, string name) : FormulaNode
{
    protected override object? Compute(FormulaScope scope)
    {
        var value = of.Evaluate(scope);
        scope.Steps.Take(FormulaValue.CostOfLookup(value));
        return Of(value, name);
    }

    public static object? Of(object? value, string name) => value is JsonElement json ? FormulaValue.Of(Json.Member(json, name)) : null;
}

internal sealed class IndexNode(FormulaNode of, FormulaNode index) : FormulaNode
{
    protected override object? Compute(FormulaScope scope)
    {
        var (value, at) = (of.Evaluate(scope), index.Evaluate(scope));
        scope.Steps.Take(FormulaValue.CostOfLookup(value));
        return FormulaValue.IsText(at) ? MemberNode.Of(value, FormulaValue.Text(at) ?? "") : At(value, FormulaValue.Number(at));
    }

    /// <summary>A negative index counts from the end.</summary>
    private static object? At(object? value, double? index)
    {
        if (index is not { } number || FormulaValue.Count(value) is not { } count || number != Math.Floor(number) || Math.Abs(number) > count)
        {
            return null;
        }
        var i = (int)number < 0 ? (int)number + count : (int)number;
        return value switch
        {
            object?[] list when i < count => list[i],
            JsonElement { ValueKind: JsonValueKind.Array } json when i < count => FormulaValue.Of(json[i]),
            _ => null,
        };
    }
}

/// <summary><c>[? …]</c>: the items for which the condition is true. In the condition, <c>@</c> is the item.</summary>
internal sealed class FilterNode(FormulaNode of, FormulaNode condition) : FormulaNode
{
    protected override object? Compute(FormulaScope scope)
    {
        var found = new List<object?>();
        foreach (var (key, item) in FormulaValue.Items(of.Evaluate(scope)))
        {
            if (FormulaValue.IsTrue(condition.Evaluate(scope.With(null, item, key))))
            {
                found.Add(item);
            }
        }
        return found.ToArray();
    }
}

/// <summary><c>[a, b]</c>.</summary>
internal sealed class ListNode(IReadOnlyList<FormulaNode> items) : FormulaNode
{
    protected override object? Compute(FormulaScope scope) => items.Select(item => item.Evaluate(scope)).ToArray();
}

/// <summary><c>condition ? yes : no</c>.</summary>
internal sealed class ChoiceNode(FormulaNode condition, FormulaNode yes, FormulaNode no) : FormulaNode
{
    protected override object? Compute(FormulaScope scope) =>
        FormulaValue.IsTrue(condition.Evaluate(scope)) ? yes.Evaluate(scope) : no.Evaluate(scope);
}

/// <summary><c>a ?? b</c>: b if a is absent.</summary>
internal sealed class DefaultNode(FormulaNode value, FormulaNode fallback) : FormulaNode
{
    protected override object? Compute(FormulaScope scope) => value.Evaluate(scope) ?? fallback.Evaluate(scope);
}

internal sealed class LogicNode(FormulaNode left, FormulaNode right, bool isOr) : FormulaNode
{
    protected override object? Compute(FormulaScope scope) =>
        FormulaValue.IsTrue(left.Evaluate(scope)) == isOr ? isOr : FormulaValue.IsTrue(right.Evaluate(scope));
}

internal sealed class NotNode(FormulaNode value) : FormulaNode
{
    protected override object? Compute(FormulaScope scope) => !FormulaValue.IsTrue(value.Evaluate(scope));
}

internal sealed class EqualNode(FormulaNode left, FormulaNode right, bool isEqual) : FormulaNode
{
    protected override object? Compute(FormulaScope scope)
    {
        var (a, b) = (left.Evaluate(scope), right.Evaluate(scope));
        scope.Steps.Take(FormulaValue.CostOfReading(a));
        return FormulaValue.AreEqual(a, b) == isEqual;
    }
}

/// <summary>Comparisons by size. False if either value is absent or both have different types.</summary>
internal sealed class OrderNode(FormulaNode left, FormulaNode right, Func<int, bool> holds) : FormulaNode
{
    protected override object? Compute(FormulaScope scope) =>
        FormulaValue.Compare(left.Evaluate(scope), right.Evaluate(scope)) is { } order && holds(order);
}

/// <summary><c>a in list</c>.</summary>
internal sealed class InNode(FormulaNode value, FormulaNode list) : FormulaNode
{
    protected override object? Compute(FormulaScope scope)
    {
        var (one, all) = (value.Evaluate(scope), list.Evaluate(scope));
        scope.Steps.Take(1 + ((FormulaValue.Count(all) ?? 0) * FormulaValue.CostOfReading(one)));
        return one is not null && FormulaValue.Items(all).Any(item => FormulaValue.AreEqual(one, item.Value));
    }
}

/// <summary><c>text =~ 'pattern'</c>.</summary>
internal sealed class MatchesNode(FormulaNode value, FormulaPattern pattern) : FormulaNode
{
    protected override object? Compute(FormulaScope scope) =>
        FormulaValue.Text(value.Evaluate(scope)) is { } text && pattern.Expression.IsMatch(scope.Steps.Take(text));
}

/// <summary>Adds numbers, or joins texts if either value is a text.</summary>
internal sealed class AddNode(FormulaNode left, FormulaNode right) : FormulaNode
{
    protected override object? Compute(FormulaScope scope)
    {
        var (a, b) = (left.Evaluate(scope), right.Evaluate(scope));
        return FormulaValue.IsText(a) || FormulaValue.IsText(b)
            ? FormulaValue.Text(a) is { } first && FormulaValue.Text(b) is { } second ? scope.Steps.Take(first + second) : null
            : FormulaValue.Number(a) + FormulaValue.Number(b);
    }
}

/// <summary>A result that is not finite, such as that of a division by zero, is absent.</summary>
internal sealed class ArithmeticNode(FormulaNode left, FormulaNode right, Func<double, double, double> compute) : FormulaNode
{
    protected override object? Compute(FormulaScope scope) =>
        FormulaValue.Number(left.Evaluate(scope)) is { } a && FormulaValue.Number(right.Evaluate(scope)) is { } b
        && compute(a, b) is var result && double.IsFinite(result) ? result : null;
}

internal sealed class CallNode(FormulaFunction function, IReadOnlyList<FormulaNode> arguments, FormulaPattern? pattern) : FormulaNode
{
    protected override object? Compute(FormulaScope scope) =>
        function.Apply(new FormulaArguments([.. arguments.Select(argument => argument.Evaluate(scope))], pattern, scope.Steps));
}
