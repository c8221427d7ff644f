using System.Collections.Immutable;

namespace Exporter.BmwCarData;

/// <summary>The last that a car said under one key.</summary>
/// <param name="Unit">As BMW spells it, the last that was told.</param>
/// <param name="At">When the car read it, by its own clock.</param>
internal sealed record BmwHeld(BmwValue Value, string? Unit, DateTimeOffset At);

/// <summary>One car: its values, and what came of its messages since the start of the process.</summary>
internal sealed record BmwCar
{
    public ImmutableSortedDictionary<string, BmwHeld> Values { get; init; } = ImmutableSortedDictionary.Create<string, BmwHeld>(StringComparer.Ordinal);

    /// <summary>What BMW's customer interface says of it, which the stream does not.</summary>
    public BmwDetails? Details { get; init; }

    /// <summary>By our clock.</summary>
    public DateTimeOffset? LastMessage { get; init; }

    public long Messages { get; init; }
}

/// <summary>What a car is. Null is what was not said.</summary>
internal sealed record BmwDetails(string? Brand, string? Model, string? Series, string? DriveTrain);

/// <summary>What a reading takes in: a stranger's stream must not fill our memory.</summary>
/// <param name="Vins">The cars to follow; empty means all.</param>
/// <param name="Location">Whether to take where a car is; otherwise it is not even kept.</param>
internal sealed record BmwLimits(IReadOnlyList<string> Vins, bool Location)
{
    public int Cars { get; init; } = 50;

    public int KeysPerCar { get; init; } = 1000;

    /// <summary>A longer text is kept as no value.</summary>
    public int TextLength { get; init; } = 128;

    public IReadOnlyList<string> SkippedKeys { get; init; } = [];
}

/// <summary>The last values of an account's cars. Immutable; a message makes the next reading out of the one before.</summary>
internal sealed record BmwReading
{
    /// <summary>A car's clock may be ahead by so much; a time beyond it would shut later readings out, and counts as now.</summary>
    private static readonly TimeSpan Ahead = TimeSpan.FromDays(1);

    public static BmwReading Empty { get; } = new();

    /// <summary>By vehicle identification number.</summary>
    public ImmutableSortedDictionary<string, BmwCar> Cars { get; init; } = ImmutableSortedDictionary.Create<string, BmwCar>(StringComparer.Ordinal);

    /// <summary>What could not be read, by reason.</summary>
    public ImmutableSortedDictionary<string, long> Errors { get; init; } = ImmutableSortedDictionary.Create<string, long>(StringComparer.Ordinal);

    /// <summary>When the latest message came, from whichever car.</summary>
    public DateTimeOffset? LastMessage => Cars.Values.Max(car => car.LastMessage);

    /// <summary>With what the stream delivered.</summary>
    public BmwReading With(BmwDelivery delivery, BmwLimits limits, DateTimeOffset now)
    {
        switch (delivery)
        {
            case BmwDelivery.Unreadable(var reason):
                return Failed(reason, 1);
            case BmwDelivery.Message message when Takes(message.Vin, limits):
                var car = Cars.GetValueOrDefault(message.Vin) ?? new BmwCar();
                car = Filled(car, message, limits, now) with { LastMessage = now, Messages = car.Messages + 1 };
                return (this with { Cars = Cars.SetItem(message.Vin, car) }).Failed("entry", message.Odd);
            case BmwDelivery.Message:
                return this;
            default:
                throw new InvalidOperationException("a delivery is a message or none");
        }
    }

    /// <summary>With values that did not come by the stream: kept ones, or the customer interface's. They make a car known, not awake.</summary>
    public BmwReading WithValues(BmwDelivery.Message values, BmwLimits limits, DateTimeOffset now) => Takes(values.Vin, limits)
        ? this with { Cars = Cars.SetItem(values.Vin, Filled(Cars.GetValueOrDefault(values.Vin) ?? new BmwCar(), values, limits, now)) }
        : this;

    public BmwReading WithDetails(string vin, BmwDetails details, BmwLimits limits) => Takes(vin, limits)
        ? this with { Cars = Cars.SetItem(vin, (Cars.GetValueOrDefault(vin) ?? new BmwCar()) with { Details = details }) }
        : this;

    private bool Takes(string vin, BmwLimits limits) =>
        (limits.Vins.Count == 0 || limits.Vins.Contains(vin)) && (Cars.ContainsKey(vin) || Cars.Count < limits.Cars);

    private static BmwCar Filled(BmwCar car, BmwDelivery.Message message, BmwLimits limits, DateTimeOffset now)
    {
        var values = car.Values.ToBuilder();
        foreach (var entry in message.Entries)
        {
            var before = values.GetValueOrDefault(entry.Key);
            var at = entry.At ?? message.At ?? now;
            at = at > now + Ahead ? now : at;
            // Old readings are sent again and again.
            if (at < before?.At || (before is null && values.Count >= limits.KeysPerCar) || (!limits.Location && BmwKeys.TellsWhere(entry.Key))
                || limits.SkippedKeys.Any(glob => BmwKeys.Matches(glob, entry.Key)))
            {
                continue;
            }
            var value = entry.Value is BmwValue.Text(var text) && text.Length > limits.TextLength ? new BmwValue.None() : entry.Value;
            values[entry.Key] = new BmwHeld(value, entry.Unit ?? before?.Unit, at);
        }
        return car with { Values = values.ToImmutable() };
    }

    private BmwReading Failed(string reason, int count) =>
        count == 0 ? this : this with { Errors = Errors.SetItem(reason, Errors.GetValueOrDefault(reason) + count) };
}
