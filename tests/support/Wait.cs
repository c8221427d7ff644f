using Xunit;

namespace Exporter.Tests.Support;

/// <summary>Waits in real time for what other threads do. The limit of the test ends a wait.</summary>
internal static class Wait
{
    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }
}
