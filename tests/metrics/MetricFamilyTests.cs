using Exporter.Metrics;
using Xunit;

namespace Exporter.Tests.Metrics;

public class MetricFamilyTests
{
    private static readonly LabelSet A = LabelSet.Of(("x", "a"));
    private static readonly LabelSet B = LabelSet.Of(("x", "b"));

    [Fact]
    public void Label_sets_are_equal_by_content_whatever_the_order()
    {
        var one = LabelSet.Of(("home", "h"), ("module", "m"));
        var other = LabelSet.Empty.With("module", "m").With("home", "h");

        Assert.Equal(one, other);
        Assert.Equal(one.GetHashCode(), other.GetHashCode());
        Assert.NotEqual(one, one.With("station", "s"));
        Assert.Equal("{home=\"h\",module=\"m\"}", other.ToString());
    }

    [Fact]
    public void An_empty_label_is_no_label() => Assert.Equal(A, LabelSet.Of(("x", "a"), ("home", "")));

    [Fact]
    public void Values_that_have_one_spelling_in_UTF8_are_one_value() => Assert.Equal(LabelSet.Of(("x", "\ud83c")), LabelSet.Of(("x", "\udf21")));

    [Theory]
    [InlineData("")]
    [InlineData("1a")]
    [InlineData("a-b")]
    [InlineData("ä")]
    [InlineData("a:b")]
    [InlineData("__name__")]
    [InlineData("le")]
    public void A_label_name_must_be_one(string name) => Assert.Throws<ArgumentException>(() => LabelSet.Of((name, "x")));

    [Fact]
    public void A_label_stands_once()
    {
        Assert.Throws<ArgumentException>(() => A.With("x", "b"));
        Assert.Throws<ArgumentException>(() => LabelSet.Of(("x", "a"), ("x", "a")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1a")]
    [InlineData("a-b")]
    [InlineData("a b")]
    public void A_metric_name_must_be_one(string name) => Assert.Throws<ArgumentException>(() => MetricFamily.Gauge(name, "", 1));

    [Fact]
    public void Counters_and_infos_are_named_with_their_suffix()
    {
        Assert.Throws<ArgumentException>(() => MetricFamily.Counter("requests", "", 1));
        Assert.Throws<ArgumentException>(() => MetricFamily.Counter("_total", "", 1));
        Assert.Throws<ArgumentException>(() => MetricFamily.Info("build", "", LabelSet.Empty));
    }

    [Theory]
    [InlineData("process_cpu_seconds_total", MetricKind.Counter, "seconds")]
    [InlineData("module_temperature_celsius", MetricKind.Gauge, "celsius")]
    [InlineData("sensor_humidity_percent", MetricKind.Gauge, null)]
    [InlineData("seconds", MetricKind.Gauge, null)]
    [InlineData("milliseconds", MetricKind.Gauge, null)]
    public void The_unit_is_the_base_unit_the_name_ends_in(string name, MetricKind kind, string? unit) =>
        Assert.Equal(unit, (kind == MetricKind.Counter ? MetricFamily.Counter(name, "", 1) : MetricFamily.Gauge(name, "", 1)).Unit);

    [Fact]
    public void Samples_are_ordered_and_of_equal_labels_the_first_is_kept()
    {
        var family = MetricFamily.Gauge("x", "", [new(B, 1), new(A, 2), new(B, 3), new(A, 4)]);

        Assert.Equal([new(A, 2), new(B, 1)], family.Samples);
    }

    [Fact]
    public void A_counter_keeps_neither_negative_values_nor_what_is_no_number() =>
        Assert.Equal([new(A, 0)], MetricFamily.Counter("x_total", "", [new(LabelSet.Empty, -1), new(A, 0), new(B, double.NaN)]).Samples);

    [Fact]
    public void A_state_set_has_a_series_for_every_state()
    {
        var family = MetricFamily.StateSet("s", "", "state", [new(A, "off")], ["on", "off"]);

        Assert.Equal([new(A.With("state", "off"), 1), new(A.With("state", "on"), 0)], family.Samples);
        Assert.Throws<ArgumentException>(() => MetricFamily.StateSet("s", "", "state", [new(A, "broken")], ["on", "off"]));
    }

    [Fact]
    public void A_histogram_has_ascending_bounds_and_a_count_for_each_and_above()
    {
        Assert.Throws<ArgumentException>(() => new HistogramValue([1, 1], [0, 0, 0], 0));
        Assert.Throws<ArgumentException>(() => new HistogramValue([-1], [0, 0], 0));
        Assert.Throws<ArgumentException>(() => new HistogramValue([double.PositiveInfinity], [0, 0], 0));
        Assert.Throws<ArgumentException>(() => new HistogramValue([1], [0], 0));
    }

    [Fact]
    public void One_more_label_comes_on_every_sample()
    {
        var gauge = MetricFamily.Gauge("x", "Help.", [new(A, 1), new(LabelSet.Empty, 2)]).With("account", "home");
        var histogram = MetricFamily.Histogram("y", "", [new(A, new([1], [0, 0], 0))]).With("account", "home");

        Assert.Equal([new(LabelSet.Of(("account", "home")), 2), new(A.With("account", "home"), 1)], gauge.Samples);
        Assert.Equal("Help.", gauge.Help);
        Assert.Equal(A.With("account", "home"), Assert.Single(histogram.Histograms).Labels);
    }

    [Fact]
    public void Merged_pages_have_one_family_per_name_in_order()
    {
        var merged = MetricFamily.Merge([
            [MetricFamily.Gauge("b", "First.", [new(B, 1)]), MetricFamily.Gauge("c", "", 1)],
            [MetricFamily.Gauge("a", "", 1), MetricFamily.Gauge("b", "Second.", [new(A, 2), new(B, 3)])],
        ]);

        Assert.Equal(["a", "b", "c"], merged.Select(family => family.Name));
        Assert.Equal([new(A, 2), new(B, 1)], merged[1].Samples);
        Assert.Equal("First.", merged[1].Help);
    }

    [Fact]
    public void Two_families_that_cannot_be_on_one_page_are_refused()
    {
        Assert.Throws<ArgumentException>(() => MetricFamily.Merge([[MetricFamily.Gauge("a_total", "", 1), MetricFamily.Counter("a_total", "", 1)]]));
        Assert.Throws<ArgumentException>(() => MetricFamily.Merge([[MetricFamily.Gauge("a", "", 1), MetricFamily.Counter("a_total", "", 1)]]));
    }
}
