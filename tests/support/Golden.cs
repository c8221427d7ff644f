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

    /// <summary>Compares the part of a document between <c>&lt;!-- section: … --></c> and <c>&lt;!-- /section --></c>.</summary>
    public static void CheckSection(string relativePathUnderTests, string section, string content)
    {
        var document = File.ReadAllText(Path.Combine(Root, relativePathUnderTests));
        var begin = document.IndexOf('\n', document.IndexOf($"<!-- {section}:", StringComparison.Ordinal)) + 1;
        var end = document.IndexOf($"<!-- /{section} -->", StringComparison.Ordinal);
        Check(relativePathUnderTests, $"{document[..begin]}\n{content}\n{document[end..]}");
    }

    /// <summary>Compares a metrics page in text format 0.0.4 by what it says: the order of families, series and labels is the library's.</summary>
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
