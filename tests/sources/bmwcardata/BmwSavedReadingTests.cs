using System.Text;
using Exporter.Accounts;
using Exporter.BmwCarData;
using Exporter.Tests.Metrics;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Xunit;

namespace Exporter.Tests.BmwCarData;

/// <summary>Values that the process with the stream saves, and another one shows.</summary>
public sealed class BmwSavedReadingTests : IDisposable
{
    private readonly ManualTime time = new(Car.Now);
    private readonly TemporaryDirectory directory = new();
    private readonly CollectedLog log = new();
    private readonly TokenManager manager;

    public BmwSavedReadingTests()
    {
        var options = new TokenManagerOptions { RenewalRateLimiter = new RenewalRateLimiter(time) };
        manager = new TokenManager("car", new FakeGrant(time), new MemoryStore(StreamBench.Token(0)), options, time, log);
    }

    public void Dispose()
    {
        manager.Dispose();
        log.Dispose();
        directory.Dispose();
    }

    [Theory]
    [InlineData("electric.jsonl")]
    [InlineData("odd.jsonl")]
    public void A_restored_feed_is_exported_as_before(string name)
    {
        var (before, after) = (Feed(), Feed());
        before.Update(_ => Car.Reading(Car.Messages(name)).WithInfo(new CarInfo(Car.Electric, "BMW", "i4", null, "BEV"), Car.Options));
        var saved = before.Save();

        Assert.Null(after.Restore(saved, Car.Now));

        Assert.Equal(Encoding.UTF8.GetString(saved.Json.Span), Encoding.UTF8.GetString(after.Save().Json.Span));
        foreach (var now in new[] { Car.Now, Car.Now.AddDays(3) })
        {
            Assert.Equal(Pages.Text(before.Collect(now).Families), Pages.Text(after.Collect(now).Families));
            Assert.Equal(Presentations.Text(before.Present(now)), Presentations.Text(after.Present(now)));
        }
        Assert.Equal((before.Status.ReadAt, before.Status.Up, before.Status.Tries), (after.Status.ReadAt, after.Status.Up, after.Status.Tries));
        Assert.Empty(log.All);
    }

    [Fact]
    public void A_feed_without_cars_is_restored()
    {
        var after = Feed();

        Assert.Null(after.Restore(Feed().Save(), Car.Now));

        Assert.Equal(Pages.Text(Feed().Collect(Car.Now).Families), Pages.Text(after.Collect(Car.Now).Families));
    }

    [Fact]
    public void A_saved_location_is_ignored_if_the_setting_is_off()
    {
        var (before, after) = (Feed(Car.Options with { Location = true }), Feed());
        before.Update(_ => Car.Reading(Car.Messages("electric.jsonl"), Car.Options with { Location = true }));

        Assert.Null(after.Restore(before.Save(), Car.Now));

        Assert.DoesNotContain(after.Reading.Cars[Car.Electric].Values.Keys, BmwKeys.IsLocation);
    }

    [Fact]
    public void A_damaged_reading_is_handled()
    {
        var before = Feed();
        before.Update(_ => Car.Reading(Car.Messages("odd.jsonl").Append(Car.Message("vehicle.one", "1", "km"))));
        var whole = Encoding.UTF8.GetString(before.Save().Json.Span);
        foreach (var (path, junk) in JsonPlaces.Of(whole).SelectMany(path => JsonPlaces.Junk.Select(junk => (path, junk))))
        {
            var after = Feed();
            if (after.Restore(new SavedReading(Encoding.UTF8.GetBytes(JsonPlaces.Replaced(whole, path, junk))), Car.Now) is { } sentence)
            {
                Assert.EndsWith(".", sentence, StringComparison.Ordinal);
                Assert.Empty(after.Reading.Cars);
            }
            Pages.Text(after.Collect(Car.Now).Families);
            Presentations.Text(after.Present(Car.Now));
        }
    }

    [Fact]
    public void A_reading_of_another_source_is_not_used()
    {
        var saved = new SavedReading(SavedReadingJson.Write("netatmo", new ReadingStatus(), null));

        Assert.Equal("The saved reading is not one of the source bmw-cardata, so its status starts again.", Feed().Restore(saved, Car.Now));
    }

    private BmwFeed Feed(BmwCarDataOptions? options = null) => new(
        options ?? Car.Options, new BmwStream("car", Car.Options, manager, time, log),
        new BmwValuesFile(BmwValuesFile.PathOf(directory.Path, "car"), time, log), time);
}
