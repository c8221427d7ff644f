using System.Collections.Concurrent;
using System.Reflection;
using Exporter.Tests.Support;
using Xunit;
using Xunit.v3;

[assembly: EndsInTime]

namespace Exporter.Tests.Support;

/// <summary>Limits the time of every test by cancelling its cancellation token. A test that runs on after that ends the whole run, by name.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class EndsInTimeAttribute : BeforeAfterTestAttribute
{
    /// <summary>Longer than any test takes on a machine that is five times slower. A script that makes a test longer sets the variable.</summary>
    private static readonly TimeSpan Longest =
        TimeSpan.FromMinutes(int.TryParse(Environment.GetEnvironmentVariable("TEST_MINUTES"), out var minutes) ? minutes : 10);

    private static readonly ConcurrentDictionary<IXunitTest, ITimer> Running = new();

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        var context = TestContext.Current;
        var cancelled = false;
        Running[test] = TimeProvider.System.CreateTimer(_ =>
        {
            if (cancelled)
            {
                End(test);
            }
            cancelled = true;
            context.CancelCurrentTest();
        }, null, Longest, TimeSpan.FromMinutes(1));
    }

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (Running.TryRemove(test, out var timer))
        {
            timer.Dispose();
        }
    }

    /// <summary>Without this, the run would end only with the limit of the machine, which names no test.</summary>
    private static void End(IXunitTest endless)
    {
        var others = string.Join(", ", Running.Keys.Where(test => test != endless).Select(test => test.TestDisplayName));
        Environment.FailFast($"{endless.TestDisplayName} did not end after it was cancelled. Running at the same time: {others}");
    }
}
