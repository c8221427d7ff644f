using System.Reflection;
using Exporter.Tests.Support;
using Xunit;
using Xunit.v3;

[assembly: EndsInTime]

namespace Exporter.Tests.Support;

/// <summary>Limits the time of every test by cancelling its cancellation token.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class EndsInTimeAttribute : BeforeAfterTestAttribute
{
    /// <summary>Longer than any test takes on a machine that is five times slower.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    private readonly AsyncLocal<ITimer?> timer = new();

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        var context = TestContext.Current;
        timer.Value = TimeProvider.System.CreateTimer(_ => context.CancelCurrentTest(), null, Longest, Timeout.InfiniteTimeSpan);
    }

    public override void After(MethodInfo methodUnderTest, IXunitTest test) => timer.Value?.Dispose();
}
