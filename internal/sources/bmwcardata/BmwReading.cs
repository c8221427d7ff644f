using System.Collections.Immutable;
using System.IO.Enumeration;

namespace Exporter.BmwCarData;

/// <summary>The last value of a key.</summary>
/// <param name="Unit">In BMW's spelling: the last unit that the car sent.</param>
/// <param name="At">When the car measured it, by the car's clock.</param>
internal sealed record BmwLastValue(BmwValue Value, string? Unit, DateTimeOffset At);

/// <summary>One car: its values, and the messages since the process started.</summary>
internal sealed record BmwCar
{
    public ImmutableSortedDictionary<string, BmwLastValue> Values { get; init; } =
        ImmutableSortedDictionary.Create<string, BmwLastValue>(StringComparer.Ordinal);

    /// <summary>From the CarData API; the stream does not have it.</summary>
    public CarInfo? Info { get; init; }

    /// <summary>By the exporter's clock.</summary>
    public DateTimeOffset? LastMessage { get; init; }
    public long Messages { get; init; }
}

/// <summary>The last values of an account's cars. Immutable: each message creates a new reading.</summary>
internal sealed record BmwReading
{
    /// <summary>Tolerated lead of a car's clock. A later time counts as now, because it would block all readings until then.</summary>
    private static readonly TimeSpan MaximumLead = TimeSpan.FromMinutes(1);

    public static BmwReading Empty { get; } = new();

    /// <summary>By vehicle identification number.</summary>
    public ImmutableSortedDictionary<string, BmwCar> Cars { get; init; } = ImmutableSortedDictionary.Create<string, BmwCar>(StringComparer.Ordinal);

    /// <summary>Messages and entries that the parser skipped, by error.</summary>
    public ImmutableSortedDictionary<string, long> Errors { get; init; } = ImmutableSortedDictionary.Create<string, long>(StringComparer.Ordinal);

    /// <summary>When the latest message of any car arrived.</summary>
    public DateTimeOffset? LastMessage => Cars.Values.Max(car => car.LastMessage);

    /// <param name="parsed">A message of the stream, or its error.</param>
    public BmwReading With((BmwMessage? Message, string? Error) parsed, BmwCarDataOptions options, DateTimeOffset now) =>
        parsed.Message is { } message
            ? Update(message.Vin, options, car => Merge(car, message, options, now) with { LastMessage = now, Messages = car.Messages + 1 })
                .CountError("entry", Accepts(message.Vin, options) ? message.InvalidEntries : 0)
            : CountError(parsed.Error!, 1);

    /// <summary>Adds values from the file or the API. They do not count as a message.</summary>
    public BmwReading WithValues(BmwMessage values, BmwCarDataOptions options, DateTimeOffset now) =>
        Update(values.Vin, options, car => Merge(car, values, options, now));

    public BmwReading WithInfo(CarInfo info, BmwCarDataOptions options) => Update(info.Vin, options, car => car with { Info = info });

    private BmwReading Update(string vin, BmwCarDataOptions options, Func<BmwCar, BmwCar> change) =>
        Accepts(vin, options) ? this with { Cars = Cars.SetItem(vin, change(Cars.GetValueOrDefault(vin) ?? new BmwCar())) } : this;

    private bool Accepts(string vin, BmwCarDataOptions options) =>
        options.Follows(vin) && (Cars.ContainsKey(vin) || Cars.Count < options.MaximumCars);

    private static BmwCar Merge(BmwCar car, BmwMessage message, BmwCarDataOptions options, DateTimeOffset now)
    {
        var values = car.Values.ToBuilder();
        foreach (var entry in message.Entries)
        {
            var before = values.GetValueOrDefault(entry.Key);
            var at = entry.At ?? message.At ?? now;
            at = at > now + MaximumLead ? now : at;
            // BMW repeats old readings. After the clock was set back, the time of the last value can be ahead too, and every value replaces it.
            if ((at < before?.At && before.At <= now + MaximumLead) || (before is null && values.Count >= options.MaximumKeysPerCar)
                || (!options.Location && BmwKeys.IsLocation(entry.Key))
                || options.SkippedKeys.Any(glob => FileSystemName.MatchesSimpleExpression(glob, entry.Key)))
            {
                continue;
            }
            var value = entry.Value is BmwValue.Text(var text) && text.Length > options.MaximumTextLength ? new BmwValue.None() : entry.Value;
            values[entry.Key] = new BmwLastValue(value, entry.Unit ?? before?.Unit, at);
        }
        return car with { Values = values.ToImmutable() };
    }

    private BmwReading CountError(string error, int count) =>
        count == 0 ? this : this with { Errors = Errors.SetItem(error, Errors.GetValueOrDefault(error) + count) };
}
