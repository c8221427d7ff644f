using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.Support;

/// <summary>Asserts whether there is a value.</summary>
internal static class Results
{
    public static T Value<T, TFailure>(Result<T, TFailure> result)
        where TFailure : class
    {
        Assert.Null(result.Failure);
        return result.Value!;
    }

    public static TFailure Failure<T, TFailure>(Result<T, TFailure> result)
        where TFailure : class
    {
        Assert.NotNull(result.Failure);
        return result.Failure;
    }
}
