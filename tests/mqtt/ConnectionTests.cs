using System.Text;
using Exporter.Mqtt;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Mqtt;

public class ConnectionTests
{
    private static readonly Packet.Publish Hello = new(new("a/b", "hello"u8.ToArray(), QoS.AtMostOnce), 0);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_asks_for_a_clean_session_within_our_limits()
    {
        var given = 0;
        await using var server = new ScriptedServer
        {
            Options = new()
            {
                Host = "memory",
                Port = 1,
                UserName = "user",
                Password = () => Encoding.UTF8.GetBytes($"password {++given}"),
                ReceiveMaximum = 7,
                MaximumPacketSize = 5000,
            },
        };
        var connecting = server.Connect();

        var connect = await server.Hears<Packet.Connect>();
        await server.Says(new Packet.ConnAck(false, ReasonCode.Success)
        {
            AssignedClientIdentifier = "auto-1",
            ReasonString = "welcome",
            MaximumQoS = QoS.AtMostOnce,
            MaximumPacketSize = 2000,
            WildcardSubscriptionAvailable = false,
        });
        await using var connection = Assert.IsType<ConnectOutcome.Accepted>(await connecting).Connection;

        Assert.True(connect is { CleanStart: true, SessionExpiryInterval: 0, TopicAliasMaximum: 0, KeepAlive: 30, UserName: "user" });
        Assert.True(connect is { ReceiveMaximum: 7, MaximumPacketSize: 5000u });
        Assert.Equal("password 1", Encoding.UTF8.GetString(connect.Password!.Value.Span));
        Assert.Equal(new MqttSession("auto-1", TimeSpan.FromSeconds(30), QoS.AtMostOnce, 2000, false, "welcome"), connection.Session);
    }

    [Theory]
    [InlineData(ReasonCode.BadUserNameOrPassword)]
    [InlineData(ReasonCode.NotAuthorized)]
    [InlineData(ReasonCode.ServerBusy)]
    [InlineData(ReasonCode.ConnectionRateExceeded)]
    [InlineData((ReasonCode)0xEE)]
    public async Task A_refusal_is_told_with_its_code_and_reason(ReasonCode code)
    {
        await using var server = new ScriptedServer();
        var connecting = server.Connect();
        await server.Says(new Packet.ConnAck(false, code) { ReasonString = "go away" });

        var refused = Assert.IsType<ConnectOutcome.Refused>(await connecting);

        Assert.Equal((code, "go away"), (refused.Code, refused.ReasonString));
        Assert.Contains($"{(int)code}", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disconnect_in_place_of_an_acknowledgement_is_a_refusal()
    {
        await using var server = new ScriptedServer();
        var connecting = server.Connect();
        await server.Says(new Packet.Disconnect(ReasonCode.ConnectionRateExceeded));

        Assert.Equal(ReasonCode.ConnectionRateExceeded, Assert.IsType<ConnectOutcome.Refused>(await connecting).Code);
    }

    [Theory]
    [InlineData("20 03 01 00 00", "MQTT-3.2.2-2")]
    [InlineData("20 03 00 01 00", "MQTT-3.2.2-8")]
    [InlineData("20 07 00 00 04 15 0001 6D", "MQTT-4.12.0-6")]
    [InlineData("F0 02 18 00", "MQTT-4.12.0-6")]
    [InlineData("D0 00", "MQTT-3.2.0-1")]
    [InlineData("30 07 0003 612F62 00 7A", "MQTT-3.2.0-1")]
    [InlineData("20 02 00 01", "2.1.4")]
    [InlineData("485454502F312E3120343030", "MQTT-2.1.3-1")] // HTTP/1.1 400
    public async Task A_server_that_greets_otherwise_does_not_speak_MQTT_5(string hex, string clause)
    {
        await using var server = new ScriptedServer();
        var connecting = server.Connect();
        await server.Hears<Packet.Connect>();
        await server.SaysBytes(Packets.Bytes(hex));

        Assert.Contains(clause, Assert.IsType<ConnectOutcome.Unreachable>(await connecting).Reason, StringComparison.Ordinal);
        Assert.True((await server.Hears<Packet.Disconnect>()).Code.IsFailure());
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
        await silent.Hears<Packet.Connect>();
        silent.Time.Advance(silent.Options.ConnectTimeout);
        Assert.Contains("15 s", Assert.IsType<ConnectOutcome.Unreachable>(await connecting).Reason, StringComparison.Ordinal);
        await silent.Hears<Packet.Disconnect>();
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
        var subscribing = connection.SubscribeAsync([new("a"), new("b/+"), new("c", QoS.AtMostOnce)], Cancellation);

        var subscribe = await server.Hears<Packet.Subscribe>();
        await server.Says(new Packet.SubAck(subscribe.Identifier, [ReasonCode.Success, ReasonCode.GrantedQoS1, ReasonCode.Success]));

        Assert.Equal([new("a"), new("b/+"), new("c", QoS.AtMostOnce)], subscribe.Subscriptions);
        Assert.Equal([new("a", ReasonCode.Success), new("b/+", ReasonCode.GrantedQoS1), new("c", ReasonCode.Success)],
            Assert.IsType<SubscribeOutcome.Granted>(await subscribing).Answers);
    }

    [Theory]
    [InlineData(ReasonCode.UnspecifiedError)]
    [InlineData(ReasonCode.NotAuthorized)]
    [InlineData(ReasonCode.TopicFilterInvalid)]
    [InlineData(ReasonCode.QuotaExceeded)]
    [InlineData((ReasonCode)0xEE)]
    public async Task One_refused_filter_is_a_refusal(ReasonCode code)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync([new("a"), new("b")], Cancellation);
        var subscribe = await server.Hears<Packet.Subscribe>();
        await server.Says(new Packet.SubAck(subscribe.Identifier, [ReasonCode.GrantedQoS1, code], "not yours"));

        var refused = Assert.IsType<SubscribeOutcome.Refused>(await subscribing);

        Assert.Equal([new("a", ReasonCode.GrantedQoS1), new("b", code)], refused.Answers);
        Assert.Equal($"the server refuses the subscription: {code.Say()}, “not yours”", refused.Reason);
        Assert.False(connection.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_subscription_that_the_server_cannot_take_is_not_sent()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept(new(false, ReasonCode.Success) { WildcardSubscriptionAvailable = false, MaximumPacketSize = 20 });

        var wildcard = await connection.SubscribeAsync([new("a/+")], Cancellation);
        var large = await connection.SubscribeAsync([new(new string('a', 20))], Cancellation);

        Assert.Equal(ReasonCode.WildcardSubscriptionsNotSupported, Assert.IsType<SubscribeOutcome.Refused>(wildcard).Answers[0].Code);
        Assert.Equal(ReasonCode.PacketTooLarge, Assert.IsType<SubscribeOutcome.Refused>(large).Answers[0].Code);
        await connection.DisposeAsync();
        await server.Hears<Packet.Disconnect>();
    }

    [Fact]
    public async Task A_connection_that_ends_while_subscribing_says_so()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync([new("foreign")], Cancellation);
        await server.Hears<Packet.Subscribe>();

        await server.Says(new Packet.Disconnect(ReasonCode.NotAuthorized));

        Assert.Equal(new ConnectionEnd.ByServer(ReasonCode.NotAuthorized, null), Assert.IsType<SubscribeOutcome.Ended>(await subscribing).End);
        Assert.IsType<SubscribeOutcome.Ended>(await connection.SubscribeAsync([new("again")], Cancellation));
    }

    [Fact]
    public async Task A_subscription_without_an_answer_ends_the_connection()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync([new("a")], Cancellation);
        await server.Hears<Packet.Subscribe>();

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
        var first = await server.Hears<Packet.Subscribe>();
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);

        var subscribing = connection.SubscribeAsync([new("b")], Cancellation);
        var second = await server.Hears<Packet.Subscribe>();
        await server.Says(new Packet.SubAck(first.Identifier, [ReasonCode.Success]), new Packet.SubAck(second.Identifier, [ReasonCode.GrantedQoS1]));

        Assert.IsType<SubscribeOutcome.Granted>(await subscribing);
    }

    [Theory]
    [InlineData("90 04 0063 00 00", "MQTT-3.8.4-2")]
    [InlineData("90 05 0001 00 00 00", "MQTT-3.8.4-6")]
    [InlineData("90 04 0001 00 02", "3.8.4")]
    [InlineData("20 03 00 00 00", "MQTT-3.2.0-2")]
    [InlineData("F0 00", "MQTT-4.12.0-6")]
    [InlineData("C0 00", "2.1.2")]
    [InlineData("40 02 0001", "2.1.2")]
    [InlineData("62 02 0001", "QoS 2")]
    [InlineData("34 08 0003 612F62 0001 00", "MQTT-3.8.4-8")]
    [InlineData("30 FFFFFF7F", "MQTT-3.1.2-24")]
    [InlineData("D0 01 00", "2.1.4")]
    public async Task What_breaks_the_protocol_is_answered_by_its_code_and_ends_the_connection(string hex, string clause)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var subscribing = connection.SubscribeAsync([new("a")], Cancellation);
        await server.Hears<Packet.Subscribe>();

        await server.SaysBytes(Packets.Bytes(hex));

        var end = Assert.IsType<ConnectionEnd.ProtocolError>(await connection.Ended);
        Assert.Contains(clause, end.Clause, StringComparison.Ordinal);
        Assert.Equal(end.Code, (await server.Hears<Packet.Disconnect>()).Code);
        await server.HearsNothingMore();
        Assert.Equal(end, Assert.IsType<SubscribeOutcome.Ended>(await subscribing).End);
    }

    [Theory]
    [InlineData(ReasonCode.Success)]
    [InlineData(ReasonCode.NotAuthorized)]
    [InlineData(ReasonCode.ServerShuttingDown)]
    [InlineData(ReasonCode.KeepAliveTimeout)]
    [InlineData(ReasonCode.SessionTakenOver)]
    [InlineData(ReasonCode.QuotaExceeded)]
    [InlineData(ReasonCode.MaximumConnectTime)]
    [InlineData((ReasonCode)0xEE)]
    public async Task The_servers_last_word_is_kept(ReasonCode code)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        await server.Says(Hello, new Packet.Disconnect(code, "so it is"));

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
        await server.Says(new Packet.Publish(Hello.Message with { QoS = QoS.AtLeastOnce }, 1), Hello);

        await using var reader = connection.ReadMessagesAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await reader.MoveNextAsync());
        // The first is acknowledged to nobody.
        Assert.True(await reader.MoveNextAsync());

        await server.Says(new Packet.Disconnect(ReasonCode.SessionTakenOver));
        Assert.Equal(new ConnectionEnd.ByServer(ReasonCode.SessionTakenOver, null), await connection.Ended);
    }

    [Fact]
    public async Task A_stream_that_stops_is_a_lost_network_even_within_a_packet()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        await server.SaysBytes(Packets.Encode(Hello)[..^1]);
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

        Assert.Equal(ReasonCode.Success, (await server.Hears<Packet.Disconnect>()).Code);
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
