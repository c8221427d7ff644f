using System.Buffers.Binary;

namespace Exporter.Metrics;

/// <summary>
/// The checksum of RFC 1952 (gzip), which the runtime computes only inside its streams. It can go on from the checksum of what came
/// before, and two checksums give that of the whole without the bytes being read again.
/// </summary>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;

    // Eight tables, so that eight bytes are taken in one step: row k is the effect of a byte with k bytes behind it.
    private static readonly uint[] Table = MakeTable();

    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        ReadOnlySpan<uint> table = Table;
        while (bytes.Length >= 8)
        {
            var low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc;
            var high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = table[(7 * 256) + (byte)low] ^ table[(6 * 256) + (byte)(low >> 8)]
                ^ table[(5 * 256) + (byte)(low >> 16)] ^ table[(4 * 256) + (byte)(low >> 24)]
                ^ table[(3 * 256) + (byte)high] ^ table[(2 * 256) + (byte)(high >> 8)]
                ^ table[256 + (byte)(high >> 16)] ^ table[(byte)(high >> 24)];
            bytes = bytes[8..];
        }
        foreach (var b in bytes)
        {
            crc = (crc >> 8) ^ table[(byte)(crc ^ b)];
        }
        return ~crc;
    }

    /// <summary>The checksum of two texts in a row; <paramref name="shift"/> is <see cref="Shift"/> of the second one's length.</summary>
    public static uint Combine(uint first, uint second, uint shift) => Multiply(first, shift) ^ second;

    /// <summary>x to the power of 8·<paramref name="length"/>, modulo the polynomial: what that many bytes behind a checksum do to it.</summary>
    public static uint Shift(long length)
    {
        var result = 1u << 31;
        for (var square = 1u << 23; length > 0; length >>= 1, square = Multiply(square, square))
        {
            result = (length & 1) == 0 ? result : Multiply(result, square);
        }
        return result;
    }

    // Polynomials over GF(2) with the bits reversed, as everywhere in this checksum: the highest bit is x⁰.
    private static uint Multiply(uint a, uint b)
    {
        var product = 0u;
        for (; a != 0; a <<= 1, b = TimesX(b))
        {
            product ^= (a & 0x80000000) == 0 ? 0 : b;
        }
        return product;
    }

    private static uint TimesX(uint a) => (a >> 1) ^ ((a & 1) * Polynomial);

    private static uint[] MakeTable()
    {
        var table = new uint[8 * 256];
        for (var i = 0; i < 256; i++)
        {
            table[i] = Enumerable.Range(0, 8).Aggregate((uint)i, (crc, _) => TimesX(crc));
        }
        for (var i = 256; i < table.Length; i++)
        {
            table[i] = (table[i - 256] >> 8) ^ table[(byte)table[i - 256]];
        }
        return table;
    }
}
