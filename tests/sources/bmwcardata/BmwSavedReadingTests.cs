using System.Text;
using System.Text.Json.Nodes;
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
    public async Task A_process_that_takes_over_continues_the_counts_and_is_not_connected_yet()
    {
        var (before, after) = (Feed(), Feed());
        before.Update(_ => Car.Reading(Car.Messages("electric.jsonl")));
        var saved = JsonNode.Parse(before.Save().Json.Span)!;
        saved["reading"]!["stream"]!["connected"] = true;
        saved["reading"]!["stream"]!["connects"]!["accepted"] = 7;
        Assert.Null(after.Restore(new SavedReading(Encoding.UTF8.GetBytes(saved.ToJsonString())), Car.Now));
        Assert.Contains("bmw_mqtt_connected 1", Pages.Text(after.Collect(Car.Now).Families), StringComparison.Ordinal);

        using var stop = new CancellationTokenSource();
        await manager.LoadAsync(TestContext.Current.CancellationToken);
        var running = after.RunAsync(stop.Token);
        await stop.CancelAsync();
        await running;

        var page = Pages.Text(after.Collect(Car.Now).Families);
        Assert.Contains("bmw_mqtt_connected 0", page, StringComparison.Ordinal);
        Assert.Contains("""bmw_mqtt_connects_total{result="accepted"} 7""", page, StringComparison.Ordinal);
        Assert.Equal(before.Reading.Cars[Car.Electric].Messages, after.Reading.Cars[Car.Electric].Messages);
    }

    [Fact]
    public void The_descriptions_are_restored_with_their_time()
    {
        var (before, after) = (Rest(), Rest());
        before.Restore(new CarDescriptions(Car.Now, [new CarInfo(Car.Electric, "BMW", "i4", null, "BEV")]));

        Assert.Null(Feed(rest: after).Restore(Feed(rest: before).Save(), Car.Now));

        Assert.Equal((Car.Now, before.Cars.Single()), (after.Descriptions.At, after.Cars.Single()));
        // A reading without them, as the last version saved it.
        Assert.Null(Feed(rest: after).Restore(Feed().Save(), Car.Now));
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
        var rest = Rest();
        rest.Restore(new CarDescriptions(Car.Now, [new CarInfo(Car.Electric, "BMW", "i4", null, "BEV")]));
        var before = Feed(rest: rest);
        before.Update(_ => Car.Reading(Car.Messages("odd.jsonl").Append(Car.Message("vehicle.one", "1", "km"))));
        var whole = Encoding.UTF8.GetString(before.Save().Json.Span);
        foreach (var (path, junk) in JsonPlaces.Of(whole).SelectMany(path => JsonPlaces.Junk.Select(junk => (path, junk))))
        {
            var after = Feed(rest: Rest());
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

    private BmwFeed Feed(BmwCarDataOptions? options = null, BmwRest? rest = null) => new(
        options ?? Car.Options, new BmwStream("car", Car.Options, manager, time, log),
        new BmwValuesFile(BmwValuesFile.PathOf(directory.Path, "car"), time, log), time, rest);

    /// <summary>It sends no request.</summary>
    private BmwRest Rest()
    {
        var account = new BmwAccount(
            manager, new Uri("https://api.invalid"), new CountedBudgets().Open(new BudgetKey("bmw-cardata", "BMW", "car"), []));
        return new BmwRest(null!, account, Car.Options, null, time, log);
    }
}
