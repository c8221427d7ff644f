using System.Globalization;

namespace Exporter.Web;

/// <summary>Draws one quantity over time as SVG: a line per series, axes, a legend, and a table with the same values. Pure.</summary>
internal static class Plot
{
    /// <summary>More lines would be hard to distinguish.</summary>
    public const int MaxLines = 8;

    private const double Width = 360;
    private const double Height = 160;
    private const double Right = 18;

    /// <summary>Of a character in the font of the axes, at most.</summary>
    private const double DigitWidth = 6.2;
    private const double Top = 8;
    private const double Bottom = 22;

    private static readonly TimeSpan MinSpan = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly int[] StepMinutes = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360];

    /// <summary>A plot for each quantity of an account.</summary>
    public static IEnumerable<Html> Of(IReadOnlyList<RecordedSeries> recorded, Clock clock)
    {
        var isOneCard = recorded.DistinctBy(series => series.Card).Count() == 1;
        return recorded.GroupBy(series => (series.Label, series.Unit)).Select((quantity, i) => Render(
            $"plot-{i}", quantity.First(), [.. quantity.Select(series => (isOneCard ? "" : series.Card, series.Points))], clock));
    }

    /// <param name="id">The figure's ID, unique on the page.</param>
    /// <param name="quantity">Its label, unit and decimals are those of the plot.</param>
    /// <param name="series">The name in the legend and at least one point of each series.</param>
    private static Html Render(
        string id, RecordedSeries quantity, IReadOnlyList<(string Name, IReadOnlyList<Point> Points)> series, Clock clock)
    {
        var drawn = series.Take(MaxLines).ToList();
        var (to, first) = (clock.Now, DateTimeOffset.FromUnixTimeSeconds(drawn.Min(s => s.Points[0].At)));
        var from = new[] { to - Day, new[] { first, to - MinSpan }.Min() }.Max();
        var scale = new Scale(from, to, drawn.SelectMany(s => s.Points).Min(p => p.Value), drawn.SelectMany(s => s.Points).Max(p => p.Value));
        return $"""
            <figure class="plot" aria-labelledby="{id}">
            <figcaption id="{id}">{quantity.Label}{(quantity.Unit.Length > 0 ? $", {quantity.Unit}" : "")}</figcaption>
            <svg viewBox="0 0 {Width} {Height}" role="img"
            aria-label="{quantity.Label} over the last {Clock.Duration(to - from)}; the values follow as a table">
            {scale.Values.Select(v => ValueTick(scale, v))}{Times(from, to, clock.Zone).Select(t => TimeTick(scale, t, clock.Zone))}
            {drawn.SelectMany((s, i) => Line(scale, s.Points, i))}
            </svg>
            {(drawn is [{ Name: "" }] ? null : Legend(drawn.Select(s => s.Name), series.Count))}
            <details><summary>Values</summary><div class="wide"><table>
            <thead><tr><th scope="col">Series</th><th scope="col">Latest</th><th scope="col">Lowest</th><th scope="col">Highest</th></tr></thead>
            <tbody>{drawn.Select(s => Row(quantity, s.Name, s.Points, clock))}</tbody>
            </table></div></details>
            </figure>
            """;
    }

    private static Html ValueTick(Scale scale, double value)
    {
        var y = scale.Y(value);
        return $"""
            <line class="grid" x1="{scale.Left}" x2="{Width - Right}" y1="{y}" y2="{y}"/>
            <text class="tick" x="{scale.Left - 5}" y="{y + 3.5}" text-anchor="end">{scale.Text(value)}</text>
            """;
    }

    private static Html TimeTick(Scale scale, DateTimeOffset at, TimeZoneInfo zone)
    {
        var (x, text) = (scale.X(at.ToUnixTimeSeconds()), TimeZoneInfo.ConvertTime(at, zone).ToString("HH:mm", CultureInfo.InvariantCulture));
        return $"""
            <line class="tick" x1="{x}" x2="{x}" y1="{Height - Bottom}" y2="{Height - Bottom + 4}"/>
            <text class="tick" x="{x}" y="{Height - 6}" text-anchor="middle">{text}</text>
            """;
    }

    /// <summary>A line with gaps where readings are missing. A single point, and the latest one, is a dot.</summary>
    private static IEnumerable<Html> Line(Scale scale, IReadOnlyList<Point> points, int index)
    {
        var segments = Segments([.. points.Where(p => p.At >= scale.From)]);
        foreach (var (i, segment) in segments.Index())
        {
            if (segment.Count > 1)
            {
                var path = segment.Select(p => string.Create(CultureInfo.InvariantCulture, $"{scale.X(p.At):0.#},{scale.Y(p.Value):0.#}"));
                yield return $"<polyline class=\"line s{index}\" points=\"{string.Join(' ', path)}\"/>";
            }
            if (segment.Count == 1 || i == segments.Count - 1)
            {
                yield return $"<circle class=\"dot s{index}\" cx=\"{scale.X(segment[^1].At)}\" cy=\"{scale.Y(segment[^1].Value)}\" r=\"2.5\"/>";
            }
        }
    }

    /// <summary>Splits the points at gaps of more than four times the median distance.</summary>
    private static List<List<Point>> Segments(IReadOnlyList<Point> points)
    {
        var segments = new List<List<Point>>();
        var distances = points.Zip(points.Skip(1), (a, b) => b.At - a.At).Order().ToList();
        var median = distances.Count > 0 ? distances[distances.Count / 2] : 0;
        foreach (var point in points)
        {
            if (segments.Count == 0 || point.At - segments[^1][^1].At > 4 * median)
            {
                segments.Add([]);
            }
            segments[^1].Add(point);
        }
        return segments;
    }

    private static Html Legend(IEnumerable<string> names, int total)
    {
        Html? more = total > MaxLines ? (Html)$"<li>and {total - MaxLines} more, not drawn</li>" : null;
        return $"<ul class=\"legend\">{names.Select(Item)}{more}</ul>";

        static Html Item(string name, int index) => $"""
            <li><svg class="swatch" viewBox="0 0 22 8" aria-hidden="true"><line class="line s{index}" x1="0" x2="22" y1="4" y2="4"/></svg>{name}</li>
            """;
    }

    private static Html Row(RecordedSeries quantity, string name, IReadOnlyList<Point> points, Clock clock)
    {
        var (low, high) = (points.MinBy(p => p.Value), points.MaxBy(p => p.Value));
        return $"<tr><th scope=\"row\">{(name.Length > 0 ? name : quantity.Label)}</th>{Cell(points[^1])}{Cell(low)}{Cell(high)}</tr>";

        Html Cell(Point point) =>
            $"""
            <td>{Readings.Text(new(point.Value, quantity.Unit, quantity.Decimals))}
            <small>{clock.Text(DateTimeOffset.FromUnixTimeSeconds(point.At))}</small></td>
            """;
    }

    /// <summary>At most seven round times in the time zone.</summary>
    private static IEnumerable<DateTimeOffset> Times(DateTimeOffset from, DateTimeOffset to, TimeZoneInfo zone)
    {
        var step = TimeSpan.FromMinutes(StepMinutes.FirstOrDefault(minutes => (to - from).TotalMinutes / minutes <= 6, StepMinutes[^1]));
        var offset = zone.GetUtcOffset(to);
        var next = new DateTimeOffset((from.UtcTicks + offset.Ticks + step.Ticks - 1) / step.Ticks * step.Ticks - offset.Ticks, TimeSpan.Zero);
        for (; next <= to; next += step)
        {
            yield return next;
        }
    }

    /// <summary>Maps times and values to coordinates. The value axis ends at round numbers.</summary>
    private sealed class Scale
    {
        private readonly double to;
        private readonly double low;
        private readonly double high;
        private readonly double step;

        public Scale(DateTimeOffset from, DateTimeOffset to, double min, double max)
        {
            (From, this.to) = (from.ToUnixTimeSeconds(), to.ToUnixTimeSeconds());
            var span = max - min;
            if (span < 1e-6 * Math.Max(1, Math.Abs(max)))
            {
                span = Math.Max(1, Math.Abs(max) * 0.02);
                // The axis of a quantity without negative values does not go below zero.
                (min, max) = (min >= 0 ? Math.Max(0, min - span / 2) : min - span / 2, max + span / 2);
                span = max - min;
            }
            step = Round(span / 3);
            (low, high) = (Math.Floor(min / step) * step, Math.Ceiling(max / step) * step);
            Left = 12 + DigitWidth * Values.Max(value => Text(value).Length);
        }

        /// <summary>Where the value axis is, so that its longest label fits.</summary>
        public double Left { get; }

        public double From { get; }

        public IEnumerable<double> Values =>
            Enumerable.Range(0, (int)Math.Round((high - low) / step) + 1).Select(i => Math.Round(low + i * step, 9));

        private int Decimals => Math.Clamp((int)Math.Ceiling(-Math.Log10(step) - 1e-9), 0, 6);

        /// <summary>With as many decimals as the step needs.</summary>
        public string Text(double value) =>
            value.ToString(Math.Abs(value) >= 1e9 ? "0.###e0" : $"N{Decimals}", CultureInfo.InvariantCulture);

        public double X(double at) => Left + (at - From) / (to - From) * (Width - Left - Right);

        public double Y(double value) => Top + (high - value) / (high - low) * (Height - Top - Bottom);

        /// <summary>The next number that is 1, 2 or 5 times a power of ten.</summary>
        private static double Round(double rough)
        {
            var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
            return power * (rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        }
    }
}
