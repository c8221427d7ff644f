namespace Exporter.Tokens;

/// <summary>A value, or why there is none. Failures are values: only bugs, and cancellations by the caller, are exceptions.</summary>
/// <param name="Value">The default value if there is a failure.</param>
/// <param name="Failure">Null if there is a value.</param>
public readonly record struct Result<T, TFailure>(T? Value, TFailure? Failure)
    where TFailure : class
{
    public static implicit operator Result<T, TFailure>(T value) => new(value, null);

    public static implicit operator Result<T, TFailure>(TFailure failure) => new(default, failure);
}
