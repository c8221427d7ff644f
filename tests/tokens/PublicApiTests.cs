using System.Reflection;
using System.Text;
using Exporter.Ergani;
using Exporter.Tests.Support;
using Exporter.Tokens;
using Exporter.Webex;
using Xunit;

namespace Exporter.Tests.Tokens;

/// <summary>Compares the public API of the packages with the recorded one. <c>UPDATE_GOLDEN=1</c> writes it.</summary>
public sealed class PublicApiTests
{
    private const BindingFlags Own =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>Members that the compiler generates for every record.</summary>
    private static readonly string[] OfRecords =
    [
        "Equals", "GetHashCode", "ToString", "PrintMembers", "Deconstruct", "op_Equality", "op_Inequality", "<Clone>$", "EqualityContract",
    ];

    [Theory]
    [InlineData(typeof(TokenManager), "tokens")]
    [InlineData(typeof(FakeGrant), "tokens-testing")]
    [InlineData(typeof(ErganiGrant), "ergani-tokens")]
    [InlineData(typeof(IErganiApi), "ergani")]
    [InlineData(typeof(WebexTokens), "webex-tokens")]
    [InlineData(typeof(IWebexApi), "webex")]
    public void The_public_api_matches_the_recorded_one(Type inside, string name) =>
        Golden.Check($"tokens/testdata/public-api-{name}.txt", Describe(inside.Assembly));

    [Theory]
    [InlineData(typeof(TokenManager))]
    [InlineData(typeof(FakeGrant))]
    [InlineData(typeof(ErganiGrant))]
    [InlineData(typeof(IErganiApi))]
    [InlineData(typeof(WebexTokens))]
    [InlineData(typeof(IWebexApi))]
    public void Every_public_type_is_documented(Type inside)
    {
        var documentation = File.ReadAllText(Path.ChangeExtension(inside.Assembly.Location, ".xml"));

        // The documentation of a closed set covers its nested types.
        Assert.DoesNotContain(
            inside.Assembly.GetExportedTypes().Where(type => !type.IsNested),
            type => !documentation.Contains($"<member name=\"T:{type.FullName}\">", StringComparison.Ordinal));
    }

    private static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            text.Append(Kind(type)).Append(' ').Append(Name(type));
            var parents = new[] { type.BaseType }.Where(b => b is not null && b != typeof(object) && b != typeof(ValueType) && b != typeof(Enum))
                .Concat(type.GetInterfaces().Where(i => !i.Name.StartsWith("IEquatable", StringComparison.Ordinal))
                    .OrderBy(i => i.Name, StringComparer.Ordinal));
            text.Append(type.IsEnum ? "" : string.Concat(parents.Select((p, i) => (i == 0 ? " : " : ", ") + Name(p!)))).Append('\n');
            foreach (var member in Members(type).Order(StringComparer.Ordinal))
            {
                text.Append("    ").Append(member).Append('\n');
            }
        }
        return text.ToString();
    }

    private static string[] Members(Type type)
    {
        if (type.IsEnum)
        {
            return Enum.GetNames(type);
        }
        return
        [
            .. from constructor in type.GetConstructors(Own) where IsVisible(constructor) && !type.IsAbstract && !IsCopy(constructor)
                select $"new({Parameters(constructor)})",
            .. from field in type.GetFields(Own) where field.IsPublic select $"{Name(field.FieldType)} {field.Name}",
            .. from property in type.GetProperties(Own)
               let accessors = property.GetAccessors(nonPublic: true).Where(IsVisible).ToList()
               where accessors.Count > 0 && !OfRecords.Contains(property.Name)
               let get = property.GetMethod is { } getter && IsVisible(getter) ? " get;" : ""
               let init = property.SetMethod is { } setter && IsVisible(setter) ? " init;" : ""
               select $"{Name(property.PropertyType)} {property.Name} {{{get}{init} }}",
            .. from method in type.GetMethods(Own)
               where IsVisible(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal))
               where !OfRecords.Contains(method.Name)
               select $"{Name(method.ReturnType)} {method.Name}({Parameters(method)})",
        ];
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsCopy(ConstructorInfo constructor) =>
        constructor.GetParameters() is [{ } only] && only.ParameterType == constructor.DeclaringType;

    private static string Parameters(MethodBase method) => string.Join(
        ", ", method.GetParameters().Select(p => $"{Name(p.ParameterType)} {p.Name}{(p.HasDefaultValue ? "?" : "")}"));

    private static string Kind(Type type) => type switch
    {
        { IsEnum: true } => "enum",
        { IsInterface: true } => "interface",
        { IsValueType: true } => "struct",
        { IsAbstract: true, IsSealed: true } => "static class",
        { IsAbstract: true } => "abstract class",
        { IsSealed: true } => "sealed class",
        _ => "class",
    };

    private static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Name(underlying) + "?";
        }
        var own = type.IsGenericType ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : type.Name;
        return type.IsNested && !type.IsGenericParameter ? $"{Name(type.DeclaringType!)}.{own}" : own;
    }
}
