using System.Text;
using Exporter.BmwCarData;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class MqttConnectionTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_asks_for_a_clean_session_within_our_limits()
    {
        await using var server = new ScriptedServer();
        var connecting = server.Connect();

        var connect = await server.Hears<MqttConnectPacket>();
        await server.Says(ScriptedServer.ConnAck());
        await using var connection = (await connecting).Connection;

        Assert.NotNull(connection);
        Assert.True(connect is { CleanSession: true, SessionExpiryInterval: 0, TopicAliasMaximum: 0, KeepAlivePeriod: 40, ClientId: "me", Username: "user" });
        Assert.True(connect is { ReceiveMaximum: 4, MaximumPacketSize: 300_000u, RequestProblemInformation: true });
        Assert.Equal("password", Encoding.UTF8.GetString(connect.Password));
    }

    [Theory]
    [InlineData(134, "token_refused", "BadUserNameOrPassword (134), “go away”")]
    [InlineData(135, "token_refused", "NotAuthorized (135), “go away”")]
    [InlineData(137, "server", "ServerBusy (137), “go away”")]
    [InlineData(159, "limited", "ConnectionRateExceeded (159), “go away”")]
    [InlineData(0xEE, "server", "reason code 238, “go away”")]
    public async Task A_refusal_is_told_with_its_code_and_reason(int code, string word, string said)
    {
        await using var server = new ScriptedServer();
        var connecting = server.Connect();
        await server.Hears<MqttConnectPacket>();
        await server.Says(ScriptedServer.ConnAck(code, "go away"));

        var failure = await ScriptedServer.Failure(connecting);

        Assert.Equal(word, failure.Word);
        Assert.Contains($"the server refuses the connection: {said}", failure.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("F0 02 18 00")]
    [InlineData("D0 00")]
    [InlineData("30 07 0003 612F62 00 7A")]
    [InlineData("30 FFFFFF7F")]
    // HTTP/1.1 400 Bad Request with what follows it: its second byte is the length of a packet.
    [InlineData("485454502F312E31203430302042616420526571756573740D0A436F6E74656E742D547970653A20746578742F706C61696E0D0A436F6E6E656374696F6E3A20636C6F73650D0A0D0A34303020426164205265717565")]
    public async Task A_server_that_greets_otherwise_does_not_speak_MQTT_5(string hex)
    {
        await using var server = new ScriptedServer();
        var connecting = server.Connect();
        await server.Hears<MqttConnectPacket>();
        await server.SaysBytes(ScriptedServer.Bytes(hex));

        var failure = await ScriptedServer.Failure(connecting);

        Assert.Equal("protocol", failure.Word);
        Assert.StartsWith("the server does not keep to MQTT 5: [MQTT", failure.Reason, StringComparison.Ordinal);
        await server.HearsNothingMore();
    }

    [Fact]
    public async Task A_server_that_closes_or_is_silent_is_unreachable()
    {
        await using var closing = new ScriptedServer();
        var refused = closing.Connect();
        await closing.Hears<MqttConnectPacket>();
        await closing.Closes();
        Assert.Contains("closed", (await ScriptedServer.Failure(refused)).Reason, StringComparison.Ordinal);

        await using var silent = new ScriptedServer();
        var connecting = silent.Connect();
        await silent.Hears<MqttConnectPacket>();
        silent.Time.Advance(silent.Options.ConnectTimeout);
        var failure = await ScriptedServer.Failure(connecting);
        Assert.Equal("network", failure.Word);
        Assert.Contains("15 s", failure.Reason, StringComparison.Ordinal);
        await silent.HearsNothingMore();
    }

    [Fact]
    public async Task Whoever_asked_may_give_up()
    {
        await using var server = new ScriptedServer();
        using var patience = new CancellationTokenSource();
        var connecting = server.Connect(patience.Token);
        await server.Hears<MqttConnectPacket>();

        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
    }

    [Fact]
    public async Task All_filters_are_asked_for_at_QoS_1_and_granted()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync(["a", "b/+"], Cancellation);

        var subscribe = await server.Hears<MqttSubscribePacket>();
        await server.Says(ScriptedServer.SubAck(subscribe, [0, 1]));

        Assert.Equal(["a 1", "b/+ 1"], subscribe.TopicFilters.Select(filter => $"{filter.Topic} {(int)filter.QualityOfServiceLevel}"));
        Assert.Null(await subscribing);
    }

    [Theory]
    [InlineData(128, "UnspecifiedError (128)")]
    [InlineData(135, "NotAuthorized (135)")]
    [InlineData(143, "TopicFilterInvalid (143)")]
    [InlineData(0xEE, "reason code 238")]
    public async Task One_refused_filter_is_a_refusal(int code, string said)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync(["a", "b"], Cancellation);
        var subscribe = await server.Hears<MqttSubscribePacket>();
        await server.Says(ScriptedServer.SubAck(subscribe, [1, code], "not yours"));

        var refused = Assert.IsType<BmwFailure.Refused>(await subscribing);

        Assert.Contains($"the server refuses the subscription: {said}, “not yours”", refused.Reason, StringComparison.Ordinal);
        Assert.False(connection.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_connection_that_ends_while_subscribing_says_so()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync(["foreign"], Cancellation);
        await server.Hears<MqttSubscribePacket>();

        await server.Says(ScriptedServer.Disconnect(135));

        var verdict = Assert.IsType<BmwFailure.TokenRefused>(await subscribing);
        Assert.Contains("the server ended the connection: NotAuthorized (135)", verdict.Reason, StringComparison.Ordinal);
        Assert.Equal(verdict, await connection.SubscribeAsync(["again"], Cancellation));
    }

    [Fact]
    public async Task A_subscription_without_an_answer_ends_the_connection()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync(["a"], Cancellation);
        await server.Hears<MqttSubscribePacket>();

        server.Time.Advance(server.Options.ResponseTimeout);

        var verdict = Assert.IsType<BmwFailure.Passing>(await subscribing);
        Assert.Contains("does not answer a SUBSCRIBE within 10 s", verdict.Reason, StringComparison.Ordinal);
        Assert.Equal(verdict, await connection.Ended);
    }

    [Theory]
    [InlineData("90 05 0001 00 00 00")] // Two answers to one filter.
    [InlineData("20 03 00 00 00")] // A second CONNACK.
    [InlineData("C0 00")] // A PINGREQ, which only clients send.
    [InlineData("90 01 00")] // A SUBACK that ends in its identifier.
    [InlineData("30 FFFFFF7F")] // A message that announces 256 MB.
    public async Task What_breaks_the_protocol_ends_the_connection(string hex)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync(["a"], Cancellation);
        await server.Hears<MqttSubscribePacket>();

        await server.SaysBytes(ScriptedServer.Bytes(hex));

        var verdict = await connection.Ended;
        Assert.Equal("protocol", verdict.Word);
        Assert.StartsWith("the server does not keep to MQTT 5: [MQTT", verdict.Reason, StringComparison.Ordinal);
        Assert.Equal(verdict, await subscribing);
    }

    [Theory]
    [InlineData(135, "token_refused", "NotAuthorized (135)")]
    [InlineData(139, "server", "ServerShuttingDown (139)")]
    [InlineData(142, "taken_over", "SessionTakenOver (142)")]
    [InlineData(151, "limited", "QuotaExceeded (151)")]
    [InlineData(160, "maximum_connect_time", "long enough")]
    [InlineData(0xEE, "server", "reason code 238, “so it is”")]
    public async Task The_servers_last_word_is_kept(int code, string word, string said)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        await server.Says(ScriptedServer.Disconnect(code, "so it is"));

        var verdict = await connection.Ended;
        Assert.Equal(word, verdict.Word);
        Assert.Contains(said, verdict.Reason, StringComparison.Ordinal);
        Assert.True(verdict is BmwFailure.Expected || verdict.Reason.Contains("“so it is”", StringComparison.Ordinal));
        await server.HearsNothingMore();
    }

    [Fact]
    public async Task A_stream_that_stops_is_a_lost_network_even_within_a_packet()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        await server.SaysBytes(ScriptedServer.Encode(ScriptedServer.Publish("a/b", "hello"))[..^1]);
        await server.Closes();

        Assert.Equal(new BmwFailure.Passing("network", $"{server.Options.Endpoint} closed the connection without a word"), await connection.Ended);
    }

    [Fact]
    public async Task Leaving_says_goodbye()
    {
        await using var server = new ScriptedServer();
        var connection = await server.Accept();

        await connection.DisposeAsync();

        Assert.Equal(MqttDisconnectReasonCode.NormalDisconnection, (await server.Hears<MqttDisconnectPacket>()).ReasonCode);
        await server.HearsNothingMore();
        Assert.Equal(BmwFailure.NewToken, await connection.Ended);
    }
}
