using System.Text;
using Prometheus;

namespace Exporter.Metrics;

/// <summary>
/// Encodes groups one after the other, and then puts the samples of a family together, because the formats allow a family only once. A registry of
/// all groups would take ten times the memory of the text.
/// </summary>
internal static class MergedText
{
    /// <summary>Each group has other labels, so no series is in two of them. Of several help texts of a family, the first is kept.</summary>
    public static byte[] Encode(IReadOnlyList<FamilyGroup> groups, ExpositionFormat format)
    {
        if (groups is [var only])
        {
            return Encode(only, format);
        }
        var families = new OrderedDictionary<string, List<ReadOnlyMemory<byte>>>(StringComparer.Ordinal);
        foreach (var group in groups)
        {
            Add(families, Encode(group, format));
        }
        var text = new byte[families.Values.Sum(parts => parts.Sum(part => part.Length))];
        var end = 0;
        foreach (var part in families.Values.SelectMany(parts => parts))
        {
            part.CopyTo(text.AsMemory(end));
            end += part.Length;
        }
        return text;
    }

    private static byte[] Encode(FamilyGroup group, ExpositionFormat format) =>
        Registration.Encode(Prometheus.Metrics.NewCustomRegistry().Register(group, format), format);

    private static void Add(OrderedDictionary<string, List<ReadOnlyMemory<byte>>> families, byte[] text)
    {
        for (var at = 0; at < text.Length;)
        {
            var (start, name) = (at, NameOf(text.AsSpan(at)));
            // A family is its lines of metadata and the lines of its samples.
            at = EndOfLines(text, at, areMetadata: true);
            if (!families.TryGetValue(name, out var parts))
            {
                families.Add(name, parts = [text.AsMemory(start, at - start)]);
            }
            start = at;
            at = EndOfLines(text, at, areMetadata: false);
            parts.Add(text.AsMemory(start, at - start));
        }
    }

    /// <summary>The second word after the number sign: <c># HELP name …</c>.</summary>
    private static string NameOf(ReadOnlySpan<byte> metadata)
    {
        var words = metadata["# HELP ".Length..];
        return Encoding.UTF8.GetString(words[..words.IndexOfAny((byte)' ', (byte)'\n')]);
    }

    private static int EndOfLines(byte[] text, int start, bool areMetadata)
    {
        var at = start;
        while (at < text.Length && text[at] == '#' == areMetadata)
        {
            at += text.AsSpan(at).IndexOf((byte)'\n') + 1;
        }
        return at;
    }
}
