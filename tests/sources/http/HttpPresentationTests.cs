using Exporter.Accounts;
using Exporter.Http;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>What people read about the series of a module.</summary>
public class HttpPresentationTests
{
    private const string Rooms = """
        - from: things
          for: {room: $answer}
          labels: {home: $room.home, room: $room.name}
          metrics:
            shop_temperature_celsius: {value: $room.t, help: T.}
            shop_humidity_ratio: {value: $room.h, help: H.}
            shop_heating_on: {value: $room.on, help: On.}
            shop_mode: {value: $room.mode, states: [AUTO, OFF], help: M.}
            shop_link: {value: $room.link, map: {ONLINE: 1}, help: L.}
            shop_measured_timestamp_seconds: {value: $room.at, help: A.}
            shop_energy_joules_total: {value: $room.e, help: E.}
            shop_pressure_pascals: {value: $room.p, help: P., show: {as: Air pressure, decimals: 2}}
            shop_internal: {value: $room.t, help: I., show: {hidden: true}}
            shop_level: {value: $room.t, help: L., labels: {side: "'left'"}}
            shop_room_info: {labels: {model: $room.model}, help: R.}
        """;

    [Fact]
    public async Task Names_units_and_types_give_labels_and_values()
    {
        var presentation = await PresentAsync("""
            [{"home": "A", "name": "Hall", "t": 20.46, "h": 0.47, "on": true, "mode": "AUTO", "link": "ONLINE", "at": 1795000000, "e": 0, "p": 101325, "model": "X1"},
             {"home": "A", "name": "Bath", "t": 3}]
            """);
        var hall = presentation.Cards[0];
        Assert.Equal(("Hall", "A"), (hall.Title, hall.Subtitle));
        Assert.Equal(
            [
                new("Temperature", new ReadingValue.Number(20.46, "°C", 1), true),
                new("Humidity", new ReadingValue.Number(47, "%"), true),
                new("Heating on", new ReadingValue.Flag(true)),
                new("Mode", new ReadingValue.Text("AUTO")),
                new("Link", new ReadingValue.Text("ONLINE")),
                new("Energy", new ReadingValue.Number(0, "kWh", 2)),
                new("Air pressure", new ReadingValue.Number(1013.25, "hPa", 2), true),
                new ReadingLine("Level (left)", new ReadingValue.Number(20.46, "", 2)),
            ],
            hall.Lines);
        Assert.Equal(
            [new("Measured", new ReadingValue.Time(DateTimeOffset.FromUnixTimeSeconds(1795000000))), new ReadingLine("Model", new ReadingValue.Text("X1"))],
            hall.Details);
        Assert.Equal("Bath", presentation.Cards[1].Title);
    }

    [Fact]
    public async Task Many_things_are_a_table()
    {
        var presentation = await PresentAsync($"[{string.Join(',', Enumerable.Range(1, 13).Select(i => $$"""{"home": "A", "name": "R{{i}}", "t": {{i}}}"""))}]");
        var table = Assert.Single(presentation.Tables);
        Assert.Empty(presentation.Cards);
        Assert.Equal(["Home", "Room", "Temperature", "Level (left)"], table.Columns);
        Assert.Equal(13, table.Rows.Count);
        Assert.Equal(new ReadingValue.Text("R1"), table.Rows[0][1]);
    }

    [Fact]
    public async Task A_stale_series_is_shown_nowhere()
    {
        var time = new ManualTime(DateTimeOffset.FromUnixTimeSeconds(1795000000));
        var yaml = Modules.WithSeries("- {from: things, time: $answer.at, stale: 1h, metrics: {shop_x: {value: $answer.x, help: X.}}}");
        var reading = await Modules.ReadAsync(yaml, """{"x": 1, "at": 1795000000}""", time);
        Assert.Equal(time.GetUtcNow() + TimeSpan.FromHours(1), HttpMetrics.From(reading, time.GetUtcNow()).ChangesAt);
        Assert.Single(HttpPresentation.Of(reading, time.GetUtcNow()).Cards);
        time.Advance(TimeSpan.FromHours(1));
        Assert.Empty(Modules.Lines(reading, time.GetUtcNow()));
        Assert.Empty(HttpPresentation.Of(reading, time.GetUtcNow()).Cards);
    }

    private static async Task<Presentation> PresentAsync(string answer)
    {
        var time = new ManualTime();
        return HttpPresentation.Of(await Modules.ReadAsync(Modules.WithSeries(Rooms), answer, time), time.GetUtcNow());
    }
}
