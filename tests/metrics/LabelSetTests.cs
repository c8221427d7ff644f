using Exporter.Metrics;
using Xunit;

namespace Exporter.Tests.Metrics;

/// <summary>Label sets are compared by content.</summary>
public class LabelSetTests
{
    [Fact]
    public void Different_sets_have_different_hashes_and_equal_sets_the_same()
    {
        var sets = Enumerable.Range(0, 1000).Select(i => LabelSet.Of(("id", $"{i}"), ("room", "Hall"))).ToList();
        Assert.InRange(sets.Select(set => set.GetHashCode()).Distinct().Count(), 990, 1000);
        Assert.Equal(sets[7].GetHashCode(), LabelSet.Of(("room", "Hall"), ("id", "7")).GetHashCode());
    }
}
