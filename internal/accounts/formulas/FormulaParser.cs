using System.Globalization;

namespace Exporter.Accounts;

/// <summary>
/// Parses a formula. From weak to strong: <c>? :</c>, <c>??</c>, <c>or</c>, <c>and</c>, <c>not</c>, comparisons, <c>+ -</c>, <c>* / %</c>, sign,
/// and path.
/// </summary>
internal sealed class FormulaParser(IReadOnlyList<FormulaToken> tokens, IReadOnlyCollection<string> names)
{
    private readonly HashSet<string> variables = new(StringComparer.Ordinal);
    private int at;
    private int depth;

    /// <summary>The variables that the formula uses.</summary>
    public IReadOnlyCollection<string> Variables => variables;

    private FormulaToken Current => tokens[at];

    /// <exception cref="FormulaException">The formula has a mistake.</exception>
    public FormulaNode Parse()
    {
        if (Current.Kind == FormulaTokenKind.End)
        {
            throw new FormulaException(0, "the formula is empty; write one");
        }
        var root = Choice();
        return Current.Kind == FormulaTokenKind.End ? root : throw Unexpected("an operator or the end");
    }

    private FormulaNode Choice() => Nested(() =>
    {
        var condition = Left(Or, Binary("??", (a, b) => new DefaultNode(a, b)));
        if (!Eat("?"))
        {
            return condition;
        }
        var yes = Choice();
        Expect(":");
        return new ChoiceNode(condition, yes, Choice());
    });

    private FormulaNode Or() => Left(And, () => EatWord("or") ? (a, b) => new LogicNode(a, b, isOr: true) : null);

    private FormulaNode And() => Left(Not, () => EatWord("and") ? (a, b) => new LogicNode(a, b, isOr: false) : null);

    private FormulaNode Not() => EatWord("not") ? Nested(() => new NotNode(Not())) : Comparison();

    private FormulaNode Comparison()
    {
        var left = Sum();
        if (EatWord("in"))
        {
            return new InNode(left, Sum());
        }
        if (Eat("=~"))
        {
            return new MatchesNode(left, Pattern());
        }
        var compared = (string?)null;
        foreach (var symbol in (ReadOnlySpan<string>)["==", "!=", "<=", ">=", "<", ">"])
        {
            compared ??= Eat(symbol) ? symbol : null;
        }
        if (compared is null)
        {
            return left;
        }
        var right = Sum();
        return compared switch
        {
            "==" => new EqualNode(left, right, isEqual: true),
            "!=" => new EqualNode(left, right, isEqual: false),
            "<=" => new OrderNode(left, right, order => order <= 0),
            ">=" => new OrderNode(left, right, order => order >= 0),
            "<" => new OrderNode(left, right, order => order < 0),
            _ => new OrderNode(left, right, order => order > 0),
        };
    }

    private FormulaNode Sum() => Left(Product, () =>
        Eat("+") ? (a, b) => new AddNode(a, b) : Eat("-") ? (a, b) => new ArithmeticNode(a, b, (x, y) => x - y) : null);

    private FormulaNode Product() => Left(Sign, () =>
        Eat("*") ? (a, b) => new ArithmeticNode(a, b, (x, y) => x * y)
        : Eat("/") ? (a, b) => new ArithmeticNode(a, b, (x, y) => x / y)
        : Eat("%") ? (a, b) => new ArithmeticNode(a, b, (x, y) => x % y) : null);

    private FormulaNode Sign() =>
        Eat("-") ? Nested(() => new ArithmeticNode(new ConstantNode(0.0), Sign(), (zero, x) => zero - x)) : Path();

    private FormulaNode Path()
    {
        var node = Primary();
        while (true)
        {
            if (Eat("."))
            {
                var name = Current;
                if (name.Kind is not (FormulaTokenKind.Name or FormulaTokenKind.Text))
                {
                    throw Unexpected("the name of a member after the dot; write an index as [0]");
                }
                at++;
                node = new MemberNode(node, name.Text);
            }
            else if (Eat("["))
            {
                var (of, isFilter) = (node, Eat("?"));
                var inner = Choice();
                node = isFilter ? new FilterNode(of, inner) : new IndexNode(of, inner);
                Expect("]");
            }
            else
            {
                return node;
            }
        }
    }

    private FormulaNode Primary()
    {
        var token = Current;
        at++;
        switch (token.Kind)
        {
            case FormulaTokenKind.Number:
                return new ConstantNode(double.Parse(token.Text, CultureInfo.InvariantCulture));
            case FormulaTokenKind.Text:
                return new ConstantNode(token.Text);
            case FormulaTokenKind.Variable:
                return Variable(token);
            case FormulaTokenKind.Symbol when token.Text == "@":
                return new ItemNode();
            case FormulaTokenKind.Symbol when token.Text == "(":
                var inner = Choice();
                Expect(")");
                return inner;
            case FormulaTokenKind.Symbol when token.Text == "[":
                return new ListNode(Arguments("]"));
            case FormulaTokenKind.Name when Eat("("):
                return Call(token);
            case FormulaTokenKind.Name:
                return token.Text switch
                {
                    "true" => new ConstantNode(true),
                    "false" => new ConstantNode(false),
                    "null" => new ConstantNode(null),
                    "and" or "or" or "not" or "in" => throw Back("a value"),
                    var name => new MemberNode(new ItemNode(), name),
                };
            default:
                throw Back("a value");
        }

        FormulaException Back(string expected)
        {
            at--;
            return Unexpected(expected);
        }
    }

    private VariableNode Variable(FormulaToken token)
    {
        if (!names.Contains(token.Text))
        {
            var all = names.Select(name => "$" + name).Order(StringComparer.Ordinal).ToList();
            throw new FormulaException(token.Position, $"there is no ${Quote.Plain(token.Text)} here"
                + Nearest.Remedy("$" + token.Text, all, all.Count > 0 ? $"there are {string.Join(", ", all)}" : "use the names of members"));
        }
        variables.Add(token.Text);
        return new VariableNode(token.Text);
    }

    private FormulaNode Call(FormulaToken name)
    {
        if (name.Text == "key")
        {
            if (Current.Kind != FormulaTokenKind.Variable)
            {
                throw Unexpected("the variable of a loop, such as key($room)");
            }
            var variable = Variable(tokens[at++]);
            Expect(")");
            return new KeyNode(variable.Name);
        }
        if (!FormulaFunctions.ByName.TryGetValue(name.Text, out var function))
        {
            throw new FormulaException(name.Position, $"there is no function {Quote.Plain(name.Text)}" + Nearest.Remedy(
                name.Text, FormulaFunctions.ByName.Keys.Append("key"), $"there are {string.Join(", ", FormulaFunctions.ByName.Keys)}, key"));
        }
        var pattern = (FormulaPattern?)null;
        List<FormulaNode> arguments;
        if (function.HasPattern)
        {
            var first = Choice();
            Expect(",");
            pattern = Pattern();
            arguments = [first, .. Eat(",") ? Arguments(")") : EatEnd()];
        }
        else
        {
            arguments = Arguments(")");
        }
        var count = arguments.Count + (pattern is null ? 0 : 1);
        if (count < function.Least || count > function.Most)
        {
            throw new FormulaException(name.Position, $"{name.Text} has {count} arguments here; write {function.Signature}");
        }
        return new CallNode(function, arguments, pattern);

        List<FormulaNode> EatEnd()
        {
            Expect(")");
            return [];
        }
    }

    /// <summary>Up to the closing symbol.</summary>
    private List<FormulaNode> Arguments(string end)
    {
        var list = new List<FormulaNode>();
        if (!Eat(end))
        {
            do
            {
                list.Add(Choice());
            }
            while (Eat(","));
            Expect(end);
        }
        return list;
    }

    private FormulaPattern Pattern()
    {
        var token = Current;
        if (token.Kind != FormulaTokenKind.Text)
        {
            throw Unexpected("a pattern in quotes");
        }
        at++;
        return FormulaPattern.Parse(token);
    }

    private Func<Func<FormulaNode, FormulaNode, FormulaNode>?> Binary(string symbol, Func<FormulaNode, FormulaNode, FormulaNode> create) =>
        () => Eat(symbol) ? create : null;

    /// <summary>Operands with operators of one strength between them, from the left.</summary>
    private static FormulaNode Left(Func<FormulaNode> operand, Func<Func<FormulaNode, FormulaNode, FormulaNode>?> read)
    {
        var left = operand();
        while (read() is { } create)
        {
            left = create(left, operand());
        }
        return left;
    }

    private FormulaNode Nested(Func<FormulaNode> parse)
    {
        if (++depth > Formula.Deepest)
        {
            throw new FormulaException(Current.Position, $"this is nested more than {Formula.Deepest} levels deep; simplify it");
        }
        var node = parse();
        depth--;
        return node;
    }

    private bool Eat(string symbol) => EatIf(Current.Is(symbol));

    private bool EatWord(string word) => EatIf(Current.IsWord(word));

    private bool EatIf(bool isIt)
    {
        at += isIt ? 1 : 0;
        return isIt;
    }

    private void Expect(string symbol)
    {
        if (!Eat(symbol))
        {
            throw Unexpected(symbol);
        }
    }

    private FormulaException Unexpected(string expected) =>
        new(Current.Position, $"this is {Quote.Plain(Current.Describe())}, where the formula needs {expected}");
}
