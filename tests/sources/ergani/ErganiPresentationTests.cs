using Exporter.Accounts;
using Exporter.Ergani;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Ergani;

public sealed class ErganiPresentationTests
{
    private static readonly ErganiReading Everything = new(
        Submissions: 12, Services: 7, InCardSector: true, Branches: 3,
        Workforce: new Dictionary<int, int> { [3] = 2, [0] = 40, [-1] = 1 });

    [Fact]
    public void Every_count_is_on_the_card()
    {
        var presentation = ErganiPresentation.Of(Everything, ErganiEnvironment.Test);

        Presentations.AssertReadable(presentation);
        Golden.Check("sources/ergani/testdata/presentation.txt", Presentations.Text(presentation));
    }

    [Fact]
    public void A_count_that_is_not_configured_has_no_line()
    {
        var card = Assert.Single(ErganiPresentation.Of(new ErganiReading(Submissions: 12), ErganiEnvironment.Production).Cards);

        Assert.Equal(new ReadingLine("Kinds of submission", new ReadingValue.Number(12)), Assert.Single(card.Lines));
        Assert.Equal("Production environment", card.Subtitle);
        Assert.Empty(card.Details);
    }

    [Fact]
    public void A_reading_without_counts_has_no_card() => Assert.Empty(ErganiPresentation.Of(new ErganiReading(), ErganiEnvironment.Test).Cards);
}
