using Exporter.Accounts;
using Exporter.Netatmo;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Netatmo;

public class NetatmoPresentationTests
{
    private static readonly NetatmoMetricsOptions Options = new(AgeStale: TimeSpan.FromHours(1));

    [Theory]
    [MemberData(nameof(Responses.Names), MemberType = typeof(Responses))]
    public void A_response_is_presented(string name)
    {
        var presentation = NetatmoPresentation.Of(Responses.Reading($"{name}.json"), Options, Responses.Now);

        Presentations.AssertReadable(presentation);
        Golden.Check($"sources/netatmo/testdata/{name}.presentation.txt", Presentations.Text(presentation));
    }

    [Fact]
    public void The_temperature_comes_first()
    {
        var garden = Card(Present(Responses.Reading("stations.json")), "Garden");

        Assert.Equal(new ReadingLine("Temperature", new ReadingValue.Number(-3.7, "°C", 1), IsPlotted: true), garden.Lines[0]);
        Assert.Equal("Outdoor module", garden.Subtitle);
    }

    [Fact]
    public void The_location_is_shown_only_if_the_setting_is_on()
    {
        var reading = Responses.Reading("stations.json");

        Assert.DoesNotContain("Latitude", Labels(NetatmoPresentation.Of(reading, Options, Responses.Now)));
        Assert.Contains("Latitude", Labels(NetatmoPresentation.Of(reading, Options with { Location = true }, Responses.Now)));
        Presentations.AssertReadable(NetatmoPresentation.Of(reading, Options with { Location = true }, Responses.Now));
    }

    [Fact]
    public void A_stale_module_shows_no_measurement()
    {
        var reading = Responses.Reading("stations.json");
        var presentation = NetatmoPresentation.Of(reading, Options, Responses.Now.AddDays(1));

        Assert.All(presentation.Cards, card => Assert.Equal("No measurement since", Assert.Single(card.Lines).Label));
        Assert.DoesNotContain("Lowest temperature today", Labels(presentation));
    }

    [Theory]
    [InlineData(0, "N (0°)")]
    [InlineData(11, "N (11°)")]
    [InlineData(12, "NNE (12°)")]
    [InlineData(245, "WSW (245°)")]
    [InlineData(315, "NW (315°)")]
    [InlineData(349, "N (349°)")]
    [InlineData(360, "N (360°)")]
    public void A_direction_is_a_word(double angle, string expected)
    {
        var roof = Card(Present(Wind(14, angle)), "Roof");

        Assert.Equal(new ReadingLine("Wind direction", new ReadingValue.Text(expected)), roof.Lines[1]);
    }

    [Theory]
    [InlineData(0, 245)]
    [InlineData(14, -1)]
    public void Calm_air_has_no_direction(double strength, double angle) =>
        Assert.DoesNotContain("Wind direction", Labels(Present(Wind(strength, angle))));

    [Fact]
    public void A_module_of_several_stations_names_its_home()
    {
        var presentation = Present(Responses.Reading("stations.json", "homecoachs.json"));

        Presentations.AssertReadable(presentation);
        Assert.Equal("Outdoor module, Lakeside", Card(presentation, "Garden").Subtitle);
    }

    [Fact]
    public void Modules_with_any_names_have_unique_titles()
    {
        // The title of one module is the name of another.
        var modules = new[] { ("A", "H", "1"), ("A", "H", "2"), ("A", "G", "1"), ("A, G", "H", "1"), ("A", "H", "2"), ("A, 1", null, null), (null, null, null), (" ", null, null) };
        var reading = new NetatmoReading(null, [.. modules.Select(m => new Module { Name = m.Item1, Home = m.Item2, Id = m.Item3 })]);

        var presentation = Present(reading);

        Presentations.AssertReadable(presentation);
        Assert.Equal(modules.Length, presentation.Cards.Count);
    }

    [Fact]
    public void An_empty_reading_has_no_card() => Assert.Empty(Present(new NetatmoReading(null, [])).Cards);

    private static Presentation Present(NetatmoReading reading) => NetatmoPresentation.Of(reading, Options, Responses.Now);

    private static NetatmoReading Wind(double strength, double angle) => new(null,
        [new Module { Name = "Roof", Kind = "wind", Measured = new() { At = Responses.Now, WindStrength = strength, WindDirection = angle } }]);

    private static ReadingCard Card(Presentation presentation, string title) => Assert.Single(presentation.Cards, card => card.Title == title);

    private static IEnumerable<string> Labels(Presentation presentation) =>
        presentation.Cards.SelectMany(card => card.Lines.Concat(card.Details)).Select(line => line.Label);
}
