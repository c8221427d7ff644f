using System.IO.Enumeration;

namespace Exporter.BmwCarData;

/// <summary>BMW's names of what a car tells.</summary>
internal static class BmwKeys
{
    /// <summary>Parts of keys that say where a car is, was or will be.</summary>
    private static readonly string[] Whereabouts = ["location", "latitude", "longitude", "altitude", "heading", "destination", "pointOfInterest", "pointsOfInterest", "satellites", "gps"];

    /// <summary>Whether a person may not want others to see it.</summary>
    public static bool TellsWhere(string key) => Array.Exists(Whereabouts, part => key.Contains(part, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether the key is one of those that <paramref name="glob"/> means: <c>*</c> and <c>?</c> stand for any characters.</summary>
    public static bool Matches(string glob, string key) => FileSystemName.MatchesSimpleExpression(glob, key);

    /// <summary>The catalogue and the cars do not agree on how often a key begins with the word; <c>vehicle.vehicle.x</c> is <c>x</c>.</summary>
    public static string Short(string key)
    {
        while (key.StartsWith("vehicle.", StringComparison.Ordinal))
        {
            key = key["vehicle.".Length..];
        }
        return key;
    }
}
