using Exporter.Metrics;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Metrics;

public class MetricFamilyTests
{
    private static readonly LabelSet A = LabelSet.Of(("x", "a"));
    private static readonly LabelSet B = LabelSet.Of(("x", "b"));

    [Fact]
    public void Label_sets_with_the_same_content_are_equal_in_any_order()
    {
        var one = LabelSet.Of(("home", "h"), ("module", "m"));
        var other = LabelSet.Empty.With("module", "m").With("home", "h");

        Assert.Equal(one, other);
        Assert.Equal(one.GetHashCode(), other.GetHashCode());
        Assert.NotEqual(one, one.With("station", "s"));
        Assert.Equal("{home=\"h\",module=\"m\"}", other.ToString());
    }

    [Fact]
    public void An_empty_label_is_omitted() => Assert.Equal(A, LabelSet.Of(("x", "a"), ("home", "")));

    [Fact]
    public void Values_with_the_same_UTF8_are_equal() => Assert.Equal(LabelSet.Of(("x", "\ud83c")), LabelSet.Of(("x", "\udf21")));

    [Theory]
    [InlineData("")]
    [InlineData("1a")]
    [InlineData("a-b")]
    [InlineData("ä")]
    [InlineData("a:b")]
    [InlineData("__name__")]
    public void A_label_name_must_be_valid(string name) =>
        Assert.Throws<ArgumentException>(() => Pages.Text([MetricFamily.Gauge("x", "", [new(LabelSet.Of((name, "x")), 1)])]));

    [Fact]
    public void A_duplicate_label_is_rejected() =>
        Assert.Throws<InvalidOperationException>(() => Pages.Text([MetricFamily.Gauge("x", "", [new(A.With("x", "b"), 1)])]));

    [Fact]
    public void A_shared_label_cannot_be_a_label_of_a_sample() =>
        Assert.Throws<InvalidOperationException>(() => Pages.Text(EncodedMetrics.Of(new FamilyGroup(A, [MetricFamily.Gauge("x", "", [new(B, 1)])]))));

    [Theory]
    [InlineData("")]
    [InlineData("1a")]
    [InlineData("a-b")]
    [InlineData("a b")]
    public void A_metric_name_must_be_valid(string name) => Assert.Throws<ArgumentException>(() => Pages.Text([MetricFamily.Gauge(name, "", 1)]));

    [Fact]
    public void The_first_of_several_samples_with_equal_labels_is_kept() =>
        Assert.Equal([new(B, 1), new(A, 2)], MetricFamily.Gauge("x", "", [new(B, 1), new(A, 2), new(B, 3), new(A, 4)]).Samples);

    [Fact]
    public void A_counter_omits_negative_values_and_NaN() =>
        Assert.Equal([new(A, 0)], MetricFamily.Counter("x_total", "", [new(LabelSet.Empty, -1), new(A, 0), new(B, double.NaN)]).Samples);

    [Fact]
    public void A_state_set_has_a_series_for_every_state()
    {
        var family = MetricFamily.StateSet("s", "", "state", [new(A, "off")], ["on", "off"]);

        Assert.Equal([new(A.With("state", "on"), 0), new(A.With("state", "off"), 1)], family.Samples);
        Assert.Throws<ArgumentException>(() => MetricFamily.StateSet("s", "", "state", [new(A, "broken")], ["on", "off"]));
    }

    [Fact]
    public void A_family_without_samples_is_not_on_the_page() =>
        Assert.Equal("# HELP b B.\n# TYPE b gauge\nb 1\n", Pages.Text([MetricFamily.Gauge("a", "A.", []), MetricFamily.Gauge("b", "B.", 1)]));

    [Fact]
    public void Groups_with_the_same_family_become_one_family_with_the_labels_of_each_group()
    {
        var page = Pages.Text(EncodedMetrics.Of(
            new FamilyGroup(LabelSet.Of(("account", "home")),
            [
                MetricFamily.Gauge("b", "First.", [new(A, 1), new(LabelSet.Empty, 2)]),
                MetricFamily.Counter("c_total", "C.", [new(LabelSet.Empty, 3)]),
            ]),
            new FamilyGroup(LabelSet.Of(("account", "work")), [MetricFamily.Gauge("b", "Second.", [new(A, 4)])])));

        Assert.Equal(PageText.Canonical("""
            # HELP b First.
            # TYPE b gauge
            b{account="home",x="a"} 1
            b{account="home"} 2
            b{account="work",x="a"} 4
            # HELP c_total C.
            # TYPE c_total counter
            c_total{account="home"} 3

            """), PageText.Canonical(page));
    }

    [Fact]
    public void A_gauge_and_a_counter_with_the_same_name_are_rejected() => Assert.Throws<InvalidOperationException>(() =>
        Pages.Text([MetricFamily.Gauge("a_total", "", 1), MetricFamily.Counter("a_total", "", [new(LabelSet.Empty, 1)])]));
}
