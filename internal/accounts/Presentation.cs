namespace Exporter.Accounts;

/// <summary>An account's latest reading as people read it, on the page and in <c>/api/status</c>. The source creates it. Immutable.</summary>
/// <param name="Cards">In the order in which the page shows them. Each title is unique.</param>
public sealed record Presentation(params IReadOnlyList<ReadingCard> Cards)
{
    public static Presentation Empty { get; } = new();

    /// <summary>For a reading that is a list of equal things.</summary>
    public IReadOnlyList<ReadingTable> Tables { get; init; } = [];
}

/// <summary>One thing of a reading: a module, a car.</summary>
/// <param name="Title">Names the thing, and its lines in plots.</param>
/// <param name="Lines">What matters most, most important first.</param>
public sealed record ReadingCard(string Title, params IReadOnlyList<ReadingLine> Lines)
{
    /// <summary>What the thing is; null if the title shows it.</summary>
    public string? Subtitle { get; init; }

    /// <summary>The rest, which the page shows after the user asks for it. No label occurs twice on a card.</summary>
    public IReadOnlyList<ReadingLine> Details { get; init; } = [];
}

/// <param name="Label">A short noun phrase in sentence case. Plots group the lines of all cards by it and the unit.</param>
/// <param name="IsPlotted">Whether the page plots the last 24 hours. For numbers only; false for a direction, which has no order.</param>
public sealed record ReadingLine(string Label, ReadingValue Value, bool IsPlotted = false)
{
    /// <summary>Null if there is no value, as in the other methods.</summary>
    public static ReadingLine? Number(string label, double? value, string unit = "", int decimals = 0, bool isPlotted = false) =>
        value is { } number ? new(label, new ReadingValue.Number(number, unit, decimals), isPlotted) : null;

    public static ReadingLine? Text(string label, string? value) =>
        string.IsNullOrWhiteSpace(value) ? null : new(label, new ReadingValue.Text(value));

    public static ReadingLine? Flag(string label, bool? value) => value is { } flag ? new(label, new ReadingValue.Flag(flag)) : null;

    public static ReadingLine? Time(string label, DateTimeOffset? value) => value is { } at ? new(label, new ReadingValue.Time(at)) : null;
}

/// <summary>A value and how to write it. A closed set.</summary>
public abstract record ReadingValue
{
    private ReadingValue() { }

    /// <param name="Unit">A symbol for people: <c>°C</c>, <c>km</c>; empty if there is none.</param>
    /// <param name="Decimals">The precision of the sensor. The page shows thousands separators.</param>
    public sealed record Number(double Value, string Unit = "", int Decimals = 0) : ReadingValue
    {
        /// <summary>With <see cref="Decimals"/>. Adding zero turns a negative zero into zero.</summary>
        public double Rounded => Math.Abs(Value) < 1e15 ? Math.Round(Value, Math.Clamp(Decimals, 0, 15)) + 0.0 : Value;
    }

    public sealed record Text(string Value) : ReadingValue;

    /// <summary>Yes or no.</summary>
    public sealed record Flag(bool Value) : ReadingValue;

    public sealed record Time(DateTimeOffset At) : ReadingValue;
}

/// <summary>Equal things, one in each row.</summary>
/// <param name="Title">What the rows are, in sentence case.</param>
/// <param name="Rows">Each has as many values as there are columns; null for an empty cell.</param>
public sealed record ReadingTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<ReadingValue?>> Rows);
