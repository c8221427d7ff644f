using System.Text.RegularExpressions;
using Exporter.Sandbox;

namespace Exporter.Demo;

/// <summary>Saved answers of tado for the sandbox, as if they were measured now.</summary>
internal static partial class Heating
{
    /// <summary>Writes the answers below a directory, and reads them for the sandbox.</summary>
    public static IReadOnlyList<HttpRecipe> Prepare(string directory, TimeProvider time)
    {
        var tado = Directory.CreateDirectory(Path.Combine(directory, "answers", "tado")).FullName;
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "tado"), "*.json"))
        {
            var answer = Timestamp().Replace(File.ReadAllText(file), $"$1\"{time.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ}\"");
            File.WriteAllText(Path.Combine(tado, Path.GetFileName(file)), answer);
        }
        return HttpRecipe.ReadAll(Path.GetDirectoryName(tado)!);
    }

    [GeneratedRegex("(\"timestamp\": *)\"[^\"]*\"")]
    private static partial Regex Timestamp();
}
