using System.Collections.Immutable;
using CsCheck;
using Exporter.Accounts;
using Exporter.Metrics;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>Readings that one process saves and another restores.</summary>
public sealed partial class SavedReadingTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(8);

    private static readonly Gen<DateTimeOffset?> GenTime = Gen.Nullable(Gen.DateTimeOffset, 0.2);

    private static readonly Gen<TimeSpan?> GenWait = Gen.Nullable(Gen.Long[0, TimeSpan.TicksPerDay * 400].Select(TimeSpan.FromTicks), 0.3);

    private static readonly Gen<ApiFailure?> GenFailure = Gen.Null(Gen.Select(Gen.Int[0, ApiFailure.Kinds.Count - 1], Words, Words, GenWait)
        .Select(one => Failure(ApiFailure.Kinds[one.Item1], one.Item2, one.Item3) with { RetryAfter = one.Item4 }), 0.2);

    private static readonly Gen<ReadingStatus> GenStatus = Gen.Select(
        Gen.Select(Gen.Bool, GenTime, GenWait, GenTime, GenTime), GenFailure, Gen.Null(Words, 0.3),
        Gen.Long[0, long.MaxValue], Gen.Int[0, int.MaxValue], Gen.Select(Words, Gen.Long[0, long.MaxValue]).Array[0, 6])
        .Select((times, failure, notice, tries, failures, kinds) => new ReadingStatus
        {
            Up = times.Item1,
            LastTry = times.Item2,
            LastDuration = times.Item3,
            ReadAt = times.Item4,
            NextTry = times.Item5,
            Failure = failure,
            Notice = notice,
            Tries = tries,
            FailuresInARow = failures,
            Failures = kinds.DistinctBy(kind => kind.Item1).ToImmutableSortedDictionary(kind => kind.Item1, kind => kind.Item2),
        });

    private readonly ManualTime time = new();
    private readonly CollectedLog log = new();
    private readonly TokenManager manager;

    public SavedReadingTests() => manager = new TokenManager("home", new FakeGrant(time), new MemoryStore(),
        new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) }, time, NullLogger<TokenManager>.Instance);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>Texts in which every character is valid Unicode, because JSON has no others.</summary>
    private static Gen<string> Words => Gen.String.Select(text => string.Concat(text.EnumerateRunes()));

    public void Dispose()
    {
        manager.Dispose();
        log.Dispose();
    }

    [Fact]
    public void Every_status_is_the_same_after_it_was_restored() => GenStatus.Sample(status =>
    {
        var saved = new SavedReading(SavedReadingJson.Write("test", status, null));
        var restored = Results.Value(SavedReadingJson.Read(saved, "test"));

        Assert.Null(restored.Reading);
        Assert.Equal(status.Failures, restored.Status.Failures);
        Assert.Equal(status with { Failures = restored.Status.Failures }, restored.Status);
        Assert.Equal(saved.Json.ToArray(), SavedReadingJson.Write("test", restored.Status, null));
    });

    [Fact]
    public async Task Every_kind_of_failure_is_restored_with_its_count()
    {
        foreach (var kind in ApiFailure.Kinds)
        {
            var failure = Failure(kind, "The provider's reason.", "read_station") with { RetryAfter = TimeSpan.FromSeconds(90) };
            var before = Poller(failure);
            await before.PollOnceAsync(CancellationToken);
            var after = Restored(before.Save());

            Assert.Equal(failure, after.Status.Failure);
            Assert.Equal(1, after.Status.Failures[kind]);
            Assert.Equal((before.Status.NextTry, before.Status.NeedsToken), (after.Status.NextTry, after.Status.NeedsToken));
        }
    }

    [Fact]
    public async Task The_last_reading_and_its_status_are_restored()
    {
        var before = Poller(new Reading(20.5));
        await before.PollOnceAsync(CancellationToken);
        var after = Restored(before.Save());

        Assert.Equal(before.Reading, after.Reading);
        Assert.Equal((true, ManualTime.Start, ManualTime.Start + Interval), (after.Status.Up, after.Status.ReadAt, after.Status.NextTry));
        Assert.Equal(20.5, after.Collect(time.GetUtcNow()).Families.Single().Samples.Single().Value);
        Assert.Same(after.Status, after.Collect(time.GetUtcNow()).Status);
        Assert.Equal("20.5", after.Present(time.GetUtcNow()).Cards.Single().Title);
    }

    [Fact]
    public async Task Before_the_first_reading_only_the_status_is_restored()
    {
        var before = Poller(new ApiFailure.Unavailable("away"));
        await before.PollOnceAsync(CancellationToken);
        var after = Restored(before.Save());

        Assert.Null(after.Reading);
        Assert.Empty(after.Collect(time.GetUtcNow()).Families);
        Assert.Equal("away", after.Status.Failure!.Reason);
    }

    [Fact]
    public async Task A_restore_is_a_change()
    {
        var before = Poller(new Reading(1));
        await before.PollOnceAsync(CancellationToken);
        var after = Poller();
        var changed = after.Changed;

        Assert.Null(after.Restore(before.Save(), time.GetUtcNow()));

        Assert.True(changed.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task The_wait_after_temporary_failures_grows_although_each_poll_is_in_another_process()
    {
        var saved = Poller().Save();
        var waits = new List<TimeSpan>();
        for (var poll = 0; poll < 8; poll++)
        {
            var poller = Poller(new ApiFailure.Unavailable("away"));
            Assert.Null(poller.Restore(saved, time.GetUtcNow()));
            await poller.PollOnceAsync(CancellationToken);
            waits.Add(poller.Status.NextTry!.Value - time.GetUtcNow());
            saved = poller.Save();
            time.Advance(waits[^1]);
        }

        // The random part of each wait is its largest.
        Assert.Equal([15, 30, 60, 120, 240, 480, 480, 480], waits.Select(wait => Math.Round(wait.TotalSeconds)));
        Assert.Equal((2, 6), (log.At(Microsoft.Extensions.Logging.LogLevel.Warning).Count, log.At(Microsoft.Extensions.Logging.LogLevel.Error).Count));
    }

    [Fact]
    public async Task The_first_success_after_failures_in_another_process_is_logged_once()
    {
        var first = Poller(new Reading(1));
        await first.PollOnceAsync(CancellationToken);
        var second = Restored(first.Save(), new ApiFailure.Unavailable("away"));
        await second.PollOnceAsync(CancellationToken);
        var third = Restored(second.Save(), new Reading(2));
        await third.PollOnceAsync(CancellationToken);
        var fourth = Restored(third.Save(), new Reading(3));
        await fourth.PollOnceAsync(CancellationToken);

        Assert.Equal((1, 1), (log.Count("first reading succeeded"), log.Count("reading succeeded again")));
        Assert.Equal((4, 0), (fourth.Status.Tries, fourth.Status.FailuresInARow));
        Assert.Equal(1, fourth.Status.Failures["unavailable"]);
    }

    [Fact]
    public async Task A_missing_token_is_logged_once_although_each_poll_is_in_another_process()
    {
        var saved = Poller().Save();
        for (var poll = 0; poll < 3; poll++)
        {
            var poller = Restored(saved, new ApiFailure.NoToken("There is no token."));
            await poller.PollOnceAsync(CancellationToken);
            saved = poller.Save();
        }

        Assert.Equal(1, log.Count("There is no token."));
    }

    [Fact]
    public async Task A_canceled_poll_changes_nothing()
    {
        var poller = Poller(new Reading(1));
        using var canceled = new CancellationTokenSource();
        await canceled.CancelAsync();
        var before = poller.Status;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => poller.PollOnceAsync(canceled.Token));

        Assert.Same(before, poller.Status);
    }

    private static ReadingFormat<Reading> Format { get; } =
        new("test", (json, reading) => json.WriteNumberValue(reading.Value), json => new Reading(json.GetDouble()));

    private static ApiFailure Failure(string kind, string reason, string scope) => kind switch
    {
        "no_token" => new ApiFailure.NoToken(reason),
        "token_refused" => new ApiFailure.TokenRefused(reason),
        "missing_scope" => new ApiFailure.MissingScope(reason, scope),
        "rate_limited" => new ApiFailure.RateLimited(reason),
        "unavailable" => new ApiFailure.Unavailable(reason),
        "rejected" => new ApiFailure.Rejected(reason),
        _ => throw new InvalidOperationException($"There is no failure of the kind {kind}."),
    };

    private Poller<Reading> Restored(SavedReading saved, params Result<Reading, ApiFailure>[] results)
    {
        var poller = Poller(results);
        Assert.Null(poller.Restore(saved, time.GetUtcNow()));
        return poller;
    }

    private Poller<Reading> Poller(params Result<Reading, ApiFailure>[] results) => Poller(Format, results);

    private Poller<Reading> Poller(ReadingFormat<Reading> format, params Result<Reading, ApiFailure>[] results)
    {
        var next = new Queue<Result<Reading, ApiFailure>>(results);
        return new Poller<Reading>(
            "home",
            cancellationToken => cancellationToken.IsCancellationRequested
                ? Task.FromCanceled<Result<Reading, ApiFailure>>(cancellationToken)
                : Task.FromResult(next.Dequeue()),
            (reading, _) => new ReadingMetrics([MetricFamily.Gauge("x", "X.", reading.Value)], null),
            (reading, _) => new Presentation(new ReadingCard(reading.Value.ToString(System.Globalization.CultureInfo.InvariantCulture))),
            format, manager, new PollerOptions(Interval) { Random = new Largest() }, time, log);
    }

    private sealed record Reading(double Value);

    /// <summary>Random numbers just below their limit.</summary>
    private sealed class Largest : Random
    {
        public override double NextDouble() => Math.BitDecrement(1.0);
    }
}
