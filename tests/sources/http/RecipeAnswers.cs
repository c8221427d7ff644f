using System.Globalization;
using System.Text.RegularExpressions;
using Exporter.Accounts;
using Exporter.Http;
using Exporter.Sandbox;
using Exporter.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>The saved answers of the recipes.</summary>
internal static partial class RecipeAnswers
{
    /// <summary>The time that the answers fit to.</summary>
    public static readonly DateTimeOffset SavedAt = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    public static string Root { get; } = Path.Combine(Slices.Repository, "tests/sources/http/recipes");

    public static string DirectoryOf(string recipe) => Path.Combine(Root, recipe);

    /// <summary>Values of the settings that a recipe requires.</summary>
    public static IReadOnlyDictionary<string, string> Settings(ModuleFile file) => file.Settings.Where(setting => setting.Default is null)
        .ToDictionary(setting => setting.Name, setting => $"https://{setting.Name}.example");

    public static Module Parse(string recipe)
    {
        var file = ModuleFile.Parse(recipe, Recipes.Find(recipe)!);
        var module = file.Bind(Settings(file));
        Assert.True(module is not null, string.Join('\n', file.Problems.All));
        return module;
    }

    public static async Task<HttpReading> ReadAsync(string recipe, CancellationToken cancellationToken)
    {
        var module = Parse(recipe);
        var answers = Results.Value(SavedAnswers.Open(module, [DirectoryOf(recipe)], TextWriter.Null));
        return Results.Value(await new HttpReader(module, answers, SeriesLimit.Default, new ManualTime(SavedAt), NullLogger.Instance)
            .ReadAsync(cancellationToken));
    }

    /// <summary>The answers with all their times moved, as if they were saved at this time.</summary>
    public static IReadOnlyList<HttpRecipe> At(DateTimeOffset now)
    {
        var moved = now - SavedAt;
        using var copy = new TemporaryDirectory();
        foreach (var file in Directory.EnumerateFiles(Root, "*.json", SearchOption.AllDirectories))
        {
            var text = IsoTime().Replace(File.ReadAllText(file), match => Iso(match.Value, moved));
            var name = Path.GetRelativePath(Root, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy[name])!);
            copy.Write(name, UnixTime().Replace(text, match => Unix(match.Value, moved)));
        }
        return HttpRecipe.ReadAll(copy.Path);
    }

    private static string Iso(string time, TimeSpan moved) =>
        $"{(DateTimeOffset.Parse(time, CultureInfo.InvariantCulture) + moved).UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}";

    private static string Unix(string seconds, TimeSpan moved) =>
        (long.Parse(seconds, CultureInfo.InvariantCulture) + (long)moved.TotalSeconds).ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")]
    private static partial Regex IsoTime();

    /// <summary>Times of this and the previous years. Other numbers of the answers have fewer or more digits, or another start.</summary>
    [GeneratedRegex(@"\b1[78]\d{8}\b")]
    private static partial Regex UnixTime();
}
