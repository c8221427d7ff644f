using System.Text;
using System.Text.Json;
using Exporter.Accounts;
using Exporter.Tests.Metrics;
using Exporter.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Support;

/// <summary>Saves readings and restores them in another poller, as another process does.</summary>
internal sealed class SavedReadings<T> : IDisposable where T : class
{
    private readonly ReadingFormat<T> format;
    private readonly Func<T, DateTimeOffset, ReadingMetrics> collect;
    private readonly Func<T, DateTimeOffset, Presentation> present;
    private readonly ManualTime time;
    private readonly TokenManager manager;

    public SavedReadings(
        ReadingFormat<T> format, Func<T, DateTimeOffset, ReadingMetrics> collect, Func<T, DateTimeOffset, Presentation> present, DateTimeOffset now)
    {
        (this.format, this.collect, this.present, time) = (format, collect, present, new ManualTime(now));
        var options = new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) };
        manager = new TokenManager("home", new FakeGrant(time), new MemoryStore(), options, time, NullLogger<TokenManager>.Instance);
    }

    public void Dispose() => manager.Dispose();

    /// <summary>A poller that has this reading.</summary>
    public async Task<Poller<T>> ReadAsync(T reading)
    {
        var poller = Open(_ => Task.FromResult<Result<T, ApiFailure>>(reading));
        await poller.PollOnceAsync(TestContext.Current.CancellationToken);
        Assert.Null(poller.Status.Failure);
        return poller;
    }

    /// <summary>Another poller, with what was saved.</summary>
    public Poller<T> Restore(SavedReading saved)
    {
        var poller = Open(_ => throw new InvalidOperationException("unexpected poll"));
        Assert.Null(poller.Restore(saved, time.GetUtcNow()));
        return poller;
    }

    /// <summary>The reading is the same after it was restored, at each of these times.</summary>
    public async Task<SavedReading> CheckAsync(T reading, params IEnumerable<DateTimeOffset> times)
    {
        var before = await ReadAsync(reading);
        var saved = before.Save();
        var after = Restore(saved);
        Assert.Equal(Text(saved), Text(after.Save()));
        foreach (var now in times.Prepend(time.GetUtcNow()))
        {
            Assert.Equal(Page(before, now), Page(after, now));
            Assert.Equal(before.Collect(now).ChangesAt, after.Collect(now).ChangesAt);
            Assert.Equal(before.Collect(now).Notice, after.Collect(now).Notice);
            Assert.Equal(Presentations.Text(before.Present(now)), Presentations.Text(after.Present(now)));
        }
        return saved;
    }

    /// <summary>Whatever the JSON of a reading has at any place, it gives pages or a sentence.</summary>
    public async Task CheckDamageAsync(T reading, params IEnumerable<DateTimeOffset> times)
    {
        var whole = Text((await ReadAsync(reading)).Save());
        foreach (var path in JsonPlaces.Of(whole))
        {
            foreach (var junk in JsonPlaces.Junk)
            {
                CheckHandled(Encoding.UTF8.GetBytes(JsonPlaces.Replaced(whole, path, junk)), times);
            }
        }
        foreach (var odd in JsonPlaces.WithOddNames(whole))
        {
            CheckHandled(Encoding.UTF8.GetBytes(odd), times);
        }
    }

    public static string Text(SavedReading saved) => Encoding.UTF8.GetString(saved.Json.Span);

    private void CheckHandled(byte[] json, IEnumerable<DateTimeOffset> times)
    {
        var poller = Open(_ => throw new InvalidOperationException("unexpected poll"));
        if (poller.Restore(new SavedReading(json), time.GetUtcNow()) is { } sentence)
        {
            Assert.EndsWith(".", sentence, StringComparison.Ordinal);
            Assert.Null(poller.Reading);
        }
        foreach (var now in times.Prepend(time.GetUtcNow()))
        {
            Page(poller, now);
            Presentations.Text(poller.Present(now));
        }
    }

    private static string Page(Poller<T> poller, DateTimeOffset now) => Pages.Text(poller.Collect(now).Families);

    private Poller<T> Open(Func<CancellationToken, Task<Result<T, ApiFailure>>> poll) => new(
        "home", poll, collect, present, format, manager, new PollerOptions(TimeSpan.FromMinutes(10)), time, NullLogger.Instance);
}

/// <summary>The memory of a reader between two processes, as text.</summary>
internal static class PollMemories
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>For a reading whose reader is not a part of the test.</summary>
    public static PollMemory None { get; } = new(writer => writer.WriteStringValue("nothing"), _ => { });

    public static string Text(PollMemory memory)
    {
        using var saved = new MemoryStream();
        using (var writer = new Utf8JsonWriter(saved))
        {
            memory.Write(writer);
        }
        return Encoding.UTF8.GetString(saved.ToArray());
    }

    public static void Restore(PollMemory memory, string saved) => memory.Read(JsonElement.Parse(saved, Lenient));
}
