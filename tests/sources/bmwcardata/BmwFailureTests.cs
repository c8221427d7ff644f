using System.Net.Sockets;
using System.Security.Authentication;
using Exporter.BmwCarData;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Packets;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class BmwFailureTests
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
        Assert.Equal(word, Ended(code).Word);
        Assert.Equal(word, Refused(code)?.Word);
    }

    [Theory]
    [InlineData(128)]
    [InlineData(135)]
    [InlineData(162)]
    public void A_refused_subscription_is_for_a_person_to_mend(int code)
    {
        var verdict = BmwFailure.Of(new MqttClientSubscribeResult(1,
            [Answer("a", (int)MqttClientSubscribeResultCode.GrantedQoS1), Answer("b", code)], null, []));

        Assert.IsType<BmwFailure.Refused>(verdict);
        Assert.Contains("choose the data to stream in the portal", verdict!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_server_says_is_one_line()
    {
        var verdict = Refused((int)MqttClientConnectResultCode.ServerBusy, "a\nb\u001b[31m" + new string('x', 5000))!;

        Assert.DoesNotContain(verdict.Reason, char.IsControl);
        Assert.InRange(verdict.Reason.Length, 1, 500);
    }

    [Fact]
    public void Every_word_is_known_and_every_end_has_one()
    {
        Exception?[] failures =
        [
            null, new MqttCommunicationTimedOutException(), new MqttCommunicationException(new SocketException((int)SocketError.HostNotFound)),
            new MqttCommunicationException(new InvalidDataException("x")), new AuthenticationException("x"), new MqttProtocolViolationException("x"),
        ];
        var ends = Enumerable.Range(0, 256).Select(code => Ended(code, "why")).Concat(failures.Select(failure => BmwFailure.Of(failure, "host:1"))).Append(BmwFailure.NewToken);

        var words = ends.Select(end => end.Word).ToHashSet();

        Assert.Equal(BmwFailure.Words.Order(), words.Order());
    }

    [Fact]
    public void Only_what_is_expected_is_no_failure() => Assert.All(
        Enumerable.Range(0, 256).Select(code => Ended(code)),
        verdict => Assert.Equal(verdict is BmwFailure.Expected, verdict.Failure is null));

    private static BmwFailure Ended(int code, string? said = null) =>
        BmwFailure.Of(new MqttClientDisconnectedEventArgs(true, null, (MqttClientDisconnectReason)code, said, [], null), "host:1");

    private static BmwFailure? Refused(int code, string? said = null) =>
        BmwFailure.Of(new MqttClientConnectResult { ResultCode = (MqttClientConnectResultCode)code, ReasonString = said });

    private static MqttClientSubscribeResultItem Answer(string filter, int code) => new(new MqttTopicFilter { Topic = filter }, (MqttClientSubscribeResultCode)code);
}
