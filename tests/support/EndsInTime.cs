using System.Reflection;
using Exporter.Tests.Support;
using Xunit;
using Xunit.v3;

[assembly: EndsInTime]

namespace Exporter.Tests.Support;

/// <summary>Every test has an end: after this time its cancellation token is cancelled, and what it waits for fails.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class EndsInTimeAttribute : BeforeAfterTestAttribute
{
    /// <summary>Longer than any test takes on a machine five times slower than ours.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    private readonly AsyncLocal<ITimer?> timer = new();

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        var context = TestContext.Current;
        timer.Value = TimeProvider.System.CreateTimer(_ => context.CancelCurrentTest(), null, Longest, Timeout.InfiniteTimeSpan);
    }

    public override void After(MethodInfo methodUnderTest, IXunitTest test) => timer.Value?.Dispose();
}
