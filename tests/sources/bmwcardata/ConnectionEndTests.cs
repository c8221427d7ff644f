using System.Net.Sockets;
using System.Security.Authentication;
using Exporter.Accounts;
using Exporter.BmwCarData;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Packets;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class ConnectionEndTests
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
    public void A_reason_code_has_one_label(int code, string label)
    {
        Assert.Equal(label, Disconnected(code).Label);
        Assert.Equal(label, Connect(code)?.Label);
    }

    [Theory]
    [InlineData(128)]
    [InlineData(135)]
    [InlineData(162)]
    public void A_rejected_subscription_needs_a_fix_by_the_user(int code)
    {
        var end = ConnectionEnd.Of(new MqttClientSubscribeResult(1,
            [Item("a", (int)MqttClientSubscribeResultCode.GrantedQoS1), Item("b", code)], null, []));

        var rejected = Assert.IsType<ApiFailure.Rejected>(end!.Failure);
        Assert.Equal("refused", end.Label);
        Assert.Contains("select the data to stream in the portal", rejected.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_reason_of_a_server_is_one_line()
    {
        var end = Connect((int)MqttClientConnectResultCode.ServerBusy, "a\nb\u001b[31m" + new string('x', 5000))!;

        Assert.DoesNotContain(end.Failure!.Reason, char.IsControl);
        Assert.InRange(end.Failure.Reason.Length, 1, 500);
    }

    [Fact]
    public void Every_end_has_a_known_label()
    {
        Exception?[] failures =
        [
            null, new MqttCommunicationTimedOutException(), new MqttCommunicationException(new SocketException((int)SocketError.HostNotFound)),
            new MqttCommunicationException(new InvalidDataException("x")), new AuthenticationException("x"), new MqttProtocolViolationException("x"),
        ];
        var ends = Enumerable.Range(0, 256).Select(code => Disconnected(code, "why"))
            .Concat(failures.Select(failure => ConnectionEnd.Of(failure, "host:1"))).Append(ConnectionEnd.NewToken);

        var labels = ends.Select(end => end.Label).ToHashSet();

        Assert.Equal(ConnectionEnd.Labels.Order(), labels.Order());
    }

    [Fact]
    public void Only_an_expected_end_is_not_a_failure() => Assert.All(
        Enumerable.Range(0, 256).Select(code => Disconnected(code)),
        end => Assert.Equal(end.Label == "maximum_connect_time", end.Failure is null));

    private static ConnectionEnd Disconnected(int code, string? reason = null) =>
        ConnectionEnd.Of(new MqttClientDisconnectedEventArgs(true, null, (MqttClientDisconnectReason)code, reason, [], null), "host:1");

    private static ConnectionEnd? Connect(int code, string? reason = null) =>
        ConnectionEnd.Of(new MqttClientConnectResult { ResultCode = (MqttClientConnectResultCode)code, ReasonString = reason });

    private static MqttClientSubscribeResultItem Item(string filter, int code) =>
        new(new MqttTopicFilter { Topic = filter }, (MqttClientSubscribeResultCode)code);
}
