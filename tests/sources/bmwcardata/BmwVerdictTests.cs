using Exporter.BmwCarData;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class BmwVerdictTests
{
    [Theory]
    [InlineData(134, "token_refused")]
    [InlineData(135, "token_refused")]
    [InlineData(136, "server")]
    [InlineData(137, "server")]
    [InlineData(139, "server")]
    [InlineData(141, "server")]
    [InlineData(142, "taken_over")]
    [InlineData(151, "limited")]
    [InlineData(159, "limited")]
    [InlineData(160, "maximum_connect_time")]
    [InlineData(133, "refused")]
    [InlineData(200, "server")]
    public void A_reason_code_means_one_thing(int code, string word)
    {
        Assert.Equal(word, BmwVerdict.Of(new ConnectionEnd.ByServer((ReasonCode)code, null)).Word);
        Assert.Equal(word, BmwVerdict.Of(new ConnectOutcome.Refused((ReasonCode)code, null)).Word);
    }

    [Theory]
    [InlineData(128)]
    [InlineData(135)]
    [InlineData(162)]
    public void A_refused_subscription_is_for_a_person_to_mend(int code)
    {
        var verdict = BmwVerdict.Of(new SubscribeOutcome.Refused([new("a", ReasonCode.GrantedQoS1), new("b", (ReasonCode)code)], null));

        Assert.IsType<BmwVerdict.Refused>(verdict);
        Assert.Contains("choose the data to stream in the portal", verdict.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_server_says_is_one_line()
    {
        var verdict = BmwVerdict.Of(new ConnectOutcome.Refused(ReasonCode.ServerBusy, "a\nb\u001b[31m" + new string('x', 5000)));

        Assert.DoesNotContain(verdict.Reason, char.IsControl);
        Assert.InRange(verdict.Reason.Length, 1, 500);
    }

    [Fact]
    public void Every_word_is_known_and_every_end_has_one()
    {
        ConnectionEnd[] others = [new ConnectionEnd.KeepAliveTimeout(), new ConnectionEnd.NetworkLost("gone"), new ConnectionEnd.ProtocolError(ReasonCode.ProtocolError, "x"), new ConnectionEnd.ByUs()];
        var ends = Enumerable.Range(0, 256).Select(code => (ConnectionEnd)new ConnectionEnd.ByServer((ReasonCode)code, "why")).Concat(others);

        var words = ends.Select(end => BmwVerdict.Of(end).Word).ToHashSet();

        Assert.Equal(BmwVerdict.Words.Order(), words.Order());
    }

    [Fact]
    public void Only_what_is_expected_is_no_failure() => Assert.All(
        Enumerable.Range(0, 256).Select(code => BmwVerdict.Of(new ConnectionEnd.ByServer((ReasonCode)code, null))),
        verdict => Assert.Equal(verdict is BmwVerdict.Expected, verdict.Failure is null));
}
