using System.Globalization;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>
/// Two processes on one token file at the same time. A running process waits seconds between two renewals, so each side is a sequence of
/// processes that renew at once.
/// </summary>
[Collection("real processes")]
[Trait("Suite", "slow")]
public sealed class SiblingProcessTests
{
    [Fact]
    public async Task Two_processes_on_one_token_file_never_use_a_refresh_token_twice()
    {
        var renewals = int.Parse(Environment.GetEnvironmentVariable("RENEWALS") ?? "25", CultureInfo.InvariantCulture);
        await using var bench = await CrashBench.StartAsync();

        var shared = await Task.WhenAll(RenewAsync(bench, renewals), RenewAsync(bench, renewals));

        var counters = bench.Counters;
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"2 x {renewals} renewals, {shared.Sum()} more runs found the token renewed by the other process; "
            + $"reused refresh tokens {counters.ReusedRefreshTokens}, at most {counters.MaximumInFlight} requests in flight");
        Assert.Equal((0, 0), (counters.ReusedRefreshTokens, counters.RevokedFamilies));
        Assert.Equal((2 * renewals, 1), (counters.Rotations, counters.MaximumInFlight));
    }

    /// <summary>Renews this number of times. Returns how often the other process renewed while this one waited for the lock.</summary>
    private static async Task<int> RenewAsync(CrashBench bench, int renewals)
    {
        var shared = 0;
        for (var done = 0; done < renewals;)
        {
            var (exitCode, output, error) = await bench.RunAsync();
            Assert.Equal((0, ""), (exitCode, error));
            if (output.StartsWith("netatmo: renewed by another process;", StringComparison.Ordinal))
            {
                shared++;
            }
            else
            {
                Assert.StartsWith("netatmo: renewed;", output, StringComparison.Ordinal);
                done++;
            }
        }
        return shared;
    }
}
