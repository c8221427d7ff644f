namespace Exporter.Http;

/// <summary>An answer of a request, or the items that count of it.</summary>
/// <param name="Scope">The items of the request's loops.</param>
/// <param name="Value">Null if there was nothing to read.</param>
internal sealed record RequestAnswer(ModuleRequest Request, FormulaScope Scope, object? Value)
{
    /// <summary>The scope of the answer's own series: <c>$answer</c> and the request's name are its value.</summary>
    public FormulaScope Within => Scope.With(Request.Name, Value, null).With("answer", Value, null);
}

/// <summary>The answers that belong together: those of one reading. Not thread-safe.</summary>
internal sealed class Round
{
    private readonly Dictionary<string, List<RequestAnswer>> answers = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Request, FormulaScope Scope), object?> found = [];
    private readonly List<string> notices = [];

    public Round(FormulaSteps steps) => Root = FormulaScope.Root(null, Find, steps);

    /// <summary>The scope outside all loops.</summary>
    public FormulaScope Root { get; }

    public IReadOnlyList<string> Notices => notices;

    public void Add(RequestAnswer answer)
    {
        if (!answers.TryGetValue(answer.Request.Name, out var list))
        {
            answers[answer.Request.Name] = list = [];
        }
        list.Add(answer);
    }

    public void AddNotice(string sentence)
    {
        if (!notices.Contains(sentence))
        {
            notices.Add(sentence);
        }
    }

    public IReadOnlyList<RequestAnswer> AnswersOf(ModuleRequest request) => answers.GetValueOrDefault(request.Name) ?? [];

    /// <summary>
    /// The answer of a request inside loops: the one whose loops have the same items there. A request without loops has one answer.
    /// </summary>
    private object? Find(string name, FormulaScope scope)
    {
        if (!answers.TryGetValue(name, out var list))
        {
            return null;
        }
        var loops = list[0].Request.Loops;
        if (loops.Count == 0)
        {
            return list[0].Value;
        }
        // The innermost of the loops decides, because it is inside the others.
        var key = (name, Innermost(scope, loops));
        if (!found.TryGetValue(key, out var value))
        {
            value = list.Find(answer => loops.All(loop => IsSame(answer.Scope.LoopOf(loop.Name), scope.LoopOf(loop.Name))))?.Value;
            found[key] = value;
        }
        return value;
    }

    private static FormulaScope Innermost(FormulaScope scope, IReadOnlyList<FormulaLoop> loops)
    {
        var inner = scope;
        while (inner.Outer is not null && loops.All(loop => loop.Name != inner.Name))
        {
            inner = inner.Outer;
        }
        return inner;
    }

    private static bool IsSame(FormulaScope? one, FormulaScope? other) =>
        one is not null && other is not null && (ReferenceEquals(one, other) || FormulaValue.AreSame(one.Item, other.Item, other));
}
