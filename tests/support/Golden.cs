using System.Runtime.CompilerServices;
using Xunit;

namespace Exporter.Tests.Support;

/// <summary>
/// Compares with expected texts in files beside the tests. <c>UPDATE_GOLDEN=1</c> writes the files; read the difference in git.
/// </summary>
internal static class Golden
{
    /// <summary>The directory <c>tests</c> of the sources.</summary>
    public static string Root { get; } = Path.GetDirectoryName(Path.GetDirectoryName(ThisFile()))!;

    public static void Check(string relativePathUnderTests, string actual)
    {
        var file = Path.Combine(Root, relativePathUnderTests);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, actual);
            return;
        }
        Assert.True(File.Exists(file), $"tests/{relativePathUnderTests} is missing; UPDATE_GOLDEN=1 writes it.");
        Assert.Equal(File.ReadAllText(file), actual);
    }

    /// <summary>Compares a metrics page in text format 0.0.4, ignoring the order of families, series and labels.</summary>
    public static void CheckPage(string relativePathUnderTests, string actual)
    {
        var file = Path.Combine(Root, relativePathUnderTests);
        if (File.Exists(file) && PageText.Canonical(File.ReadAllText(file)) == PageText.Canonical(actual))
        {
            return;
        }
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Check(relativePathUnderTests, actual);
            return;
        }
        Assert.True(File.Exists(file), $"tests/{relativePathUnderTests} is missing; UPDATE_GOLDEN=1 writes it.");
        Assert.Equal(PageText.Canonical(File.ReadAllText(file)), PageText.Canonical(actual));
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
