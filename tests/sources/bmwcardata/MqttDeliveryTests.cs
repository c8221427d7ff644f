using Exporter.BmwCarData;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using Xunit;

namespace Exporter.Tests.BmwCarData;

public class MqttDeliveryTests
{
    /// <summary>One packet of each type that a server sends, with its properties.</summary>
    private static readonly IReadOnlyList<MqttPacket> Samples =
    [
        new MqttConnAckPacket { ReasonString = "no", AssignedClientIdentifier = "auto-1", ServerKeepAlive = 20, MaximumPacketSize = 1000 },
        ScriptedServer.Publish("a/b", "hello"),
        ScriptedServer.Publish("Straße/𪛔", new string('x', 300), 513),
        ScriptedServer.SubAck(new MqttSubscribePacket { PacketIdentifier = 10 }, [1, 135], "see there"),
        MqttPingRespPacket.Instance,
        ScriptedServer.Disconnect(142, "elsewhere"),
        new MqttPubAckPacket { PacketIdentifier = 65535, ReasonCode = MqttPubAckReasonCode.QuotaExceeded, ReasonString = "full" },
        new MqttAuthPacket { AuthenticationMethod = "m", ReasonString = "more" },
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_is_acknowledged_when_it_has_been_processed()
    {
        using var turns = new SemaphoreSlim(0);
        await using var server = new ScriptedServer { BeforeMessage = () => turns.Wait(Cancellation) };
        await using var connection = await server.Accept();
        await server.Send(Message(1, "one"), Message(0, "zero"), Message(2, "two"));

        // An early acknowledgement of the first message would arrive before this packet.
        var subscribing = connection.SubscribeAsync(["a"], Cancellation);
        var subscribe = await server.Receive<MqttSubscribePacket>();
        await server.Send(ScriptedServer.SubAck(subscribe, [1]));
        Assert.Null(await subscribing);

        turns.Release();
        Assert.Equal(1, (await server.Receive<MqttPubAckPacket>()).PacketIdentifier);
        Assert.Equal("one", await server.NextMessage());
        // QoS 0 has no acknowledgement.
        turns.Release(2);
        Assert.Equal(2, (await server.Receive<MqttPubAckPacket>()).PacketIdentifier);
        Assert.Equal(("zero", "two"), (await server.NextMessage(), await server.NextMessage()));
    }

    [Fact]
    public async Task A_server_that_exceeds_the_receive_maximum_loses_no_message()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var count = 10 * server.Options.ReceiveMaximum;
        await server.Send(Enumerable.Range(1, count).Select(i => Message(i, $"{i}")));

        for (var i = 1; i <= count; i++)
        {
            Assert.Equal(i, (await server.Receive<MqttPubAckPacket>()).PacketIdentifier);
            Assert.Equal($"{i}", await server.NextMessage());
        }
        Assert.False(connection.Ended.IsCompleted);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_slow_reader_blocks_the_network_and_loses_no_message(int qualityOfService)
    {
        const int Count = 300;
        using var turns = new SemaphoreSlim(0);
        await using var server = new ScriptedServer { BeforeMessage = () => turns.Wait(Cancellation) };
        await using var connection = await server.Accept();
        var filling = new string('.', 200_000);
        var sending = Task.Run(async () =>
        {
            for (var i = 1; i <= Count; i++)
            {
                await server.Send(Message(qualityOfService * i, $"{i}{filling}"));
            }
        }, Cancellation);
        // Uses the system clock: a client that does not stop reading receives all 60 MB in this time.
        await Task.WhenAny(sending, Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, Cancellation));
        Assert.False(sending.IsCompleted, "the client read 60 MB without processing a message");

        turns.Release(Count);
        for (var i = 1; i <= Count; i++)
        {
            Assert.Equal($"{i}{filling}", await server.NextMessage());
        }
        await sending;
        Assert.False(connection.Ended.IsCompleted);
    }

    [Fact]
    public async Task Bytes_can_arrive_one_by_one()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        foreach (var each in ScriptedServer.Encode(Message(1, "dripping")))
        {
            await server.SendBytes([each]);
        }
        Assert.Equal("dripping", await server.NextMessage());
        foreach (var each in ScriptedServer.Encode(ScriptedServer.Disconnect(142, "enough")))
        {
            await server.SendBytes([each]);
        }

        var end = await connection.Ended;
        Assert.Equal(ConnectionEnd.TakenOver, end.Label);
        Assert.Contains("SessionTakenOver (142), “enough”", end.Failure!.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("30 DEA712")] // 300,002 bytes in all
    [InlineData("30 FFFFFF7F")] // 256 MB
    public async Task A_packet_over_the_limit_is_rejected_by_its_header(string header)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        // Only the header arrives. MQTTnet allocates the length in the header, so it must not read the whole header.
        await server.SendBytes(ScriptedServer.Bytes(header));

        var expected = "the server violates MQTT 5: [MQTT-3.1.2-24] a packet is longer than the maximum packet size";
        Assert.Equal(ConnectionEnd.Protocol(expected), await connection.Ended);
    }

    [Fact]
    public async Task An_exception_of_the_message_callback_fails_the_connection()
    {
        await using var server = new ScriptedServer { BeforeMessage = () => throw new InvalidOperationException("a bug") };
        await using var connection = await server.Accept();

        await server.Send(Message(1, "one"));

        Assert.Equal("a bug", (await Assert.ThrowsAsync<InvalidOperationException>(() => connection.Ended)).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Every_sequence_of_bytes_is_handled(int seed)
    {
        var random = new Random(seed);
        var samples = Samples.Select(ScriptedServer.Encode).ToArray();
        for (var run = 0; run < 100; run++)
        {
            await using var server = new ScriptedServer();
            await using var connection = await server.Accept();
            var bytes = Enumerable.Range(0, 8).SelectMany(_ => samples[random.Next(samples.Length)]).ToArray();
            for (var changes = 0; changes < 4; changes++)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }
            await server.SendBytes(bytes);
            await server.Close();

            var end = await connection.Ended;
            Assert.Contains(end.Label, ConnectionEnd.Labels.Except(["new_token"]));
            Assert.NotEqual("the server stopped responding", end.Failure?.Reason);
        }
    }

    private static MqttPublishPacket Message(int identifier, string text) => ScriptedServer.Publish("car/x", text, identifier);
}
