using System.Buffers;
using BenchmarkDotNet.Attributes;
using Exporter.Mqtt;

namespace Exporter.Bench;

/// <summary>A thousand messages of a car off the wire.</summary>
[MemoryDiagnoser, InProcess]
public class PacketBenchmarks
{
    private const int Messages = 1000;

    private ReadOnlySequence<byte> wire;

    [GlobalSetup]
    public void Write()
    {
        var written = new ArrayBufferWriter<byte>();
        var payload = """{"vin":"WBY00000000000017","timestamp":"2026-11-21T12:00:00Z","data":{"vehicle.drivetrain.electricEngine.charging.level":{"timestamp":"2026-11-21T12:00:00Z","value":80,"unit":"%"}}}"""u8.ToArray();
        for (var number = 0; number < Messages; number++)
        {
            PacketWriter.Write(written, new Packet.Publish(new MqttMessage("gcid/WBY00000000000017", payload, QoS.AtLeastOnce), (ushort)(number + 1)));
        }
        wire = new ReadOnlySequence<byte>(written.WrittenMemory);
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public int Read()
    {
        var (rest, read) = (wire, 0);
        while (PacketReader.TryRead(ref rest, maximumPacketSize: 1 << 16, out _))
        {
            read++;
        }
        return read;
    }
}
