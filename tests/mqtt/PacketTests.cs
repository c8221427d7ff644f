using System.Buffers;
using System.Text;
using Exporter.Mqtt;
using Xunit;

namespace Exporter.Tests.Mqtt;

public class PacketTests
{
    public static TheoryData<string, Packet> Table => new()
    {
        // 3.1: clean start, no credentials; nothing that absence says already.
        { "10 0D 00044D515454 05 02 001E 00 0000", new Packet.Connect("", 30) },
        // 3.1.2.3: user name and password; 3.1.2.11.2 session expiry of 10 s, as in the figure of 3.1.2.12.
        {
            "10 1B 00044D515454 05 C2 000A 05 110000000A 0001 63 0001 75 0003 704077",
            new Packet.Connect("c", 10) { UserName = "u", Password = "p@w"u8.ToArray(), SessionExpiryInterval = 10 }
        },
        {
            "10 15 00044D515454 05 02 001E 08 210020 2700040000 0000",
            new Packet.Connect("", 30) { ReceiveMaximum = 32, MaximumPacketSize = 262_144 }
        },
        { "20 03 00 00 00", new Packet.ConnAck(false, ReasonCode.Success) },
        { "20 03 01 00 00", new Packet.ConnAck(true, ReasonCode.Success) },
        { "20 06 00 00 03 130014", new Packet.ConnAck(false, ReasonCode.Success) { ServerKeepAlive = 20 } },
        { "20 05 00 00 02 2401", new Packet.ConnAck(false, ReasonCode.Success) { MaximumQoS = QoS.AtLeastOnce } },
        { "20 0B 00 86 08 1F 0005 77726F6E67", new Packet.ConnAck(false, ReasonCode.BadUserNameOrPassword) { ReasonString = "wrong" } },
        // 3.3.2.4: topic a/b, packet identifier 10.
        { "32 0A 0003 612F62 000A 00 4F4B", new Packet.Publish(new("a/b", "OK"u8.ToArray(), QoS.AtLeastOnce), 10) },
        { "3B 08 0003 612F62 000A 00", new Packet.Publish(new("a/b", default, QoS.AtLeastOnce, Retained: true, Duplicate: true), 10) },
        { "30 07 0003 612F62 00 7A", new Packet.Publish(new("a/b", "z"u8.ToArray(), QoS.AtMostOnce), 0) },
        // 1.5.4: the letter A and U+2A6D4.
        { "30 08 0005 41F0AA9B94 00", new Packet.Publish(new("A\U0002A6D4", default, QoS.AtMostOnce), 0) },
        { "40 02 1234", new Packet.PubAck(0x1234) },
        { "40 04 1234 97 00", new Packet.PubAck(0x1234, ReasonCode.QuotaExceeded) },
        // 3.8.2 and 3.8.3: a/b at QoS 1, c/d at QoS 2.
        { "82 0F 000A 00 0003612F62 01 0003632F64 02", new Packet.Subscribe(10, [new("a/b"), new("c/d", QoS.ExactlyOnce)]) },
        { "90 06 000A 00 00 01 87", new Packet.SubAck(10, [ReasonCode.Success, ReasonCode.GrantedQoS1, ReasonCode.NotAuthorized]) },
        { "C0 00", new Packet.PingReq() },
        { "D0 00", new Packet.PingResp() },
        { "E0 00", new Packet.Disconnect(ReasonCode.Success) },
        { "E0 02 8E 00", new Packet.Disconnect(ReasonCode.SessionTakenOver) },
        { "F0 00", new Packet.Auth(ReasonCode.Success) },
        { "F0 06 18 04 15 0001 6D", new Packet.Auth(ReasonCode.ContinueAuthentication, "m") },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public void A_packet_is_these_bytes(string hex, Packet packet)
    {
        var bytes = Packets.Bytes(hex);

        Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(Packets.Encode(packet)));
        Same(packet, Packets.Read(bytes));
    }

    [Fact]
    public void What_is_written_is_read_again()
    {
        foreach (var packet in Packets.Samples)
        {
            Same(packet, Packets.Read(Packets.Encode(packet)));
        }
    }

    // The shorter forms that we do not write.
    [Theory]
    [InlineData("40 03 1234 10", "40 04 1234 10 00")]
    [InlineData("E0 01 8E", "E0 02 8E 00")]
    [InlineData("E0 01 00", "E0 00")]
    // A will, which is of no use here: QoS 1, retained, with a delay.
    [InlineData("10 1B 00044D515454 05 2E 001E 00 0001 63 05 1800000005 0001 74 0002 6869", "10 0E 00044D515454 05 02 001E 00 0001 63")]
    // User properties, a subscription identifier, a content type, an expiry.
    [InlineData("30 1B 0003 612F62 14 26 0001 6B 0001 76 0B 05 0B 06 03 0001 74 02 0000003C 7A", "30 07 0003 612F62 00 7A")]
    public void What_a_subscriber_has_no_use_for_is_dropped(string received, string kept) =>
        Assert.Equal(Packets.Bytes(kept), Packets.Encode(Packets.Read(Packets.Bytes(received))));

    [Theory]
    [InlineData("00 00", ReasonCode.MalformedPacket, "2.1.2")]
    [InlineData("D1 00", ReasonCode.MalformedPacket, "MQTT-2.1.3-1")]
    [InlineData("80 00", ReasonCode.MalformedPacket, "MQTT-2.1.3-1")]
    [InlineData("30 8000", ReasonCode.MalformedPacket, "MQTT-1.5.5-1")]
    [InlineData("30 FFFFFFFF", ReasonCode.MalformedPacket, "1.5.5")]
    [InlineData("D0 01 00", ReasonCode.MalformedPacket, "2.1.4")]
    [InlineData("20 02 00 00", ReasonCode.MalformedPacket, "2.1.4")]
    [InlineData("20 03 02 00 00", ReasonCode.MalformedPacket, "MQTT-3.2.2-1")]
    [InlineData("20 06 00 00 03 230001", ReasonCode.MalformedPacket, "2.2.2.2")]
    [InlineData("20 05 00 00 02 7F00", ReasonCode.MalformedPacket, "2.2.2.2")]
    [InlineData("20 05 00 00 02 2402", ReasonCode.ProtocolError, "3.2.2.3")]
    [InlineData("20 06 00 00 03 210000", ReasonCode.ProtocolError, "3.2.2.3")]
    [InlineData("20 08 00 00 05 2700000000", ReasonCode.ProtocolError, "3.2.2.3")]
    [InlineData("20 09 00 00 06 130014130014", ReasonCode.ProtocolError, "twice")]
    [InlineData("20 08 00 00 05 1F0002C328", ReasonCode.MalformedPacket, "MQTT-1.5.4-1")]
    [InlineData("20 09 00 00 06 1F0003EDA080", ReasonCode.MalformedPacket, "MQTT-1.5.4-1")]
    [InlineData("20 07 00 00 04 1F000100", ReasonCode.MalformedPacket, "MQTT-1.5.4-2")]
    [InlineData("36 08 0003612F62 000A 00", ReasonCode.MalformedPacket, "MQTT-3.3.1-4")]
    [InlineData("38 06 0003612F62 00", ReasonCode.MalformedPacket, "MQTT-3.3.1-2")]
    [InlineData("30 06 0003612F2B 00", ReasonCode.TopicNameInvalid, "MQTT-3.3.2-2")]
    [InlineData("30 03 0000 00", ReasonCode.ProtocolError, "MQTT-4.7.3-1")]
    [InlineData("30 06 0000 03 230001", ReasonCode.TopicAliasInvalid, "MQTT-3.1.2-27")]
    [InlineData("32 08 0003612F62 0000 00", ReasonCode.ProtocolError, "MQTT-2.2.1")]
    [InlineData("30 05 000A612F62", ReasonCode.MalformedPacket, "2.1.4")]
    [InlineData("40 02 0000", ReasonCode.ProtocolError, "MQTT-2.2.1")]
    [InlineData("82 03 000A 00", ReasonCode.ProtocolError, "MQTT-3.8.3-2")]
    [InlineData("82 09 000A 00 0003612F62 41", ReasonCode.MalformedPacket, "MQTT-3.8.3-5")]
    [InlineData("82 06 000A 00 0000 01", ReasonCode.MalformedPacket, "MQTT-4.7.3-1")]
    [InlineData("90 04 000A 00 03", ReasonCode.MalformedPacket, "MQTT-3.9.3-2")]
    [InlineData("50 02 000A", ReasonCode.ProtocolError, "QoS 2")]
    [InlineData("B0 03 000A 00", ReasonCode.ProtocolError, "unsubscribing")]
    [InlineData("E0 06 8E 05 1F00026F", ReasonCode.MalformedPacket, "2.1.4")]
    [InlineData("10 0D 00044D515453 05 02 001E 00 0000", ReasonCode.UnsupportedProtocolVersion, "MQTT-3.1.2-1")]
    [InlineData("10 0C 00044D515454 04 02 001E 0000", ReasonCode.UnsupportedProtocolVersion, "MQTT-3.1.2-2")]
    [InlineData("10 0D 00044D515454 05 03 001E 00 0000", ReasonCode.MalformedPacket, "MQTT-3.1.2-3")]
    public void A_broken_packet_is_refused_by_the_clause_that_it_breaks(string hex, ReasonCode code, string clause)
    {
        var refused = Assert.Throws<MqttProtocolException>(() => Packets.Read(Packets.Bytes(hex)));

        Assert.Equal(code, refused.Code);
        Assert.Contains(clause, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0u, "00")]
    [InlineData(127u, "7F")]
    [InlineData(128u, "8001")]
    [InlineData(16_383u, "FF7F")]
    [InlineData(16_384u, "808001")]
    [InlineData(2_097_151u, "FFFF7F")]
    [InlineData(2_097_152u, "80808001")]
    [InlineData(268_435_455u, "FFFFFF7F")]
    public void A_length_is_one_to_four_bytes(uint value, string hex)
    {
        var bytes = new byte[4];

        Assert.Equal(hex, Convert.ToHexString(bytes, 0, WireWriter.VariableByteInteger(bytes, value)));
        Assert.True(WireReader.TryVariableByteInteger(Packets.Bytes(hex), out var read, out var length));
        Assert.Equal((value, hex.Length / 2), (read, length));
    }

    [Fact]
    public void A_prefix_of_a_packet_is_not_yet_a_packet()
    {
        foreach (var bytes in Packets.Samples.Select(Packets.Encode))
        {
            for (var length = 0; length < bytes.Length; length++)
            {
                var buffer = new ReadOnlySequence<byte>(bytes, 0, length);
                Assert.False(PacketReader.TryRead(ref buffer, Packets.Limit, out _));
                Assert.Equal(length, buffer.Length);
            }
        }
    }

    [Fact]
    public void A_packet_may_be_cut_anywhere()
    {
        foreach (var packet in Packets.Samples)
        {
            var bytes = Packets.Encode(packet);
            for (var at = 0; at <= bytes.Length; at++)
            {
                var buffer = Packets.Cut(bytes, at);
                Assert.True(PacketReader.TryRead(ref buffer, Packets.Limit, out var read));
                Same(packet, read);
            }
            var crumbs = Packets.Cut(bytes, Enumerable.Range(1, bytes.Length - 1));
            Assert.True(PacketReader.TryRead(ref crumbs, Packets.Limit, out var whole));
            Same(packet, whole);
        }
    }

    [Fact]
    public void Packets_are_taken_off_one_by_one()
    {
        var buffer = new ReadOnlySequence<byte>([.. Packets.Samples.SelectMany(Packets.Encode)]);

        foreach (var packet in Packets.Samples)
        {
            Assert.True(PacketReader.TryRead(ref buffer, Packets.Limit, out var read));
            Same(packet, read);
        }
        Assert.False(PacketReader.TryRead(ref buffer, Packets.Limit, out _));
    }

    [Theory]
    [InlineData(1000, true)]
    [InlineData(1001, false)]
    public void A_packet_over_the_limit_fails_by_its_header(int size, bool taken)
    {
        var body = size - 3;
        byte[] header = [0x30, (byte)(body & 0x7F | 0x80), (byte)(body >> 7)];
        var buffer = new ReadOnlySequence<byte>(header);

        var read = Record.Exception(() => PacketReader.TryRead(ref buffer, 1000, out _));

        Assert.Equal(taken ? null : ReasonCode.PacketTooLarge, (read as MqttProtocolException)?.Code);
    }

    [Fact]
    public void Reading_allocates_the_message_and_nothing_else()
    {
        var topic = new string('t', 40);
        var publish = Packets.Encode(new Packet.Publish(new(topic, new byte[1000], QoS.AtLeastOnce), 1));
        var message = Allocated(() => new Packet.Publish(new(new string('t', topic.Length), new byte[1000], QoS.AtLeastOnce), 1));

        Assert.Equal(message, Allocated(() => Read(publish)));
        Assert.Equal(0, Allocated(() => Read(Packets.Bytes("D0 00"))) - Allocated(() => Packets.Bytes("D0 00")));

        static Packet Read(byte[] bytes)
        {
            var buffer = new ReadOnlySequence<byte>(bytes);
            return PacketReader.TryRead(ref buffer, Packets.Limit, out var packet) ? packet : throw new InvalidOperationException("it is whole");
        }

        static long Allocated<T>(Func<T> make)
        {
            make();
            var before = GC.GetAllocatedBytesForCurrentThread();
            make();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Fact]
    public void A_text_too_long_for_its_length_is_not_written()
    {
        var filter = new Subscription(new string('a', 65_536));

        Assert.Throws<ArgumentOutOfRangeException>(() => PacketWriter.Encode(new Packet.Subscribe(1, [filter])));
    }

    [Fact]
    public void A_password_is_not_printed() =>
        Assert.DoesNotContain("secret", new Packet.Connect("", 1) { Password = Encoding.UTF8.GetBytes("secret") }.ToString(), StringComparison.Ordinal);

    // Records compare lists and memory by reference; their bytes say it all.
    private static void Same(Packet expected, Packet actual)
    {
        Assert.Equal(expected.GetType(), actual.GetType());
        Assert.Equal(Packets.Encode(expected), Packets.Encode(actual));
    }
}
