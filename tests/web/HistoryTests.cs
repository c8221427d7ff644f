using System.Globalization;
using System.Xml.Linq;
using Exporter.Accounts;
using Exporter.Tokens;
using Exporter.Web;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The recorded readings, their limits, and their plots.</summary>
public sealed class HistoryTests : IDisposable
{
    private readonly ManualTime time = new();
    private readonly List<Account> accounts = [];

    [Fact]
    public void A_day_of_readings_is_288_points_and_older_points_are_removed()
    {
        var series = new TimeSeries();
        for (var minute = 0; minute < 3 * 24 * 60; minute++)
        {
            series.Add(ManualTime.Start.AddMinutes(minute), minute);
        }

        Assert.InRange(series.Points.Count, 280, TimeSeries.MaxPoints);
        var last = ManualTime.Start.AddMinutes(3 * 24 * 60 - 1).ToUnixTimeSeconds();
        Assert.Equal((last, 3 * 24 * 60 - 1f), (series.Points[^1].At, series.Points[^1].Value));
        Assert.InRange(last - series.Points[0].At, 23 * 3600, 24 * 3600);
    }

    [Fact]
    public void The_first_minutes_keep_every_point()
    {
        var series = new TimeSeries();
        for (var second = 0; second < 600; second += 10)
        {
            series.Add(ManualTime.Start.AddSeconds(second), second);
        }

        Assert.Equal(60, series.Points.Count);
    }

    [Fact]
    public void After_the_clock_is_set_back_recording_continues_from_there()
    {
        var series = new TimeSeries();
        for (var minute = 0; minute < 120; minute++)
        {
            series.Add(ManualTime.Start.AddMinutes(minute), 1);
        }

        series.Add(ManualTime.Start.AddMinutes(30), 2);

        Assert.Equal((ManualTime.Start.AddMinutes(30).ToUnixTimeSeconds(), 2f), (series.Points[^1].At, series.Points[^1].Value));
        Assert.InRange(series.Points.Count, 2, 31);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Values_that_are_not_finite_are_ignored(double value)
    {
        var series = new TimeSeries();
        series.Add(ManualTime.Start, value);

        Assert.Empty(series.Points);
    }

    [Fact]
    public void The_number_of_series_is_limited()
    {
        var (history, account) = New();

        history.Record(account, new Presentation([.. Enumerable.Range(0, 5000).Select(i => Card($"{i}"))]), time.GetUtcNow());

        Assert.Equal(History.MaxSeries, history.Of(account).Count);
    }

    [Fact]
    public void A_series_without_readings_is_removed_after_a_day()
    {
        var (history, account) = New();
        history.Record(account, new Presentation(Card("old"), Card("new")), time.GetUtcNow());

        history.Record(account, new Presentation(Card("new")), time.GetUtcNow().AddHours(23));
        Assert.Equal(2, history.Of(account).Count);
        history.Record(account, new Presentation(Card("new")), time.GetUtcNow().AddHours(25));
        Assert.Single(history.Of(account));
    }

    [Fact]
    public void Only_numbers_that_the_source_marks_are_recorded_in_its_order()
    {
        var (history, account) = New();

        history.Record(account, new Presentation(new ReadingCard("Roof",
            new ReadingLine("Wind", new ReadingValue.Number(14, "km/h"), IsPlotted: true),
            new ReadingLine("Direction", new ReadingValue.Number(315, "°")),
            new ReadingLine("Seen", new ReadingValue.Time(time.GetUtcNow())))
        {
            Details = [new ReadingLine("Gusts", new ReadingValue.Number(20.5, "km/h", 1), IsPlotted: true)],
        }), time.GetUtcNow());

        Assert.Equal(
            [("Wind", "km/h", 0, "Roof"), ("Gusts", "km/h", 1, "Roof")],
            history.Of(account).Select(series => (series.Label, series.Unit, series.Decimals, series.Card)));
    }

    [Fact]
    public async Task Every_new_reading_of_a_feed_is_recorded()
    {
        var feed = new Feed();
        var (history, account) = New(feed);
        await history.StartAsync(CancellationToken.None);

        for (var i = 0; i < 3; i++)
        {
            feed.Take(time.GetUtcNow(), i);
            await time.AdvanceUntilAsync(() => history.Of(account) is [var only] && only.Points.Count == i + 1, TimeSpan.FromMinutes(1));
            time.Advance(TimeSpan.FromMinutes(8));
        }

        Assert.Equal([0f, 1f, 2f], history.Of(account).Single().Points.Select(p => p.Value));
        await history.StopAsync(CancellationToken.None);
    }

    [Fact]
    public void A_plot_is_SVG_with_axes_a_legend_and_a_table()
    {
        var clock = new Clock(ManualTime.Start.AddMinutes(800), TimeZoneInfo.Utc);

        var html = Assert.Single(Plot.Of(
            [new("Temperature", "°C", 1, "In", Points(15)), new("Temperature", "°C", 1, "Out & about", Points(-5))], clock)).ToString();
        var figure = XElement.Parse(html.Replace("&nbsp;", " ", StringComparison.Ordinal));

        Assert.Equal("Temperature, °C", figure.Element("figcaption")!.Value);
        var drawing = figure.Element("svg")!;
        Assert.Equal("img", drawing.Attribute("role")!.Value);
        var labels = drawing.Elements("text").ToList();
        Assert.Equal(["-10", "0", "10", "20", "30"], labels.Where(t => t.Attribute("text-anchor")!.Value == "end").Select(t => t.Value));
        Assert.Contains("15:00", labels.Select(t => t.Value));
        Assert.Equal(["In", "Out & about"], figure.Element("ul")!.Elements("li").Select(li => li.Value));
        Assert.Equal(2, figure.Descendants("tbody").Single().Elements("tr").Count());
        var xs = drawing.Elements("polyline").SelectMany(l => l.Attribute("points")!.Value.Split(' '))
            .Select(p => double.Parse(p.Split(',')[0], CultureInfo.InvariantCulture));
        Assert.All(xs, x => Assert.InRange(x, 30, 342));

        static Point[] Points(float offset) => [.. Enumerable.Range(0, 100).Select(i => At(8 * i, offset + i % 10))];
    }

    [Fact]
    public void Missing_readings_are_a_gap_in_the_line()
    {
        Point[] points = [.. new[] { 0, 8, 16, 24, 200, 208, 216 }.Select(m => At(m, m))];
        var clock = new Clock(ManualTime.Start.AddMinutes(220), TimeZoneInfo.Utc);

        var figure = Assert.Single(Plot.Of([new("Rain", "mm", 1, "Roof", points)], clock)).ToString();

        Assert.Equal(2, figure.Split("<polyline").Length - 1);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1016.4f)]
    [InlineData(-40f)]
    [InlineData(1e-9f)]
    [InlineData(3e30f)]
    public void A_constant_value_is_drawn(float value)
    {
        Point[] points = [.. Enumerable.Range(0, 3).Select(i => At(i, value))];
        var clock = new Clock(ManualTime.Start.AddMinutes(3), TimeZoneInfo.Utc);

        var figure = Assert.Single(Plot.Of([new("Pressure", "", 0, "In", points)], clock)).ToString();

        Assert.Contains("<polyline", figure, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", figure, StringComparison.Ordinal);
        Assert.InRange(figure.Split("class=\"grid\"").Length, 2, 12);
    }

    [Fact]
    public void The_labels_of_the_value_axis_are_not_cut()
    {
        var clock = new Clock(ManualTime.Start.AddMinutes(3), TimeZoneInfo.Utc);
        Point[] points = [At(0, 42_900), At(2, 43_100)];

        var figure = XElement.Parse(Assert.Single(Plot.Of([new("Odometer", "km", 0, "Car", points)], clock)).ToString());

        var labels = figure.Descendants("text").Where(t => t.Attribute("text-anchor")!.Value == "end").ToList();
        Assert.Contains("42,900", labels.Select(label => label.Value));
        Assert.All(labels, label => Assert.InRange(double.Parse(label.Attribute("x")!.Value, CultureInfo.InvariantCulture), 6 * label.Value.Length, 100));
    }

    public void Dispose() => accounts.ForEach(a => a.Dispose());

    private static Point At(int minute, float value) => new((uint)ManualTime.Start.AddMinutes(minute).ToUnixTimeSeconds(), value);

    private static ReadingCard Card(string title, double value = 20) =>
        new(title, new ReadingLine("Temperature", new ReadingValue.Number(value, "°C", 1), IsPlotted: true));

    private (History, Account) New(IReadingSource? feed = null)
    {
        var grant = new RefreshTokenGrant(null!, time);
        var manager = new TokenManager("home", grant, new MemoryStore(), new TokenManagerOptions(), time, NullLogger<TokenManager>.Instance);
        var account = new Account("home", "x", hasAccountLabel: true, manager, feed);
        accounts.Add(account);
        return (new History(new([account]), time, NullLogger<History>.Instance), account);
    }

    private sealed class Feed : IReadingSource
    {
        private readonly Latest<ReadingStatus> latest = new(new ReadingStatus());
        private double value;

        public ReadingStatus Status => latest.Value;

        public Task Changed => latest.Changed;

        public ReadingMetrics Collect(DateTimeOffset now) => ReadingMetrics.None;

        public Presentation Present(DateTimeOffset now) => new(Card("Home", value));

        public void Take(DateTimeOffset at, double reading)
        {
            value = reading;
            latest.Set(new ReadingStatus { Up = true, ReadAt = at });
        }

        public Task RunAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
