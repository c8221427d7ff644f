using System.Reflection;

namespace Exporter.Http;

/// <summary>The modules that are part of the program.</summary>
internal static class Recipes
{
    private static readonly Assembly Assembly = typeof(Recipes).Assembly;

    public static IReadOnlyList<string> Names { get; } = [.. Assembly.GetManifestResourceNames().Order(StringComparer.Ordinal)];

    /// <summary>The file of a module; null if there is none with this name.</summary>
    public static string? Find(string name)
    {
        using var stream = Names.Contains(name) ? Assembly.GetManifestResourceStream(name) : null;
        return stream is null ? null : new StreamReader(stream).ReadToEnd();
    }
}
