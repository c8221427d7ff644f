using System.Text;
using CsCheck;
using Exporter.Accounts;
using Xunit;

namespace Exporter.Tests.Accounts;

/// <summary>What was saved by another program, or is damaged.</summary>
public sealed partial class SavedReadingTests
{
    [Theory]
    [InlineData("\"a text\"")]
    [InlineData("{}")]
    [InlineData("[1]")]
    public async Task A_damaged_reading_keeps_its_status_and_is_read_again_now(string reading)
    {
        var before = Poller(new Reading(20.5));
        await before.PollOnceAsync(CancellationToken);
        var text = Encoding.UTF8.GetString(before.Save().Json.Span).Replace("\"reading\":20.5", $"\"reading\":{reading}", StringComparison.Ordinal);
        time.Advance(TimeSpan.FromMinutes(1));
        var after = Poller(new Reading(7));

        var sentence = after.Restore(new SavedReading(Encoding.UTF8.GetBytes(text)), time.GetUtcNow());

        Assert.Equal("The saved reading is damaged, so it is read again now; its status is kept.", sentence);
        Assert.Null(after.Reading);
        Assert.Equal((1, ManualTime.Start, time.GetUtcNow()), (after.Status.Tries, after.Status.ReadAt, after.Status.NextTry));
        await after.PollOnceAsync(CancellationToken);
        Assert.Equal((7.0, 2), (after.Reading!.Value, after.Status.Tries));
    }

    [Theory]
    [InlineData("", "The saved reading is damaged, so its status starts again.")]
    [InlineData("[]", "The saved reading is damaged, so its status starts again.")]
    [InlineData("""{"v":1,"source":"test","status":{"up":true}""", "The saved reading is damaged, so its status starts again.")]
    [InlineData("""{"v":2,"source":"test","status":{}}""", "The saved reading has a version of another program, so its status starts again.")]
    [InlineData("""{"source":"test","status":{}}""", "The saved reading has a version of another program, so its status starts again.")]
    [InlineData("""{"v":1,"source":"other","status":{}}""", "The saved reading is not one of the source test, so its status starts again.")]
    [InlineData("""{"v":1,"source":"test"}""", "The status of the saved reading is damaged, so it starts again.")]
    [InlineData("""{"v":1,"source":"test","status":{"tries":"many"}}""", "The status of the saved reading is damaged, so it starts again.")]
    [InlineData("""{"v":1,"source":"test","status":{"failure":{"kind":"other","reason":"x"}}}""", "The status of the saved reading is damaged, so it starts again.")]
    [InlineData("""{"v":1,"source":"test","status":{"failure":{"kind":"rejected"}}}""", "The status of the saved reading is damaged, so it starts again.")]
    public void What_cannot_be_used_changes_nothing(string json, string sentence)
    {
        var poller = Poller();
        var (status, changed) = (poller.Status, poller.Changed);

        Assert.Equal(sentence, poller.Restore(new SavedReading(Encoding.UTF8.GetBytes(json)), time.GetUtcNow()));

        Assert.Same(status, poller.Status);
        Assert.False(changed.IsCompleted);
    }

    [Fact]
    public void Random_bytes_are_damaged() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        var poller = Poller();

        Assert.NotNull(poller.Restore(new SavedReading(bytes, bytes), ManualTime.Start));
        Assert.Null(poller.Reading);
    });

    [Fact]
    public async Task A_changed_byte_is_handled()
    {
        var before = Poller(new Reading(20.5));
        await before.PollOnceAsync(CancellationToken);
        var saved = before.Save().Json.ToArray();

        Gen.Select(Gen.Int[0, saved.Length - 1], Gen.Byte).Sample((at, value) =>
        {
            var poller = Poller();
            var sentence = poller.Restore(new SavedReading((byte[])[.. saved[..at], value, .. saved[(at + 1)..]]), ManualTime.Start);
            Assert.True(sentence is null || sentence.EndsWith('.'));
            poller.Collect(ManualTime.Start);
            poller.Save();
        });
    }

    [Fact]
    public void A_damaged_memory_costs_only_the_memory()
    {
        var memory = new List<string>();
        var format = Format with
        {
            Memory = new PollMemory(
                writer => writer.WriteStringValue(memory.Count > 0 ? memory[^1] : "nothing"), json => memory.Add(json.GetString() ?? throw new FormatException())),
        };
        var poller = Poller(format);
        memory.Add("an answer");
        var saved = poller.Save();
        Assert.Equal("""{"v":1,"source":"test","memory":"an answer"}""", Encoding.UTF8.GetString(saved.Memory!.Value.Span));

        Assert.Null(poller.Restore(saved, time.GetUtcNow()));
        Assert.Equal(["an answer", "an answer"], memory);
        foreach (var damaged in new[] { "", "{}", """{"v":1,"source":"test"}""", """{"v":1,"source":"test","memory":7}""" })
        {
            var sentence = poller.Restore(saved with { Memory = Encoding.UTF8.GetBytes(damaged) }, time.GetUtcNow());
            Assert.EndsWith(", so the next poll sends all requests.", sentence, StringComparison.Ordinal);
        }
        Assert.Equal(2, memory.Count);
        Assert.Null(poller.Restore(saved with { Memory = null }, time.GetUtcNow()));
    }
}
