namespace Exporter.Metrics;

/// <summary>Combines checksums of gzip (RFC 1952). The runtime computes them only within its streams, and cannot combine two.</summary>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;

    /// <summary>The checksum of two concatenated texts; <paramref name="shift"/> is <see cref="Shift"/> of the second one's length.</summary>
    public static uint Combine(uint first, uint second, uint shift) => Multiply(first, shift) ^ second;

    /// <summary>x to the power of 8·<paramref name="length"/>, modulo the polynomial: the effect of that many more bytes on a checksum.</summary>
    public static uint Shift(long length)
    {
        var result = 1u << 31;
        for (var square = 1u << 23; length > 0; length >>= 1, square = Multiply(square, square))
        {
            result = (length & 1) == 0 ? result : Multiply(result, square);
        }
        return result;
    }

    // Polynomials over GF(2) with reversed bits, as this checksum defines: the highest bit is x⁰.
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
}
