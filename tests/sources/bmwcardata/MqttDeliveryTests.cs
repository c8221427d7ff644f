using System.Text;
using Exporter.BmwCarData;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class MqttDeliveryTests
{
    /// <summary>One packet of each kind that a server sends, with its properties.</summary>
    private static readonly IReadOnlyList<MqttPacket> Samples =
    [
        new MqttConnAckPacket { ReasonString = "no", AssignedClientIdentifier = "auto-1", ServerKeepAlive = 20, MaximumPacketSize = 1000 },
        ScriptedServer.Publish("a/b", "hello"),
        ScriptedServer.Publish("Straße/𪛔", new string('x', 300), 513),
        ScriptedServer.SubAck(new MqttSubscribePacket { PacketIdentifier = 10 }, [ReasonCode.GrantedQoS1, ReasonCode.NotAuthorized], "see there"),
        MqttPingRespPacket.Instance,
        ScriptedServer.Disconnect(ReasonCode.SessionTakenOver, "elsewhere"),
        new MqttPubAckPacket { PacketIdentifier = 65535, ReasonCode = MqttPubAckReasonCode.QuotaExceeded, ReasonString = "full" },
        new MqttAuthPacket { AuthenticationMethod = "m", ReasonString = "more" },
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_is_acknowledged_when_its_reader_asks_for_the_next()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        await using var reader = connection.ReadMessagesAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        await server.Says(Message(1, "one"), Message(2, "two"));

        Assert.True(await reader.MoveNextAsync());
        Assert.Equal(("car/x", "one"), (reader.Current.Topic, Text(reader.Current)));
        // Had the first been acknowledged already, it would be heard before this.
        var subscribing = connection.SubscribeAsync([new("a")], Cancellation);
        var subscribe = await server.Hears<MqttSubscribePacket>();
        await server.Says(ScriptedServer.SubAck(subscribe, [ReasonCode.Success]));
        await subscribing;

        Assert.True(await reader.MoveNextAsync());
        Assert.Equal(1, (await server.Hears<MqttPubAckPacket>()).PacketIdentifier);
        var waiting = reader.MoveNextAsync().AsTask();
        Assert.Equal(2, (await server.Hears<MqttPubAckPacket>()).PacketIdentifier);

        server.Closes();
        Assert.False(await waiting);
    }

    [Fact]
    public async Task Only_messages_of_QoS_1_are_acknowledged()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        await server.Says(Message(0, "zero"), Message(7, "one"), ScriptedServer.Disconnect(ReasonCode.Success));
        await connection.Ended;

        await foreach (var message in connection.ReadMessagesAsync(Cancellation))
        {
            Assert.Equal(Text(message) == "zero" ? MqttQualityOfServiceLevel.AtMostOnce : MqttQualityOfServiceLevel.AtLeastOnce, message.QoS);
        }

        // The server had left before the reader took the second: nobody is told.
        await server.HearsNothingMore();
    }

    [Fact]
    public async Task A_server_that_sends_more_than_it_may_has_to_wait_and_loses_nothing()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var count = 10 * server.Options.ReceiveMaximum;
        await server.Says(Enumerable.Range(1, count).Select(i => Message(i, $"{i}")));
        var read = 0;

        await foreach (var message in connection.ReadMessagesAsync(Cancellation))
        {
            Assert.Equal($"{++read}", Text(message));
            if (read > 1)
            {
                Assert.Equal(read - 1, (await server.Hears<MqttPubAckPacket>()).PacketIdentifier);
            }
            if (read == count)
            {
                break;
            }
        }

        Assert.False(connection.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_slow_reader_keeps_the_network_waiting_and_loses_nothing()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        const int Count = 1000;
        var filling = new string('.', 1000);
        var sending = server.Says(Enumerable.Range(1, Count).Select(i => Message(0, $"{i}{filling}")));
        for (var turn = 0; turn < 1000; turn++)
        {
            await Task.Yield();
        }
        Assert.False(sending.IsCompleted, "a million bytes went somewhere, and nobody has read them");

        var read = 0;
        await foreach (var message in connection.ReadMessagesAsync(Cancellation))
        {
            Assert.Equal($"{++read}{filling}", Text(message));
            if (read == Count)
            {
                break;
            }
        }

        await sending;
        Assert.False(connection.Ended.IsCompleted);
    }

    [Fact]
    public async Task Bytes_may_come_one_by_one()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var sending = Task.Run(async () =>
        {
            MqttPacket[] packets = [Message(1, "dripping"), ScriptedServer.Disconnect(ReasonCode.SessionTakenOver, "enough")];
            foreach (var each in packets.SelectMany(ScriptedServer.Encode))
            {
                await server.SaysBytes([each]);
                await Task.Yield();
            }
        }, Cancellation);

        Assert.Equal(new ConnectionEnd.ByServer(ReasonCode.SessionTakenOver, "enough"), await connection.Ended);
        await sending;
        await foreach (var message in connection.ReadMessagesAsync(Cancellation))
        {
            Assert.Equal("dripping", Text(message));
        }
    }

    [Theory]
    [InlineData("30 8E4E")] // 10,001 bytes in all
    [InlineData("30 FFFFFF7F")] // 256 MB
    public async Task A_packet_over_the_limit_is_refused_before_it_comes(string header)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        // Only the header comes: MQTTnet, which allocates what a header announces, doesn't get to read the end of it.
        await server.SaysBytes(ScriptedServer.Bytes(header));

        Assert.Equal(ReasonCode.PacketTooLarge, Assert.IsType<ConnectionEnd.ProtocolError>(await connection.Ended).Code);
        Assert.Equal(ReasonCode.PacketTooLarge, await server.HearsDisconnect());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Whatever_comes_over_the_network_ends_in_an_outcome(int seed)
    {
        var random = new Random(seed);
        var samples = Samples.Select(ScriptedServer.Encode).ToArray();
        for (var run = 0; run < 300; run++)
        {
            await using var server = new ScriptedServer();
            await using var connection = await server.Accept();
            var bytes = Enumerable.Range(0, 8).SelectMany(_ => samples[random.Next(samples.Length)]).ToArray();
            for (var changes = 0; changes < 4; changes++)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }
            await server.SaysBytes(bytes);
            server.Closes();

            await foreach (var message in connection.ReadMessagesAsync(Cancellation))
            {
                Assert.NotEmpty(message.Topic);
            }

            Assert.False(await connection.Ended is ConnectionEnd.ByUs or ConnectionEnd.KeepAliveTimeout);
        }
    }

    private static MqttPublishPacket Message(int identifier, string text) => ScriptedServer.Publish("car/x", text, identifier);

    private static string Text(MqttMessage message) => Encoding.UTF8.GetString(message.Payload.Span);
}
