using System.Reflection;
using System.Text.RegularExpressions;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>The table of attacks in README.md matches the tests.</summary>
public partial class ReadmeTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Golden.Root, "web", "README.md"));

    [Fact]
    public void Every_test_in_the_table_of_attacks_exists()
    {
        var tests = typeof(ReadmeTests).Assembly.GetTypes()
            .Where(type => type.Namespace == typeof(ReadmeTests).Namespace)
            .SelectMany(Methods, (type, method) => $"{type.Name}.{method.Name}");

        Assert.Empty(Names().Matches(Text).Select(name => name.Groups[1].Value).Except(tests));
    }

    [Fact]
    public void Every_attack_test_is_in_the_table()
    {
        var attacks = Methods(typeof(AttackTests)).Concat(Methods(typeof(FormAttackTests)))
            .Where(method => method.GetCustomAttribute<FactAttribute>() is not null).Select(method => method.Name);

        Assert.All(attacks, name => Assert.Contains(name, Text, StringComparison.Ordinal));
    }

    private static MethodInfo[] Methods(Type type) => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly);

    [GeneratedRegex(@"`(\w+Tests\.\w+)`")]
    private static partial Regex Names();
}
