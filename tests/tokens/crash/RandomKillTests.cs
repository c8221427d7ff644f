using System.Globalization;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Kills at random times: 20, or the number in the variable CRASHES.</summary>
[Collection("real processes")]
[Trait("Suite", "slow")]
public sealed class RandomKillTests
{
    /// <summary>Long enough for the program to read the response, save it and exit.</summary>
    private static readonly TimeSpan AnswerToEnd = TimeSpan.FromMilliseconds(30);

    [Fact]
    public async Task After_a_kill_at_any_moment_it_renews_again_or_the_loss_is_explained()
    {
        var kills = int.Parse(Environment.GetEnvironmentVariable("CRASHES") ?? "20", CultureInfo.InvariantCulture);
        var random = new Random(20261121);
        await using var bench = await CrashBench.StartAsync();
        var started = TimeProvider.System.GetTimestamp();
        Assert.Equal(0, (await bench.RunAsync()).ExitCode);
        var whole = CrashBench.Since(started);
        Assert.Equal(Aftermath.Renewed, await bench.RestartAsync());

        // Alternates between any time, mostly during the start, and the short time after the response.
        var counts = new Dictionary<(bool Anywhere, Aftermath Aftermath), int>();
        var struck = 0;
        for (var kill = 0; kill < kills; kill++)
        {
            var anywhere = kill % 2 == 0;
            await using var program = anywhere ? bench.Start() : await bench.StartHeldAsync();
            var rotated = anywhere ? Task.CompletedTask : bench.Release();
            await CrashBench.Wait(random.NextDouble() * (anywhere ? whole : AnswerToEnd));
            var (exitCode, hadRead) = await bench.StrikeAsync(program);
            struck += exitCode == 137 ? 1 : 0;
            await rotated;
            var key = (anywhere, await bench.RestartAsync(hadRead));
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }

        foreach (var ((anywhere, aftermath), count) in counts.OrderBy(c => c.Key))
        {
            TestContext.Current.TestOutputHelper!.WriteLine(
                $"{(anywhere ? "anywhere in the run" : "after the provider's answer")}: {aftermath} {count}");
        }
        TestContext.Current.TestOutputHelper!.WriteLine($"{kills} kills, of which {struck} found the program alive");
        // Half of the kills are for a time that some programs have already passed.
        Assert.InRange(struck, kills / 3, kills);
        Assert.Equal(kills, counts.Values.Sum());
    }
}
