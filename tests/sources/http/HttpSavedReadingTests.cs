using System.Net;
using System.Text;
using Exporter.Accounts;
using Exporter.Http;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>Readings and answers that are saved and restored in another process.</summary>
public sealed class HttpSavedReadingTests
{
    private const string Chain = """
        module: shop
        about: Things.
        api: https://api.example/v1
        interval: 10m
        settings:
          key: {help: A key., secret: true}
        headers: {X-Key: "${key}"}
        requests:
          homes: {get: /homes, interval: 24h, items: homes}
          zones: {for: {home: $homes}, get: "/homes/{$home.id}/zones", interval: 1h, pages: {next: $answer.next, at_most: 3}, items: items}
          states: {for: {home: $homes}, get: "/homes/{$home.id}/states", at_most: 2}
        series:
          - from: states
            for: {state: $answer}
            labels: {home: $home.name, zone: "first($zones[?id == number(key($state))]).name"}
            metrics:
              shop_temperature_celsius: {value: $state.t, help: The temperature.}
        """;

    private const string Optional = """
        module: shop
        about: Things.
        api: https://api.example/v1
        interval: 10m
        requests:
          things: {get: /things}
          weather: {get: /weather, optional: true, keep: 1h}
        series:
          - {from: things, metrics: {shop_things: {value: len($answer), help: Things.}}}
          - {from: weather, metrics: {shop_outside_celsius: {value: $answer.t, help: The weather.}}}
        """;

    /// <summary>Every kind of series: stale, with labels of its own, mapped, a state, a Boolean, an info, a counter, twice with other labels.</summary>
    private const string Every = """
        module: shop
        about: Things.
        api: https://api.example/v1
        requests:
          things: {get: /things}
        series:
          - from: things
            for: {thing: $answer.items}
            where: $thing.price > 0
            time: $thing.at
            stale: 1h
            labels: {name: $thing.name}
            metrics:
              shop_price_celsius: {value: $thing.price, help: A price.}
              shop_sold_total: {type: counter, value: $thing.sold, help: Sold things.}
              shop_open: {value: $thing.open, help: Whether it is open.}
              shop_level: {value: $thing.level, map: {low: 1, high: 2}, help: A level.}
              shop_mode: {type: stateset, value: $thing.mode, states: [auto, manual], help: A mode.}
              shop_info: {type: info, labels: {color: $thing.color}, help: A thing.}
          - from: things
            for: {part: $answer.parts}
            labels: {part: $part.name}
            metrics:
              shop_price_celsius: {value: $part.price, labels: {size: $part.size}, help: A price., show: {as: Part}}
        """;

    private const string EveryAnswer = """
        {"items": [
          {"name": "Küche", "price": 20.5, "at": 1795000000, "sold": 12345678901234567, "open": true, "level": "high", "mode": "auto", "color": "red"},
          {"name": "Küche", "price": 21, "at": 1795000000},
          {"name": "a \"b\" \\ \ud83c\udf21 \n", "price": 1e-7, "at": 1795001800, "open": "false", "level": "low", "mode": "other"},
          {"name": "", "price": 0.1, "mode": "manual"}],
         "parts": [{"name": "x", "price": -0.0, "size": "L"}, {"name": "y", "price": 1e300}, {"name": "z", "price": "text"}]}
        """;

    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1795000300);

    private readonly ManualTime time = new();

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public static TheoryData<string> Recipes => [.. Exporter.Http.Recipes.Names];

    [Theory]
    [MemberData(nameof(Recipes))]
    public async Task A_restored_reading_of_a_recipe_is_exported_as_before(string name)
    {
        var reading = await RecipeAnswers.ReadAsync(name, CancellationToken);
        using var readings = Readings(RecipeAnswers.Parse(name), RecipeAnswers.SavedAt);

        await readings.CheckAsync(reading, Times(reading, RecipeAnswers.SavedAt));
    }

    [Fact]
    public async Task A_restored_reading_with_every_kind_of_series_is_exported_as_before()
    {
        var reading = await Modules.ReadAsync(Every, EveryAnswer, new ManualTime(Now));
        using var readings = Readings(Modules.Parse(Every), Now);

        Assert.Contains(reading.Duplicates, duplicate => duplicate.Value > 0);
        Assert.Equal(3, Times(reading, Now).Select(at => Modules.Lines(reading, at).Count).Distinct().Count());
        await readings.CheckAsync(reading, Times(reading, Now));
    }

    [Fact]
    public async Task A_damaged_reading_is_handled()
    {
        var reading = await Modules.ReadAsync(Every, EveryAnswer, new ManualTime(Now));
        using var readings = Readings(Modules.Parse(Every), Now);

        await readings.CheckDamageAsync(reading, Times(reading, Now));
    }

    [Fact]
    public async Task A_restored_reading_loses_what_its_module_no_longer_has()
    {
        var reading = await Modules.ReadAsync(Every, EveryAnswer, new ManualTime(Now));
        using var before = Readings(Modules.Parse(Every), Now);
        var changed = Every.Replace("shop_level:", "shop_depth:", StringComparison.Ordinal).Replace("[auto, manual]", "[manual]", StringComparison.Ordinal)
            .Replace("{color: $thing.color}", "{colour: $thing.color}", StringComparison.Ordinal);
        using var after = Readings(Modules.Parse(changed), Now);
        var lines = Modules.Lines(after.Restore((await before.ReadAsync(reading)).Save()).Reading!, Now);

        Assert.Contains("shop_price_celsius{name=\"Küche\"} 20.5", lines);
        Assert.Contains("shop_info{name=\"Küche\"} 1", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("shop_level", StringComparison.Ordinal) || line.Contains("auto", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_request_is_sent_again_after_its_own_interval_although_each_poll_is_in_another_process()
    {
        using var http = Homes();
        string? memory = null;
        for (var poll = 0; poll < 12; poll++)
        {
            var reader = Reader(Chain, http, memory);
            Assert.Equal("shop_temperature_celsius{home=\"A\",zone=\"Hall\"} 20",
                Assert.Single(Modules.Lines(Results.Value(await reader.ReadAsync(CancellationToken)), time.GetUtcNow())));
            memory = PollMemories.Text(reader.Memory);
            time.Advance(TimeSpan.FromMinutes(10));
        }

        Assert.Equal((1, 4, 12), (Count(http, "homes"), Count(http, "zones") + Count(http, "more"), Count(http, "states")));
        Assert.DoesNotContain("the-api-key", memory, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_failure_in_the_middle_another_process_sends_only_what_is_left()
    {
        using var http = new StubHttp().Expect(HttpStatusCode.OK, """{"homes": [{"id": 7, "name": "A"}]}""")
            .Expect(HttpStatusCode.OK, """{"items": []}""").Expect(HttpStatusCode.InternalServerError).Expect(HttpStatusCode.OK, """{"1": {"t": 20}}""");
        var first = Reader(Chain, http, null);
        Assert.IsType<ApiFailure.Unavailable>(Results.Failure(await first.ReadAsync(CancellationToken)));
        time.Advance(TimeSpan.FromSeconds(20));

        var second = Reader(Chain, http, PollMemories.Text(first.Memory));

        Assert.Single(Modules.Lines(Results.Value(await second.ReadAsync(CancellationToken)), time.GetUtcNow()));
        Assert.Equal(4, http.Calls.Count);
    }

    [Fact]
    public async Task An_answer_is_kept_in_another_process_while_its_optional_request_fails()
    {
        using var http = new StubHttp().Expect(HttpStatusCode.OK, "[1]").Expect(HttpStatusCode.OK, """{"t": 3}""")
            .Expect(HttpStatusCode.OK, "[1, 2]").Expect(HttpStatusCode.InternalServerError)
            .Expect(HttpStatusCode.OK, "[1, 2, 3]").Expect(HttpStatusCode.InternalServerError);
        var lines = new List<string>();
        string? memory = null;
        foreach (var wait in new[] { 0, 50, 20 })
        {
            time.Advance(TimeSpan.FromMinutes(wait));
            var reader = Reader(Optional, http, memory);
            lines.Add(string.Join(' ', Modules.Lines(Results.Value(await reader.ReadAsync(CancellationToken)), time.GetUtcNow())));
            memory = PollMemories.Text(reader.Memory);
        }

        Assert.Equal(["shop_things{} 1 shop_outside_celsius{} 3", "shop_things{} 2 shop_outside_celsius{} 3", "shop_things{} 3"], lines);
    }

    [Theory]
    [InlineData("items: homes", "items: \"homes[?id > 0]\"")]
    [InlineData("the-api-key", "another-api-key")]
    public async Task Answers_of_a_changed_module_or_setting_do_not_count(string before, string after)
    {
        using var http = Homes();
        var first = Reader(Chain, http, null);
        Results.Value(await first.ReadAsync(CancellationToken));

        var second = Reader(Chain.Replace(before, after, StringComparison.Ordinal), http, PollMemories.Text(first.Memory), after.Contains("api-key", StringComparison.Ordinal) ? after : "the-api-key");
        Results.Value(await second.ReadAsync(CancellationToken));

        Assert.Equal((2, 2), (Count(http, "homes"), Count(http, "states")));
    }

    [Theory]
    [InlineData("""{"homes": [{"id": 12345678901234567890, "name": "\ud800 odd"}, {"id": 1.50, "name": null}, null, true]}""")]
    [InlineData("""{"homes": [] /* a comment */, } and more""")]
    [InlineData("""{"homes": {"a": {"id": "x\u0000"}}}""")]
    [InlineData("[]")]
    [InlineData("null")]
    public async Task Answers_are_saved_as_the_provider_wrote_them(string answer)
    {
        const string module = """
            module: shop
            about: Things.
            api: https://api.example/v1
            interval: 10m
            requests:
              homes: {get: /homes, interval: 24h}
              all: {get: /all, interval: 24h, items: "homes[?id > 0].{id: id, name: name}"}
              other: {get: /other}
            series:
              - {from: homes, for: {home: $answer.homes}, labels: {id: $home.id, name: $home.name, key: key($home)}, metrics: {shop_home: {value: 1, help: A home.}}}
              - {from: other, metrics: {shop_other: {value: len($homes.homes), help: Others.}}}
            """;
        using var http = new StubHttp().Otherwise((_, _) => StubHttp.Answer(HttpStatusCode.OK, answer));
        var text = module.Replace(".{id: id, name: name}", "", StringComparison.Ordinal);
        var first = Reader(text, http, null);
        var before = Modules.Lines(Results.Value(await first.ReadAsync(CancellationToken)), time.GetUtcNow());
        var memory = PollMemories.Text(first.Memory);
        time.Advance(TimeSpan.FromMinutes(10));

        var second = Reader(text, http, memory);
        var after = Modules.Lines(Results.Value(await second.ReadAsync(CancellationToken)), time.GetUtcNow());

        Assert.Equal(before, after);
        Assert.Equal(memory, PollMemories.Text(second.Memory));
        Assert.Equal(3 + 1, http.Calls.Count);
    }

    [Fact]
    public async Task A_damaged_memory_is_not_used()
    {
        using var http = Homes();
        var reader = Reader(Chain, http, null);
        Results.Value(await reader.ReadAsync(CancellationToken));
        var whole = PollMemories.Text(reader.Memory);
        using var readings = Readings(Modules.Parse(Chain, ("key", "the-api-key")), time.GetUtcNow(), reader.Memory);
        var saved = (await readings.ReadAsync(Results.Value(await reader.ReadAsync(CancellationToken)))).Save();

        foreach (var path in JsonPlaces.Of(whole))
        {
            foreach (var junk in JsonPlaces.Junk.Where(junk => !junk.Contains("ud800", StringComparison.Ordinal)))
            {
                var damaged = Encoding.UTF8.GetBytes($$"""{"v":1,"source":"http","memory":{{JsonPlaces.Replaced(whole, path, junk)}}}""");
                var again = Reader(Chain, http, null);
                using var other = Readings(Modules.Parse(Chain, ("key", "the-api-key")), time.GetUtcNow(), again.Memory);
                var poller = await other.ReadAsync(Results.Value(await again.ReadAsync(CancellationToken)));
                if (poller.Restore(saved with { Memory = damaged }, time.GetUtcNow()) is { } sentence)
                {
                    Assert.Equal("The saved memory of polls is damaged, so the next poll sends all requests.", sentence);
                }
                Assert.NotNull(poller.Reading);
                await again.ReadAsync(CancellationToken);
            }
        }
    }

    private static IEnumerable<DateTimeOffset> Times(HttpReading reading, DateTimeOffset now) =>
        reading.Series.SelectMany(series => series.Samples).Select(sample => sample.StaleAt).OfType<DateTimeOffset>().Where(at => at >= now).Distinct()
            .SelectMany(at => new[] { at - TimeSpan.FromTicks(1), at }).Append(now).Append(now.AddYears(1));

    private static StubHttp Homes() => new StubHttp().Otherwise((request, _) => StubHttp.Answer(
        HttpStatusCode.OK, request.RequestUri!.AbsolutePath.Split('/')[^1] switch
        {
            "homes" => """{"homes": [{"id": 7, "name": "A"}]}""",
            "zones" => """{"items": [{"id": 1, "name": "Hall"}], "next": "/v1/homes/7/more"}""",
            "more" => """{"items": [{"id": 2, "name": "Attic"}]}""",
            _ => """{"1": {"t": 20}}""",
        }));

    private static int Count(StubHttp http, string end) =>
        http.Calls.Count(call => call.Request.RequestUri!.AbsolutePath.EndsWith(end, StringComparison.Ordinal));

    private static SavedReadings<HttpReading> Readings(Module module, DateTimeOffset now, PollMemory? memory = null) => new(
        HttpReadingFormat.Of(module, memory ?? PollMemories.None), HttpMetrics.From, HttpPresentation.Of, now);

    private HttpReader Reader(string yaml, StubHttp http, string? memory, string key = "the-api-key")
    {
        var reader = Modules.Reader(yaml.Contains("settings:", StringComparison.Ordinal) ? Modules.Parse(yaml, ("key", key)) : Modules.Parse(yaml), http, time);
        if (memory is not null)
        {
            PollMemories.Restore(reader.Memory, memory);
        }
        return reader;
    }
}
