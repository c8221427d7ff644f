namespace Exporter.Tests.Support;

internal static class Forms
{
    /// <summary>The fields of an application/x-www-form-urlencoded body or a query.</summary>
    public static Dictionary<string, string> Read(string form) =>
        form.TrimStart('?').Split('&').Select(field => field.Split('=', 2)).ToDictionary(field => Decode(field[0]), field => Decode(field[1]));

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
