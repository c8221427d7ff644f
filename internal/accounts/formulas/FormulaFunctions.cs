using System.Collections.Frozen;
using System.Globalization;

namespace Exporter.Accounts;

/// <summary>A function of formulas.</summary>
/// <param name="Signature">How to write it; optional arguments are in brackets.</param>
/// <param name="Help">What it returns, for the documentation.</param>
/// <param name="Examples">The documentation contains them, and the tests evaluate them.</param>
internal sealed record FormulaFunction(string Signature, string Help, params IReadOnlyList<FormulaExample> Examples)
{
    public string Name { get; } = Signature[..Signature.IndexOf('(', StringComparison.Ordinal)];

    public required Func<FormulaArguments, object?> Apply { get; init; }

    /// <summary>Whether the second argument is a regular expression.</summary>
    public bool HasPattern { get; } = Signature.Contains("pattern", StringComparison.Ordinal);

    public int Least { get; } = Count(Signature.Split('[')[0]);

    public int Most { get; } = Signature.Contains('…', StringComparison.Ordinal) ? int.MaxValue : Count(Signature);

    private static int Count(string signature) => signature.Count(c => c == ',') + 1;
}

/// <param name="Json">The value of <c>@</c>.</param>
/// <param name="Result">As text; <c>absent</c> if there is none.</param>
internal sealed record FormulaExample(string Formula, string Json, string Result);

/// <summary>The evaluated arguments of a call.</summary>
internal readonly record struct FormulaArguments(object?[] Values, FormulaPattern? Pattern, FormulaSteps Steps)
{
    public double? Number => FormulaValue.Number(Values[0]);

    /// <summary>The first argument as text, with its cost.</summary>
    public string? Text => FormulaValue.Text(Values[0]) is { } text ? Steps.Take(text) : null;

    /// <summary>The second argument as text; the pattern does not count.</summary>
    public string? Second => FormulaValue.Text(Values[1]);

    /// <summary>The items of the first argument, with their cost.</summary>
    public IReadOnlyList<object?> Items
    {
        get
        {
            Steps.Take(FormulaValue.Count(Values[0]) ?? 0);
            return [.. FormulaValue.Items(Values[0]).Select(item => item.Value)];
        }
    }

    /// <summary>The numbers among the items.</summary>
    public IReadOnlyList<double> Numbers => [.. Items.Select(FormulaValue.Number).OfType<double>()];
}

/// <summary>All functions except <c>key</c>, whose argument is a name.</summary>
internal static class FormulaFunctions
{
    /// <summary>A larger number is a time in milliseconds. As seconds it would be after the year 5000.</summary>
    private const double LargestSeconds = 1e11;

    public static IReadOnlyList<FormulaFunction> All { get; } =
    [
        new("number(value)", "The number that a text contains; 1 for true and 0 for false.",
            new("number(x)", """{"x": "21.5"}""", "21.5"),
            new("number(x)", """{"x": "warm"}""", "absent"))
        { Apply = a => a.Number },
        new("text(value)", "The value as text.",
            new("text(id)", """{"id": 12345678901234567890}""", "12345678901234567890"),
            new("text(x)", """{"x": true}""", "true"))
        { Apply = a => a.Text },
        new("time(value)", "Unix seconds of a time: ISO 8601, or a number in seconds or milliseconds. A time without a zone is in UTC.",
            new("time(at)", """{"at": "2026-01-31T12:00:00+01:00"}""", "1769857200"), new("time(at)", """{"at": 1769857200000}""", "1769857200"))
        { Apply = a => Time(a.Values[0]) },
        new("len(value)", "The number of items of a list, members of an object, or characters of a text.",
            new("len(a)", """{"a": [1, 2, 3]}""", "3"),
            new("len(a)", """{"a": "abc"}""", "3"))
        { Apply = a => (double?)FormulaValue.Count(a.Values[0]) ?? a.Text?.Length },
        new("abs(value)", "The number without its sign.", new FormulaExample("abs(x)", """{"x": -2}""", "2"))
        { Apply = a => a.Number is { } number ? Math.Abs(number) : null },
        new("round(value[, digits])", "The nearest number with so many decimals; without digits, the nearest whole number.",
            new("round(x)", """{"x": 2.6}""", "3"), new("round(x, 1)", """{"x": 2.64}""", "2.6"))
        { Apply = a => Round(a) },
        new("pow(base, exponent)", "A power.", new FormulaExample("value * pow(10, unit)", """{"value": 79345, "unit": -3}""", "79.345"))
        { Apply = a => a.Number is { } x && FormulaValue.Number(a.Values[1]) is { } y ? Finite(Math.Pow(x, y)) : null },
        new("lower(text)", "The text in lowercase.", new FormulaExample("lower(x)", """{"x": "RUNNING"}""", "running"))
        { Apply = a => a.Text?.ToLowerInvariant() },
        new("match(text, 'pattern')", "What the first group of the pattern matches, or the whole pattern without a group. Absent without a match.",
            new("match(f, 'circuit([0-9]+)')", """{"f": "heating.circuit1.pump"}""", "1"),
            new("match(f, '[0-9]+')", """{"f": "none"}""", "absent"))
        { Apply = Match },
        new("replace(text, 'pattern', by)", "The text with each match replaced. $1 is the first group.",
            new FormulaExample("replace(x, '[ -]+', '_')", """{"x": "living - room"}""", "living_room"))
        { Apply = a => a.Text is { } text ? a.Steps.Take(a.Pattern!.Expression.Replace(text, a.Second ?? "")) : null },
        new("after(text, separator)", "The part after the last separator; the whole text without one.",
            new FormulaExample("after(x, '.')", """{"x": "Bosch.State.Run"}""", "Run"))
        { Apply = a => a.Text is { } text && a.Second is { } part ? Cut(text, part, isAfter: true) : null },
        new("before(text, separator)", "The part before the first separator; the whole text without one.",
            new FormulaExample("before(x, '.')", """{"x": "Bosch.State.Run"}""", "Bosch"))
        { Apply = a => a.Text is { } text && a.Second is { } part ? Cut(text, part, isAfter: false) : null },
        new("sum(list)", "The sum of its numbers. Absent without numbers.",
            new("sum(x)", """{"x": [1, 2.5]}""", "3.5"),
            new("sum(x)", """{"x": []}""", "absent"))
        { Apply = a => a.Numbers is { Count: > 0 } numbers ? numbers.Sum() : null },
        new("min(list)", "The smallest of its numbers.", new FormulaExample("min(x)", """{"x": [3, 1]}""", "1"))
        { Apply = a => a.Numbers is { Count: > 0 } numbers ? numbers.Min() : null },
        new("max(list)", "The largest of its numbers.", new FormulaExample("max(x)", """{"x": [3, 1]}""", "3"))
        { Apply = a => a.Numbers is { Count: > 0 } numbers ? numbers.Max() : null },
        new("first(list)", "The first item, or the first member's value.",
            new FormulaExample("first(zones[?id == 2]).name", """{"zones": [{"id": 1, "name": "A"}, {"id": 2, "name": "B"}]}""", "B"))
        { Apply = a => a.Items is [var first, ..] ? first : null },
        new("last(list)", "The last item.", new FormulaExample("last(x)", """{"x": [3, 1]}""", "1"))
        { Apply = a => a.Items is [.., var last] ? last : null },
        new("has(value)", "Whether the value is present.", new("has(x)", """{"x": 0}""", "true"), new("has(x)", """{"x": null}""", "false"))
        { Apply = a => a.Values[0] is not null },
        new("list(value[, …])", "All values in one list. A list among them adds its items; an absent value adds nothing.",
            new FormulaExample("len(list(main, modules))", """{"main": {}, "modules": [{}, {}]}""", "3"))
        { Apply = ListOf },
        new("base(value, unit)", "The value in Prometheus' base unit. Units: " + FormulaUnits.Names + ". Absent for another unit.",
            new("base(x, u)", """{"x": 1.5, "u": "kWh"}""", "5400000"), new("base(x, u)", """{"x": 70, "u": "fahrenheit"}""", "21.11111111111111"))
        { Apply = a => FormulaUnits.ToBase(a.Number, a.Second) },
    ];

    public static FrozenDictionary<string, FormulaFunction> ByName { get; } = All.ToFrozenDictionary(function => function.Name);

    private static double? Finite(double number) => double.IsFinite(number) ? number : null;

    private static double? Time(object? value) => FormulaValue.IsText(value) && FormulaValue.Text(value) is { } text
        ? DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? (at - DateTimeOffset.UnixEpoch).TotalSeconds
            : null
        : FormulaValue.Number(value) is { } number ? number > LargestSeconds ? number / 1000 : number : null;

    private static double? Round(FormulaArguments a)
    {
        var digits = a.Values.Length > 1 ? FormulaValue.Number(a.Values[1]) : 0;
        return a.Number is { } number && digits is >= 0 and <= 15 ? Math.Round(number, (int)digits, MidpointRounding.AwayFromZero) : null;
    }

    private static string? Match(FormulaArguments a) =>
        a.Text is { } text && a.Pattern!.Expression.Match(text) is { Success: true } match
            ? match.Groups[match.Groups.Count > 1 ? 1 : 0].Value
            : null;

    private static string Cut(string text, string separator, bool isAfter)
    {
        var at = isAfter ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        return at < 0 || separator.Length == 0 ? text : isAfter ? text[(at + separator.Length)..] : text[..at];
    }

    private static object?[] ListOf(FormulaArguments a)
    {
        var all = new List<object?>();
        foreach (var value in a.Values)
        {
            if (FormulaValue.IsList(value))
            {
                a.Steps.Take(FormulaValue.Count(value) ?? 0);
                all.AddRange(FormulaValue.Items(value).Select(item => item.Value));
            }
            else if (value is not null)
            {
                all.Add(value);
            }
        }
        return [.. all];
    }
}
