using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Conventions;

/// <summary>What is put together from the directories of the sources, checked in: <c>UPDATE_GOLDEN=1</c> writes it, every other run compares.</summary>
public sealed class GeneratedExamplesTests
{
    [Fact]
    public void What_users_get_is_put_together_from_the_folders_of_the_sources()
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
