using System.Reflection;
using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>The README lists every failure and its tests.</summary>
public partial class ReadmeTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Golden.Root, "tokens", "README.md"));

    [Fact]
    public void The_list_contains_every_row_once() =>
        Assert.Equal(Enumerable.Range(1, 40), Rows().Matches(Text).Select(row => int.Parse(row.Groups["number"].Value, null)));

    [Fact]
    public void The_list_contains_exactly_the_existing_tests()
    {
        var tests = typeof(ReadmeTests).Assembly.GetTypes()
            .Where(type => type.Namespace == typeof(ReadmeTests).Namespace)
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(method => method.Name.StartsWith("Row_", StringComparison.Ordinal))
            .Select(method => $"{method.DeclaringType!.Name}: `{method.Name}`");

        Assert.Equal(tests.Order(StringComparer.Ordinal), Names().Matches(Text).Select(name => name.Value).Distinct().Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"^\| (?<number>\d+) \|", RegexOptions.Multiline)]
    private static partial Regex Rows();

    [GeneratedRegex(@"\w+Tests: `Row_\w+`")]
    private static partial Regex Names();
}
