using System.Text;
using Exporter.BmwCarData;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class MqttConnectionTests
{
    private static readonly MqttPublishPacket Hello = ScriptedServer.Publish("a/b", "hello");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_asks_for_a_clean_session_within_our_limits()
    {
        await using var server = new ScriptedServer
        {
            Options = new()
            {
                Host = "memory",
                Port = 1,
                UserName = "user",
                Password = "password"u8.ToArray(),
                ReceiveMaximum = 7,
                MaximumPacketSize = 5000,
            },
        };
        var connecting = server.Connect();

        var connect = await server.Hears<MqttConnectPacket>();
        await server.Says(new MqttConnAckPacket
        {
            AssignedClientIdentifier = "auto-1",
            ReasonString = "welcome",
            MaximumQoS = MqttQualityOfServiceLevel.AtMostOnce,
            MaximumPacketSize = 2000,
            WildcardSubscriptionAvailable = false,
        });
        await using var connection = Assert.IsType<ConnectOutcome.Accepted>(await connecting).Connection;

        Assert.True(connect is { CleanSession: true, SessionExpiryInterval: 0, TopicAliasMaximum: 0, KeepAlivePeriod: 30, Username: "user" });
        Assert.True(connect is { ReceiveMaximum: 7, MaximumPacketSize: 5000u });
        Assert.Equal("password", Encoding.UTF8.GetString(connect.Password));
        Assert.Equal(new MqttSession("auto-1", TimeSpan.FromSeconds(30), 2000, false), connection.Session);
    }

    [Theory]
    [InlineData((int)ReasonCode.BadUserNameOrPassword)]
    [InlineData((int)ReasonCode.NotAuthorized)]
    [InlineData((int)ReasonCode.ServerBusy)]
    [InlineData((int)ReasonCode.ConnectionRateExceeded)]
    [InlineData(0xEE)]
    public async Task A_refusal_is_told_with_its_code_and_reason(int number)
    {
        var code = (ReasonCode)number;
        await using var server = new ScriptedServer();
        var connecting = server.Connect();
        await server.Says(new MqttConnAckPacket { ReasonCode = (MqttConnectReasonCode)code, ReasonString = "go away" });

        var refused = Assert.IsType<ConnectOutcome.Refused>(await connecting);

        Assert.Equal((code, "go away"), (refused.Code, refused.ReasonString));
        Assert.Contains($"{number}", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disconnect_in_place_of_an_acknowledgement_is_a_refusal()
    {
        await using var server = new ScriptedServer();
        var connecting = server.Connect();
        await server.Says(ScriptedServer.Disconnect(ReasonCode.ConnectionRateExceeded));

        Assert.Equal(ReasonCode.ConnectionRateExceeded, Assert.IsType<ConnectOutcome.Refused>(await connecting).Code);
    }

    [Theory]
    [InlineData("20 03 01 00 00", "MQTT-3.2.2-2")]
    [InlineData("20 03 00 01 00", "MQTT-3.2.2-8")]
    [InlineData("20 07 00 00 04 15 0001 6D", "MQTT-4.12.0-6")]
    [InlineData("F0 02 18 00", "MQTT-3.2.0-1")]
    [InlineData("D0 00", "MQTT-3.2.0-1")]
    [InlineData("30 07 0003 612F62 00 7A", "MQTT-3.2.0-1")]
    [InlineData("20 02 00 01", "4.13")]
    // HTTP/1.1 400 Bad Request with what follows it: its second byte is the length of a packet.
    [InlineData("485454502F312E31203430302042616420526571756573740D0A436F6E74656E742D547970653A20746578742F706C61696E0D0A436F6E6E656374696F6E3A20636C6F73650D0A0D0A34303020426164205265717565", "MQTT")]
    public async Task A_server_that_greets_otherwise_does_not_speak_MQTT_5(string hex, string clause)
    {
        await using var server = new ScriptedServer();
        var connecting = server.Connect();
        await server.Hears<MqttConnectPacket>();
        await server.SaysBytes(ScriptedServer.Bytes(hex));

        Assert.Contains(clause, Assert.IsType<ConnectOutcome.Unreachable>(await connecting).Reason, StringComparison.Ordinal);
        Assert.True((await server.HearsDisconnect()).IsFailure());
        await server.HearsNothingMore();
    }

    [Fact]
    public async Task A_server_that_closes_or_is_silent_is_unreachable()
    {
        await using var closing = new ScriptedServer();
        closing.Closes();
        Assert.Contains("closed", Assert.IsType<ConnectOutcome.Unreachable>(await closing.Connect()).Reason, StringComparison.Ordinal);

        await using var silent = new ScriptedServer();
        var connecting = silent.Connect();
        await silent.Hears<MqttConnectPacket>();
        silent.Time.Advance(silent.Options.ConnectTimeout);
        Assert.Contains("15 s", Assert.IsType<ConnectOutcome.Unreachable>(await connecting).Reason, StringComparison.Ordinal);
        await silent.Hears<MqttDisconnectPacket>();
        await silent.HearsNothingMore();
    }

    [Fact]
    public async Task Whoever_asked_may_give_up()
    {
        using var patience = new CancellationTokenSource();
        var connecting = MqttConnection.ConnectAsync(
            async cancellation =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
                return Stream.Null;
            },
            new() { Host = "memory", Port = 1 }, TimeProvider.System, NullLogger.Instance, patience.Token);

        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
    }

    [Fact]
    public async Task Every_filter_has_its_answer()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync([new("a"), new("b/+"), new("c", MqttQualityOfServiceLevel.AtMostOnce)], Cancellation);

        var subscribe = await server.Hears<MqttSubscribePacket>();
        await server.Says(ScriptedServer.SubAck(subscribe, [ReasonCode.Success, ReasonCode.GrantedQoS1, ReasonCode.Success]));

        Assert.Equal(["a 1", "b/+ 1", "c 0"], subscribe.TopicFilters.Select(filter => $"{filter.Topic} {(int)filter.QualityOfServiceLevel}"));
        Assert.Equal([new("a", ReasonCode.Success), new("b/+", ReasonCode.GrantedQoS1), new("c", ReasonCode.Success)],
            Assert.IsType<SubscribeOutcome.Granted>(await subscribing).Answers);
    }

    [Theory]
    [InlineData((int)ReasonCode.UnspecifiedError)]
    [InlineData((int)ReasonCode.NotAuthorized)]
    [InlineData((int)ReasonCode.TopicFilterInvalid)]
    [InlineData((int)ReasonCode.QuotaExceeded)]
    [InlineData(0xEE)]
    public async Task One_refused_filter_is_a_refusal(int number)
    {
        var code = (ReasonCode)number;
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync([new("a"), new("b")], Cancellation);
        var subscribe = await server.Hears<MqttSubscribePacket>();
        await server.Says(ScriptedServer.SubAck(subscribe, [ReasonCode.GrantedQoS1, code], "not yours"));

        var refused = Assert.IsType<SubscribeOutcome.Refused>(await subscribing);

        Assert.Equal([new("a", ReasonCode.GrantedQoS1), new("b", code)], refused.Answers);
        Assert.Equal($"the server refuses the subscription: {code.Say()}, “not yours”", refused.Reason);
        Assert.False(connection.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_subscription_that_the_server_cannot_take_is_not_sent()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept(new MqttConnAckPacket { WildcardSubscriptionAvailable = false, MaximumPacketSize = 20 });

        var wildcard = await connection.SubscribeAsync([new("a/+")], Cancellation);
        var large = await connection.SubscribeAsync([new(new string('a', 20))], Cancellation);

        Assert.Equal(ReasonCode.WildcardSubscriptionsNotSupported, Assert.IsType<SubscribeOutcome.Refused>(wildcard).Answers[0].Code);
        Assert.Equal(ReasonCode.PacketTooLarge, Assert.IsType<SubscribeOutcome.Refused>(large).Answers[0].Code);
        await connection.DisposeAsync();
        await server.Hears<MqttDisconnectPacket>();
    }

    [Fact]
    public async Task A_connection_that_ends_while_subscribing_says_so()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync([new("foreign")], Cancellation);
        await server.Hears<MqttSubscribePacket>();

        await server.Says(ScriptedServer.Disconnect(ReasonCode.NotAuthorized));

        Assert.Equal(new ConnectionEnd.ByServer(ReasonCode.NotAuthorized, null), Assert.IsType<SubscribeOutcome.Ended>(await subscribing).End);
        Assert.IsType<SubscribeOutcome.Ended>(await connection.SubscribeAsync([new("again")], Cancellation));
    }

    [Fact]
    public async Task A_subscription_without_an_answer_ends_the_connection()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync([new("a")], Cancellation);
        await server.Hears<MqttSubscribePacket>();

        await server.Time.AdvanceUntilAsync(() => subscribing.IsCompleted, TimeSpan.FromMinutes(2));

        var end = Assert.IsType<SubscribeOutcome.Ended>(await subscribing).End;
        Assert.Contains("SUBSCRIBE", Assert.IsType<ConnectionEnd.NetworkLost>(end).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_to_a_subscription_that_was_given_up_harms_nobody()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        using var patience = new CancellationTokenSource();
        var given = connection.SubscribeAsync([new("a")], patience.Token);
        var first = await server.Hears<MqttSubscribePacket>();
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);

        var subscribing = connection.SubscribeAsync([new("b")], Cancellation);
        var second = await server.Hears<MqttSubscribePacket>();
        await server.Says(ScriptedServer.SubAck(first, [ReasonCode.Success]), ScriptedServer.SubAck(second, [ReasonCode.GrantedQoS1]));

        Assert.IsType<SubscribeOutcome.Granted>(await subscribing);
    }

    [Theory]
    [InlineData("90 04 0063 00 00", "MQTT-3.8.4-2")]
    [InlineData("90 05 0001 00 00 00", "MQTT-3.8.4-6")]
    [InlineData("90 04 0001 00 02", "MQTT-3.8.4")]
    [InlineData("20 03 00 00 00", "MQTT-3.2.0-2")]
    [InlineData("F0 00", "2.1.2")]
    [InlineData("C0 00", "2.1.2")]
    [InlineData("40 02 0001", "2.1.2")]
    [InlineData("62 02 0001", "2.1.2")]
    [InlineData("34 08 0003 612F62 0001 00", "MQTT-3.8.4-8")]
    [InlineData("30 FFFFFF7F", "MQTT-3.1.2-24")]
    [InlineData("D0 01 00", "2.1.4")]
    public async Task What_breaks_the_protocol_is_answered_by_its_code_and_ends_the_connection(string hex, string clause)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync([new("a")], Cancellation);
        await server.Hears<MqttSubscribePacket>();

        await server.SaysBytes(ScriptedServer.Bytes(hex));

        var end = Assert.IsType<ConnectionEnd.ProtocolError>(await connection.Ended);
        Assert.Contains(clause, end.Clause, StringComparison.Ordinal);
        Assert.Equal(end.Code, await server.HearsDisconnect());
        await server.HearsNothingMore();
        Assert.Equal(end, Assert.IsType<SubscribeOutcome.Ended>(await subscribing).End);
    }

    [Theory]
    [InlineData((int)ReasonCode.Success)]
    [InlineData((int)ReasonCode.NotAuthorized)]
    [InlineData((int)ReasonCode.ServerShuttingDown)]
    [InlineData((int)ReasonCode.KeepAliveTimeout)]
    [InlineData((int)ReasonCode.SessionTakenOver)]
    [InlineData((int)ReasonCode.QuotaExceeded)]
    [InlineData((int)ReasonCode.MaximumConnectTime)]
    [InlineData(0xEE)]
    public async Task The_servers_last_word_is_kept(int number)
    {
        var code = (ReasonCode)number;
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        await server.Says(Hello, ScriptedServer.Disconnect(code, "so it is"));

        Assert.Equal(new ConnectionEnd.ByServer(code, "so it is"), await connection.Ended);
        Assert.Equal(["hello"], await Texts(connection));
        await server.HearsNothingMore();
    }

    [Fact]
    public async Task The_servers_last_word_is_heard_though_it_no_longer_listens()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        server.StopsListening();
        await server.Says(ScriptedServer.Publish("a/b", "hello", 1), Hello);

        await using var reader = connection.ReadMessagesAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await reader.MoveNextAsync());
        // The first is acknowledged to nobody.
        Assert.True(await reader.MoveNextAsync());

        await server.Says(ScriptedServer.Disconnect(ReasonCode.SessionTakenOver));
        Assert.Equal(new ConnectionEnd.ByServer(ReasonCode.SessionTakenOver, null), await connection.Ended);
    }

    [Fact]
    public async Task A_stream_that_stops_is_a_lost_network_even_within_a_packet()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        await server.SaysBytes(ScriptedServer.Encode(Hello)[..^1]);
        server.Closes();

        Assert.Contains("without a word", Assert.IsType<ConnectionEnd.NetworkLost>(await connection.Ended).Reason, StringComparison.Ordinal);
        Assert.Empty(await Texts(connection));
    }

    [Fact]
    public async Task Leaving_says_goodbye_once()
    {
        await using var server = new ScriptedServer();
        var connection = await server.Accept();

        await Task.WhenAll(connection.DisposeAsync().AsTask(), connection.DisposeAsync().AsTask());

        Assert.Equal(ReasonCode.Success, await server.HearsDisconnect());
        await server.HearsNothingMore();
        Assert.Equal(new ConnectionEnd.ByUs(), await connection.Ended);
    }

    private static async Task<List<string>> Texts(MqttConnection connection)
    {
        var texts = new List<string>();
        await foreach (var message in connection.ReadMessagesAsync(Cancellation))
        {
            texts.Add(Encoding.UTF8.GetString(message.Payload.Span));
        }
        return texts;
    }
}
