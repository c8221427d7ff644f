using System.Buffers;
using Exporter.Mqtt;
using Xunit;

namespace Exporter.Tests.Mqtt;

/// <summary>Whatever comes: a packet, "not yet", or the codec's own failure, and no more memory than the bytes are worth.</summary>
public class PacketFuzzTests
{
    private const uint Limit = 4096;

    /// <summary>A filter of one character takes four bytes on the wire and most of this in memory.</summary>
    private const int MemoryPerByte = 32;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_bytes_have_an_outcome(int seed)
    {
        var random = new Random(seed);
        var bytes = new byte[200];
        for (var run = 0; run < 100_000; run++)
        {
            random.NextBytes(bytes);
            // Half of them with a fixed header in order, so that they come further.
            if (run % 2 == 0)
            {
                bytes[1] = (byte)random.Next(100);
            }
            Judge(new ReadOnlySequence<byte>(bytes, 0, random.Next(bytes.Length)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Mutated_packets_have_an_outcome(int seed)
    {
        var random = new Random(seed);
        var samples = Packets.Samples.Select(Packets.Encode).ToArray();
        var packets = 0;
        for (var run = 0; run < 50_000; run++)
        {
            var bytes = Mutated(samples[random.Next(samples.Length)], random);
            packets += Judge(new ReadOnlySequence<byte>(bytes)) ? 1 : 0;
            Judge(Packets.Cut(bytes, Enumerable.Range(1, Math.Max(0, bytes.Length - 1))));
        }
        // Neither all nor none: the mutations are worth something.
        Assert.InRange(packets, 1000, 45_000);
    }

    [Fact]
    public void Any_byte_may_be_any_other()
    {
        foreach (var whole in Packets.Samples.Select(Packets.Encode))
        {
            for (var at = 0; at < Math.Min(whole.Length, 80); at++)
            {
                for (var other = 0; other < 256; other++)
                {
                    byte[] bytes = [.. whole[..at], (byte)other, .. whole[(at + 1)..]];
                    Judge(new ReadOnlySequence<byte>(bytes));
                }
            }
        }
    }

    [Fact]
    public void What_is_read_of_garbage_can_be_written()
    {
        var random = new Random(4);
        var samples = Packets.Samples.Select(Packets.Encode).ToArray();
        for (var run = 0; run < 20_000; run++)
        {
            var buffer = new ReadOnlySequence<byte>(Mutated(samples[random.Next(samples.Length)], random));
            try
            {
                if (PacketReader.TryRead(ref buffer, Limit, out var packet))
                {
                    var written = Packets.Encode(packet);
                    Assert.Equal(written, Packets.Encode(Packets.Read(written)));
                }
            }
            catch (MqttProtocolException)
            {
                // That is what it is for.
            }
        }
    }

    /// <returns>Whether a packet was read.</returns>
    private static bool Judge(ReadOnlySequence<byte> bytes)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var buffer = bytes;
        try
        {
            var read = PacketReader.TryRead(ref buffer, Limit, out var packet);
            Assert.Equal(read, packet is not null);
            Assert.Equal(read, buffer.Length < bytes.Length);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096 + MemoryPerByte * Math.Min(bytes.Length, Limit));
            return read;
        }
        catch (MqttProtocolException e)
        {
            Assert.True(e.Code.IsFailure());
            Assert.Contains("[MQTT", e.Message, StringComparison.Ordinal);
            return false;
        }
    }

    private static byte[] Mutated(byte[] sample, Random random)
    {
        var bytes = sample.ToList();
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2 when bytes.Count > 1:
                    bytes.RemoveAt(at);
                    break;
                default:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
            }
        }
        // As often as not with a length that is right, so that the mutation lies in the body.
        if (bytes.Count is > 2 and < 130 && random.Next(2) == 0)
        {
            bytes[1] = (byte)(bytes.Count - 2);
        }
        return [.. bytes];
    }
}
