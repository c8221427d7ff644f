using System.Collections.Concurrent;
using System.Globalization;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>
/// Stops the program during a renewal with SIGSTOP, at random times and for random lengths: 4 times, or the number in the variable STOPS.
/// The stops run side by side, because they mostly wait.
/// </summary>
[Collection("real processes")]
[Trait("Suite", "slow")]
public sealed class RandomStopTests
{
    private const int AtOnce = 24;

    /// <summary>Longer than the program needs to read the response, save it and exit.</summary>
    private static readonly TimeSpan AnswerToEnd = TimeSpan.FromMilliseconds(30);

    /// <summary>In seconds. A token request may take 20 s, the wait for the lock 30 s, and an API request 90 s.</summary>
    private static readonly (string Name, double Shortest, double Longest)[] Lengths =
    [
        ("a second over the limit of the request", 20, 20.9),
        ("short", 0, 3),
        ("over the limit of the request", 21, 25),
        ("a second over the limit of the request", 20, 20.9),
        ("longer than every limit", 40, 110),
    ];

    private enum Moment
    {
        /// <summary>The provider has the request, and rotates the token during the stop. A sibling waits for the lock.</summary>
        InFlight,

        /// <summary>The provider has just responded.</summary>
        AfterTheAnswer,

        Anywhere,
    }

    [Fact]
    public async Task After_a_stop_of_any_length_it_uses_the_answer_and_keeps_the_login()
    {
        var stops = int.Parse(Environment.GetEnvironmentVariable("STOPS") ?? "4", CultureInfo.InvariantCulture);
        var whole = await WholeAsync();

        var results = new ConcurrentBag<Result>();
        await Parallel.ForAsync(0, stops, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = TestContext.Current.CancellationToken },
            async (number, _) => results.Add(await StopAsync(number, whole)));

        foreach (var row in results.GroupBy(result => (result.Length, result.Moment)).OrderBy(row => row.Key))
        {
            TestContext.Current.TestOutputHelper!.WriteLine(
                $"{row.Key.Length}, {row.Key.Moment}: {row.Count()} stops, {row.Count(r => r.FoundAlive)} found the program alive, "
                + $"{row.Count(r => r.Problem is null)} kept the login, {row.Sum(r => r.Reused)} tokens reused");
        }
        Assert.All(results, result => Assert.Null(result.Problem));
        Assert.Equal(0, results.Sum(result => result.Reused));
        Assert.InRange(results.Count(result => result.FoundAlive), stops / 3, stops);
    }

    /// <summary>How long a renewal takes from start to exit.</summary>
    private static async Task<TimeSpan> WholeAsync()
    {
        await using var bench = await CrashBench.StartAsync();
        var started = TimeProvider.System.GetTimestamp();
        Assert.Equal(0, (await bench.RunAsync()).ExitCode);
        return CrashBench.Since(started);
    }

    private static async Task<Result> StopAsync(int number, TimeSpan whole)
    {
        var random = new Random(20261121 + number);
        var (length, shortest, longest) = Lengths[number % Lengths.Length];
        var time = TimeSpan.FromSeconds(shortest + (random.NextDouble() * (longest - shortest)));
        var moment = (Moment)(number % 3);
        await using var bench = await CrashBench.StartAsync();
        await using var program = moment == Moment.Anywhere ? bench.Start() : await bench.StartHeldAsync();
        var rotated = moment == Moment.AfterTheAnswer ? bench.Release() : Task.CompletedTask;
        await CrashBench.Wait(random.NextDouble() * (moment == Moment.Anywhere ? whole : AnswerToEnd));

        await program.Signal("STOP", TestContext.Current.CancellationToken);
        var (stopped, foundAlive) = (TimeProvider.System.GetTimestamp(), CrashBench.IsAlive(program));
        await rotated;
        await using var sibling = moment == Moment.InFlight ? bench.Start() : null;
        if (moment == Moment.InFlight)
        {
            await CrashBench.Wait(random.NextDouble() * time);
            await bench.Release();
        }
        await CrashBench.Wait(time - CrashBench.Since(stopped));
        await program.Signal("CONT", TestContext.Current.CancellationToken);

        var problem = await ProblemAsync(bench, program, sibling, siblingGivesUp: shortest > 30);
        return new Result(length, moment, foundAlive, problem, bench.Counters.ReusedRefreshTokens);
    }

    /// <summary>Why the stop cost more than time; null if it did not.</summary>
    private static async Task<string?> ProblemAsync(CrashBench bench, Support.Peer program, Support.Peer? sibling, bool siblingGivesUp)
    {
        const string Renewed = "netatmo: renewed;";
        var exitCode = await program.Ends(TestContext.Current.CancellationToken);
        var output = program.Output;
        if (exitCode != 0 || !output.Contains(Renewed, StringComparison.Ordinal))
        {
            return $"the program: {exitCode}, {output}";
        }
        var renewals = 1;
        if (sibling is not null)
        {
            exitCode = await sibling.Ends(TestContext.Current.CancellationToken);
            output = sibling.Output;
            var expected = siblingGivesUp ? $"process {program.ProcessId} holds {bench.TokenFile}.lock" : "netatmo: renewed";
            if (exitCode != (siblingGivesUp ? 2 : 0) || !output.Contains(expected, StringComparison.Ordinal))
            {
                return $"the sibling: {exitCode}, {output}";
            }
            renewals += output.Contains(Renewed, StringComparison.Ordinal) ? 1 : 0;
        }
        if (bench.Counters.Rotations != renewals)
        {
            return $"{bench.Counters.Rotations} token requests for {renewals} renewals";
        }
        (exitCode, _, output) = await bench.RunAsync();
        return exitCode == 0 ? null : $"the next renewal: {exitCode}, {output}";
    }

    private sealed record Result(string Length, Moment Moment, bool FoundAlive, string? Problem, int Reused);
}
