using System.Text;
using Exporter.Accounts;
using Exporter.BmwCarData;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class MqttConnectionTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_requests_a_clean_session_with_limits()
    {
        await using var server = new ScriptedServer();
        var connecting = server.Connect();

        var connect = await server.Receive<MqttConnectPacket>();
        await server.Send(ScriptedServer.ConnAck());
        await using var connection = (await connecting).Connection;

        Assert.NotNull(connection);
        Assert.True(connect is { CleanSession: true, SessionExpiryInterval: 0, TopicAliasMaximum: 0, KeepAlivePeriod: 40 });
        Assert.True(connect is { ClientId: "me", Username: "user" });
        Assert.True(connect is { ReceiveMaximum: 4, MaximumPacketSize: 300_000u, RequestProblemInformation: true });
        Assert.Equal("password", Encoding.UTF8.GetString(connect.Password));
    }

    [Theory]
    [InlineData(134, "token_refused", "BadUserNameOrPassword (134), “go away”")]
    [InlineData(135, "token_refused", "NotAuthorized (135), “go away”")]
    [InlineData(137, "server", "ServerBusy (137), “go away”")]
    [InlineData(159, "limited", "ConnectionRateExceeded (159), “go away”")]
    [InlineData(0xEE, "server", "reason code 238, “go away”")]
    public async Task A_rejection_is_reported_with_its_code_and_reason(int code, string label, string text)
    {
        await using var server = new ScriptedServer();
        var connecting = server.Connect();
        await server.Receive<MqttConnectPacket>();
        await server.Send(ScriptedServer.ConnAck(code, "go away"));

        var failure = await ScriptedServer.Failure(connecting);

        Assert.Equal(label, failure.Label);
        Assert.Contains($"the server rejected the connection: {text}", failure.Failure!.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("F0 02 18 00")]
    [InlineData("D0 00")]
    [InlineData("30 07 0003 612F62 00 7A")]
    [InlineData("30 FFFFFF7F")]
    // HTTP/1.1 400 Bad Request with its headers: the second byte is read as the length of a packet.
    [InlineData("485454502F312E31203430302042616420526571756573740D0A436F6E74656E742D547970653A20746578742F706C61696E0D0A"
        + "436F6E6E656374696F6E3A20636C6F73650D0A0D0A34303020426164205265717565")]
    public async Task A_server_without_a_CONNACK_violates_MQTT_5(string hex)
    {
        await using var server = new ScriptedServer();
        var connecting = server.Connect();
        await server.Receive<MqttConnectPacket>();
        await server.SendBytes(ScriptedServer.Bytes(hex));

        var failure = await ScriptedServer.Failure(connecting);

        Assert.Equal("protocol", failure.Label);
        Assert.StartsWith("the server violates MQTT 5: [MQTT", failure.Failure!.Reason, StringComparison.Ordinal);
        await server.ReceiveNothingMore();
    }

    [Fact]
    public async Task A_server_that_closes_or_does_not_respond_is_a_network_error()
    {
        await using var closing = new ScriptedServer();
        var refused = closing.Connect();
        await closing.Receive<MqttConnectPacket>();
        await closing.Close();
        Assert.Contains("closed", (await ScriptedServer.Failure(refused)).Failure!.Reason, StringComparison.Ordinal);

        await using var silent = new ScriptedServer();
        var connecting = silent.Connect();
        await silent.Receive<MqttConnectPacket>();
        silent.Time.Advance(silent.Options.ConnectTimeout);
        var failure = await ScriptedServer.Failure(connecting);
        Assert.Equal("network", failure.Label);
        Assert.Contains("15 s", failure.Failure!.Reason, StringComparison.Ordinal);
        await silent.ReceiveNothingMore();
    }

    [Fact]
    public async Task A_connect_can_be_canceled()
    {
        await using var server = new ScriptedServer();
        using var canceled = new CancellationTokenSource();
        var connecting = server.Connect(canceled.Token);
        await server.Receive<MqttConnectPacket>();

        await canceled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
    }

    [Fact]
    public async Task All_filters_are_subscribed_at_QoS_1()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync(["a", "b/+"], Cancellation);

        var subscribe = await server.Receive<MqttSubscribePacket>();
        await server.Send(ScriptedServer.SubAck(subscribe, [0, 1]));

        Assert.Equal(["a 1", "b/+ 1"], subscribe.TopicFilters.Select(filter => $"{filter.Topic} {(int)filter.QualityOfServiceLevel}"));
        Assert.Null(await subscribing);
    }

    [Theory]
    [InlineData(128, "UnspecifiedError (128)")]
    [InlineData(135, "NotAuthorized (135)")]
    [InlineData(143, "TopicFilterInvalid (143)")]
    [InlineData(0xEE, "reason code 238")]
    public async Task One_rejected_filter_rejects_the_subscription(int code, string text)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync(["a", "b"], Cancellation);
        var subscribe = await server.Receive<MqttSubscribePacket>();
        await server.Send(ScriptedServer.SubAck(subscribe, [1, code], "not yours"));

        var refused = Assert.IsType<ApiFailure.Rejected>((await subscribing)?.Failure);

        Assert.Contains($"the server rejected the subscription: {text}, “not yours”", refused.Reason, StringComparison.Ordinal);
        Assert.False(connection.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_connection_that_ends_while_subscribing_returns_the_reason()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync(["foreign"], Cancellation);
        await server.Receive<MqttSubscribePacket>();

        await server.Send(ScriptedServer.Disconnect(135));

        var end = await subscribing;
        var rejected = Assert.IsType<ApiFailure.TokenRefused>(end?.Failure);
        Assert.Contains("the server closed the connection: NotAuthorized (135)", rejected.Reason, StringComparison.Ordinal);
        Assert.Equal(end, await connection.SubscribeAsync(["again"], Cancellation));
    }

    [Fact]
    public async Task A_subscription_without_a_response_closes_the_connection()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync(["a"], Cancellation);
        await server.Receive<MqttSubscribePacket>();

        server.Time.Advance(server.Options.ResponseTimeout);

        var end = await subscribing;
        var failure = Assert.IsType<ApiFailure.Unavailable>(end?.Failure);
        Assert.Contains("did not respond to SUBSCRIBE within 10 s", failure.Reason, StringComparison.Ordinal);
        Assert.Equal(end, await connection.Ended);
    }

    [Theory]
    [InlineData("90 05 0001 00 00 00")] // Two reason codes for one filter.
    [InlineData("20 03 00 00 00")] // A second CONNACK.
    [InlineData("C0 00")] // A PINGREQ, which only clients send.
    [InlineData("90 01 00")] // A SUBACK that is too short.
    [InlineData("30 FFFFFF7F")] // A message that announces 256 MB.
    public async Task A_protocol_violation_closes_the_connection(string hex)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync(["a"], Cancellation);
        await server.Receive<MqttSubscribePacket>();

        await server.SendBytes(ScriptedServer.Bytes(hex));

        var end = await connection.Ended;
        Assert.Equal("protocol", end.Label);
        Assert.StartsWith("the server violates MQTT 5: [MQTT", end.Failure!.Reason, StringComparison.Ordinal);
        Assert.Equal(end, await subscribing);
    }

    [Theory]
    [InlineData(135, "token_refused", "NotAuthorized (135)")]
    [InlineData(139, "server", "ServerShuttingDown (139)")]
    [InlineData(142, "taken_over", "SessionTakenOver (142)")]
    [InlineData(151, "limited", "QuotaExceeded (151)")]
    [InlineData(160, "maximum_connect_time", null)]
    [InlineData(0xEE, "server", "reason code 238, “so it is”")]
    public async Task The_reason_of_the_server_is_returned(int code, string label, string? text)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        await server.Send(ScriptedServer.Disconnect(code, "so it is"));

        var end = await connection.Ended;
        Assert.Equal(label, end.Label);
        Assert.Equal(text is null, end.Failure is null);
        Assert.Contains(text ?? "", end.Failure?.Reason ?? "", StringComparison.Ordinal);
        Assert.True(end.Failure is null || end.Failure.Reason.Contains("“so it is”", StringComparison.Ordinal));
        await server.ReceiveNothingMore();
    }

    [Fact]
    public async Task A_connection_that_closes_within_a_packet_is_a_network_error()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        await server.SendBytes(ScriptedServer.Encode(ScriptedServer.Publish("a/b", "hello"))[..^1]);
        await server.Close();

        Assert.Equal(ConnectionEnd.Network($"{server.Options.Endpoint} closed the connection without a reason"), await connection.Ended);
    }

    [Fact]
    public async Task Dispose_sends_DISCONNECT()
    {
        await using var server = new ScriptedServer();
        var connection = await server.Accept();

        await connection.DisposeAsync();

        Assert.Equal(MqttDisconnectReasonCode.NormalDisconnection, (await server.Receive<MqttDisconnectPacket>()).ReasonCode);
        await server.ReceiveNothingMore();
        Assert.Equal(ConnectionEnd.NewToken, await connection.Ended);
    }
}
