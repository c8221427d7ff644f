namespace Exporter.BmwCarData;

/// <summary>BMW's keys, such as <c>vehicle.drivetrain.batteryManagement.header</c>.</summary>
internal static class BmwKeys
{
    private static readonly string[] LocationParts =
    [
        "location", "latitude", "longitude", "altitude", "heading", "destination", "pointOfInterest", "pointsOfInterest", "satellites", "gps",
    ];

    /// <summary>Whether the value reveals where a car is, was or will be.</summary>
    public static bool IsLocation(string key) => Array.Exists(LocationParts, part => key.Contains(part, StringComparison.OrdinalIgnoreCase));

    /// <summary>Removes all leading <c>vehicle.</c>, because the catalogue and the cars differ in how often they repeat it.</summary>
    public static string Short(string key)
    {
        while (key.StartsWith("vehicle.", StringComparison.Ordinal))
        {
            key = key["vehicle.".Length..];
        }
        return key;
    }
}
