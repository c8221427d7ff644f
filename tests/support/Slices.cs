using Exporter.Accounts;

namespace Exporter.Tests.Support;

/// <summary>The directories of the sources.</summary>
internal static class Slices
{
    public static string Repository { get; } = Path.GetFullPath(Path.Combine(Golden.Root, ".."));

    public static IReadOnlyList<string> Directories { get; } = DirectoriesOf(Repository);

    /// <summary>The prefixes of the sources' metric names and, capitalized, of their alerts.</summary>
    public static IReadOnlyList<string> Prefixes { get; } = [.. Composition.Sources.Select(source => source.Name.Split('-')[0])];

    public static IReadOnlyList<string> DirectoriesOf(string repository) =>
        [.. Directory.GetDirectories(Path.Combine(repository, "internal/sources")).Order(StringComparer.Ordinal)];

    /// <summary>The project of a source, named like its assembly and namespace.</summary>
    public static string ProjectOf(ISource source) => $"{source.GetType().Assembly.GetName().Name}.csproj";
}
