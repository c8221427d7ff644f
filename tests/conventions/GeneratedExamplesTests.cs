using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>The generated examples match the files of the sources. <c>UPDATE_GOLDEN=1</c> writes them.</summary>
public sealed class GeneratedExamplesTests
{
    [Fact]
    public void The_examples_are_generated_from_the_directories_of_the_sources()
    {
        var generated = GeneratedExamples.Of(Slices.Repository);
        Assert.All(generated, file => Golden.Check($"../{file.Key}", file.Value));

        var left = Directory.GetFiles(Path.Combine(Slices.Repository, GeneratedExamples.Dashboards))
            .Where(file => !generated.ContainsKey(Path.GetRelativePath(Slices.Repository, file))).ToList();
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            left.ForEach(File.Delete);
            left.Clear();
        }
        Assert.Empty(left);
    }
}
