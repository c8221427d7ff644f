using System.Globalization;

namespace Exporter.Web;

/// <summary>One quantity over time as SVG, a line for each series, with its axes, a legend, and a table that says the same in words. Pure.</summary>
internal static class Plot
{
    /// <summary>More lines cannot be told apart.</summary>
    public const int MostLines = 8;

    private const double Width = 360;
    private const double Height = 160;
    private const double Left = 44;
    private const double Right = 18;
    private const double Top = 8;
    private const double Bottom = 22;

    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly int[] StepMinutes = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360];

    /// <param name="id">Of the figure, unique on the page.</param>
    /// <param name="series">Each with its name in the legend, none without points.</param>
    public static Html Of(string id, Quantity quantity, IReadOnlyList<(string Name, IReadOnlyList<Point> Points)> series, Clock clock)
    {
        var drawn = series.Take(MostLines).ToList();
        var (to, first) = (clock.Now, DateTimeOffset.FromUnixTimeSeconds(drawn.Min(s => s.Points[0].At)));
        var from = new[] { to - Day, new[] { first, to - Shortest }.Min() }.Max();
        var scale = new Scale(from, to, drawn.SelectMany(s => s.Points).Min(p => p.Value), drawn.SelectMany(s => s.Points).Max(p => p.Value));
        return $"""
            <figure class="plot" aria-labelledby="{id}">
            <figcaption id="{id}">{quantity.Title}{(quantity.Unit.Length > 0 ? $", {quantity.Unit}" : "")}</figcaption>
            <svg viewBox="0 0 {Width} {Height}" role="img" aria-label="{quantity.Title} over the last {Clock.Length(to - from)}; the values follow as a table">
            {scale.Values.Select(v => ValueTick(scale, v))}{Moments(from, to, clock.Zone).Select(t => MomentTick(scale, t, clock.Zone))}
            {drawn.Select((s, i) => Line(scale, s.Points, i))}
            </svg>
            {(drawn is [{ Name: "" }] ? Html.Nothing : Legend(drawn.Select(s => s.Name), series.Count))}
            <details><summary>Values</summary><div class="wide"><table>
            <thead><tr><th scope="col">Series</th><th scope="col">Latest</th><th scope="col">Lowest</th><th scope="col">Highest</th></tr></thead>
            <tbody>{drawn.Select(s => Row(quantity, s.Name, s.Points, clock))}</tbody>
            </table></div></details>
            </figure>
            """;
    }

    private static Html ValueTick(Scale scale, double value) => $"""
        <line class="grid" x1="{Left}" x2="{Width - Right}" y1="{scale.Y(value)}" y2="{scale.Y(value)}"/><text class="tick" x="{Left - 5}" y="{scale.Y(value) + 3.5}" text-anchor="end">{Quantity.Number(value)}</text>
        """;

    private static Html MomentTick(Scale scale, DateTimeOffset at, TimeZoneInfo zone) => $"""
        <line class="tick" x1="{scale.X(at.ToUnixTimeSeconds())}" x2="{scale.X(at.ToUnixTimeSeconds())}" y1="{Height - Bottom}" y2="{Height - Bottom + 4}"/><text class="tick" x="{scale.X(at.ToUnixTimeSeconds())}" y="{Height - 6}" text-anchor="middle">{TimeZoneInfo.ConvertTime(at, zone).ToString("HH:mm", CultureInfo.InvariantCulture)}</text>
        """;

    /// <summary>A line, broken where readings were missing; a point alone is a dot. The latest always has one.</summary>
    private static Html Line(Scale scale, IReadOnlyList<Point> points, int index)
    {
        var pieces = Pieces([.. points.Where(p => p.At >= scale.From)]);
        return Html.Join(pieces.Where(piece => piece.Count > 1)
            .Select(piece => (Html)$"<polyline class=\"line s{index}\" points=\"{string.Join(' ', piece.Select(p => string.Create(CultureInfo.InvariantCulture, $"{scale.X(p.At):0.#},{scale.Y(p.Value):0.#}")))}\"/>")
            .Concat(pieces.Where((piece, i) => piece.Count == 1 || i == pieces.Count - 1)
                .Select(piece => (Html)$"<circle class=\"dot s{index}\" cx=\"{scale.X(piece[^1].At)}\" cy=\"{scale.Y(piece[^1].Value)}\" r=\"2.5\"/>")));
    }

    /// <summary>Four times the usual distance is a gap.</summary>
    private static List<List<Point>> Pieces(IReadOnlyList<Point> points)
    {
        var pieces = new List<List<Point>>();
        var distances = points.Zip(points.Skip(1), (a, b) => b.At - a.At).Order().ToList();
        var usual = distances.Count > 0 ? distances[distances.Count / 2] : 0;
        foreach (var point in points)
        {
            if (pieces.Count == 0 || point.At - pieces[^1][^1].At > 4 * usual)
            {
                pieces.Add([]);
            }
            pieces[^1].Add(point);
        }
        return pieces;
    }

    private static Html Legend(IEnumerable<string> names, int all) => $"""
        <ul class="legend">{names.Select((name, i) => (Html)$"<li><svg class=\"swatch\" viewBox=\"0 0 22 8\" aria-hidden=\"true\"><line class=\"line s{i}\" x1=\"0\" x2=\"22\" y1=\"4\" y2=\"4\"/></svg>{name}</li>")}{(all > MostLines ? (Html)$"<li>and {all - MostLines} more, not drawn</li>" : Html.Nothing)}</ul>
        """;

    private static Html Row(Quantity quantity, string name, IReadOnlyList<Point> points, Clock clock)
    {
        var (low, high) = (points.MinBy(p => p.Value), points.MaxBy(p => p.Value));
        return $"<tr><th scope=\"row\">{(name.Length > 0 ? name : quantity.Title)}</th>{Cell(points[^1])}{Cell(low)}{Cell(high)}</tr>";

        Html Cell(Point point) => $"<td>{quantity.Text(point.Value)} <small>{clock.Written(DateTimeOffset.FromUnixTimeSeconds(point.At))}</small></td>";
    }

    /// <summary>Round moments of the zone's clock, at most six.</summary>
    private static IEnumerable<DateTimeOffset> Moments(DateTimeOffset from, DateTimeOffset to, TimeZoneInfo zone)
    {
        var step = TimeSpan.FromMinutes(StepMinutes.FirstOrDefault(minutes => (to - from).TotalMinutes / minutes <= 6, StepMinutes[^1]));
        var offset = zone.GetUtcOffset(to);
        var next = new DateTimeOffset((from.UtcTicks + offset.Ticks + step.Ticks - 1) / step.Ticks * step.Ticks - offset.Ticks, TimeSpan.Zero);
        for (; next <= to; next += step)
        {
            yield return next;
        }
    }

    /// <summary>From time and value to the drawing. The values end at round numbers.</summary>
    private sealed class Scale
    {
        private readonly double to;
        private readonly double low;
        private readonly double high;
        private readonly double step;

        public Scale(DateTimeOffset from, DateTimeOffset to, double least, double most)
        {
            (From, this.to) = (from.ToUnixTimeSeconds(), to.ToUnixTimeSeconds());
            var span = most - least;
            if (span < 1e-6 * Math.Max(1, Math.Abs(most)))
            {
                span = Math.Max(1, Math.Abs(most) * 0.02);
                // No axis goes below zero for a quantity that does not.
                (least, most) = (least >= 0 ? Math.Max(0, least - span / 2) : least - span / 2, most + span / 2);
                span = most - least;
            }
            step = Round(span / 3);
            (low, high) = (Math.Floor(least / step) * step, Math.Ceiling(most / step) * step);
        }

        public double From { get; }

        public IEnumerable<double> Values
        {
            get
            {
                for (var i = 0; i <= Math.Round((high - low) / step); i++)
                {
                    yield return Math.Round(low + i * step, 9);
                }
            }
        }

        public double X(double at) => Left + (at - From) / (to - From) * (Width - Left - Right);

        public double Y(double value) => Top + (high - value) / (high - low) * (Height - Top - Bottom);

        /// <summary>1, 2 or 5 times a power of ten, not less than the given.</summary>
        private static double Round(double rough)
        {
            var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
            return power * (rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        }
    }
}
