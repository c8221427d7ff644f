using System.Runtime.CompilerServices;
using Xunit;

namespace Exporter.Tests.Support;

/// <summary>
/// Expected texts, checked in beside the tests. <c>UPDATE_GOLDEN=1</c> writes them anew; the difference is then for a person to read in git.
/// </summary>
internal static class Golden
{
    /// <summary>The folder <c>tests</c> of the sources.</summary>
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

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
