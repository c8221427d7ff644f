using System.Reflection;
using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The table of attacks beside these tests says what there is.</summary>
public partial class ReadmeTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Golden.Root, "web", "README.md"));

    [Fact]
    public void Every_test_in_the_table_of_attacks_exists()
    {
        var tests = typeof(ReadmeTests).Assembly.GetTypes()
            .Where(type => type.Namespace == typeof(ReadmeTests).Namespace)
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly), (type, method) => $"{type.Name}.{method.Name}");

        Assert.Empty(Names().Matches(Text).Select(name => name.Groups[1].Value).Except(tests));
    }

    [Fact]
    public void Every_attack_that_is_tried_stands_in_the_table()
    {
        var tried = typeof(AttackTests).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(method => method.GetCustomAttribute<FactAttribute>() is not null).Select(method => method.Name);

        Assert.All(tried, name => Assert.Contains(name, Text, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"`(\w+Tests\.\w+)`")]
    private static partial Regex Names();
}
