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
        ScriptedServer.SubAck(new MqttSubscribePacket { PacketIdentifier = 10 }, [1, 135], "see there"),
        MqttPingRespPacket.Instance,
        ScriptedServer.Disconnect(142, "elsewhere"),
        new MqttPubAckPacket { PacketIdentifier = 65535, ReasonCode = MqttPubAckReasonCode.QuotaExceeded, ReasonString = "full" },
        new MqttAuthPacket { AuthenticationMethod = "m", ReasonString = "more" },
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_is_acknowledged_when_it_has_been_taken()
    {
        using var turns = new SemaphoreSlim(0);
        await using var server = new ScriptedServer { BeforeTaking = () => turns.Wait(Cancellation) };
        await using var connection = await server.Accept();
        await server.Says(Message(1, "one"), Message(0, "zero"), Message(2, "two"));

        // If the first were acknowledged already, this would arrive after it.
        var subscribing = connection.SubscribeAsync(["a"], Cancellation);
        var subscribe = await server.Hears<MqttSubscribePacket>();
        await server.Says(ScriptedServer.SubAck(subscribe, [1]));
        Assert.Null(await subscribing);

        turns.Release();
        Assert.Equal(1, (await server.Hears<MqttPubAckPacket>()).PacketIdentifier);
        Assert.Equal("one", await server.NextTaken());
        // QoS 0 has no acknowledgement.
        turns.Release(2);
        Assert.Equal(2, (await server.Hears<MqttPubAckPacket>()).PacketIdentifier);
        Assert.Equal(("zero", "two"), (await server.NextTaken(), await server.NextTaken()));
    }

    [Fact]
    public async Task A_server_that_sends_more_than_it_may_has_to_wait_and_loses_nothing()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();
        var count = 10 * server.Options.ReceiveMaximum;
        await server.Says(Enumerable.Range(1, count).Select(i => Message(i, $"{i}")));

        for (var i = 1; i <= count; i++)
        {
            Assert.Equal(i, (await server.Hears<MqttPubAckPacket>()).PacketIdentifier);
            Assert.Equal($"{i}", await server.NextTaken());
        }
        Assert.False(connection.Ended.IsCompleted);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_slow_reader_keeps_the_network_waiting_and_loses_nothing(int qualityOfService)
    {
        const int Count = 300;
        using var turns = new SemaphoreSlim(0);
        await using var server = new ScriptedServer { BeforeTaking = () => turns.Wait(Cancellation) };
        await using var connection = await server.Accept();
        var filling = new string('.', 200_000);
        var sending = Task.Run(async () =>
        {
            for (var i = 1; i <= Count; i++)
            {
                await server.Says(Message(qualityOfService * i, $"{i}{filling}"));
            }
        }, Cancellation);
        // What the test waits for is the machine, not a clock: a client that read on would have all 60 MB by then.
        await Task.WhenAny(sending, Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, Cancellation));
        Assert.False(sending.IsCompleted, "60 MB went somewhere, and nobody has taken them");

        turns.Release(Count);
        for (var i = 1; i <= Count; i++)
        {
            Assert.Equal($"{i}{filling}", await server.NextTaken());
        }
        await sending;
        Assert.False(connection.Ended.IsCompleted);
    }

    [Fact]
    public async Task Bytes_may_come_one_by_one()
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        foreach (var each in ScriptedServer.Encode(Message(1, "dripping")))
        {
            await server.SaysBytes([each]);
        }
        Assert.Equal("dripping", await server.NextTaken());
        foreach (var each in ScriptedServer.Encode(ScriptedServer.Disconnect(142, "enough")))
        {
            await server.SaysBytes([each]);
        }

        Assert.Contains("SessionTakenOver (142), “enough”", Assert.IsType<BmwFailure.TakenOver>(await connection.Ended).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("30 DEA712")] // 300,002 bytes in all
    [InlineData("30 FFFFFF7F")] // 256 MB
    public async Task A_packet_over_the_limit_is_refused_before_it_comes(string header)
    {
        await using var server = new ScriptedServer();
        await using var connection = await server.Accept();

        // Only the header comes: MQTTnet, which allocates what a header announces, doesn't get to read the end of it.
        await server.SaysBytes(ScriptedServer.Bytes(header));

        Assert.Equal(new BmwFailure.Passing("protocol", "the server does not keep to MQTT 5: [MQTT-3.1.2-24] a packet is longer than the maximum packet size"),
            await connection.Ended);
    }

    [Fact]
    public async Task A_message_that_cannot_be_taken_fails_the_connection()
    {
        await using var server = new ScriptedServer { BeforeTaking = () => throw new InvalidOperationException("a bug of ours") };
        await using var connection = await server.Accept();

        await server.Says(Message(1, "one"));

        Assert.Equal("a bug of ours", (await Assert.ThrowsAsync<InvalidOperationException>(() => connection.Ended)).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Whatever_comes_over_the_network_ends_in_an_outcome(int seed)
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
            await server.SaysBytes(bytes);
            await server.Closes();

            var verdict = await connection.Ended;
            Assert.Contains(verdict.Word, BmwFailure.Words.Except(["new_token"]));
            Assert.NotEqual("the server no longer answers", verdict.Reason);
        }
    }

    private static MqttPublishPacket Message(int identifier, string text) => ScriptedServer.Publish("car/x", text, identifier);
}
