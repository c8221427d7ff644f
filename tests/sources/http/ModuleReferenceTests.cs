using System.Text;
using Exporter.Accounts;
using Exporter.Http;
using Exporter.Tests.Support;
using Xunit;

namespace Exporter.Tests.Http;

/// <summary>The reference of modules and the schema for editors match the declarations. <c>UPDATE_GOLDEN=1</c> writes them.</summary>
public class ModuleReferenceTests
{
    private const string Directory = "../internal/sources/http";

    [Fact]
    public void The_reference_lists_every_key_and_every_function() => Golden.Check($"{Directory}/REFERENCE.md", $"""
        # Keys and functions of modules

        The tests write this page. [README.md](README.md) explains modules step by step.

        ## Keys

        {Keys(ModuleSchema.File, "A module")}
        ## Formulas

        A formula selects and computes values of an answer:

        | formula | meaning |
        | --- | --- |
        | `$room.temperature.value` | the members of a variable, here of a loop's item |
        | `temperature` or `@.temperature` | a member of `@`: the answer in `items`, the item in a filter |
        | `$rooms[0]`, `$rooms[-1]` | an item of a list, from its start or from its end |
        | `$room['name with blanks']`, `$room.'a.b'` | a member whose name is no word |
        | `$rooms[?on and floor == 2]` | the items for which a condition is true |
        | `$a ?? $b` | b if a is absent |
        | `$on ? 'yes' : 'no'` | one of two values |
        | `not`, `and`, `or` | conditions; absent, `false`, 0, an empty text and an empty list count as false |
        | `==`, `!=` | compares values of one type: the text `'1'` does not equal the number 1 |
        | `<`, `<=`, `>`, `>=` | compares two numbers or two texts; false if either is absent |
        | `$state in ['A', 'B']` | whether a list contains a value |
        | `$name =~ '^heating[.]'` | whether a text matches a regular expression, without look-around and back-references |
        | `+`, `-`, `*`, `/`, `%` | arithmetic; a text with a number counts as the number. `+` joins if either value is a text |
        | `key($room)` | the index of a loop's item, or its name if the loop goes through an object |
        | `'text'`, `"text"`, `1.5`, `true`, `null`, `[1, 2]` | constants |

        - What is computed from an absent value is absent, and an absent value gives no series. So is a result that is not finite, such as a division by zero.
        - A formula has at most {Formula.Longest} characters and {Formula.Deepest} levels. All formulas of a reading have a budget of steps, so they always end.
        - In YAML, a formula with `: `, ` #`, braces, or a bracket or quotation mark at its start needs quotes around it. In a map in braces, so does one with a comma or a bracket.

        ## Functions

        | function | result | example | value |
        | --- | --- | --- | --- |
        {string.Join('\n', FormulaFunctions.All.SelectMany(Rows))}
        """ + "\n");

    [Fact]
    public void The_schema_of_a_module_file_is_that_of_the_declarations() =>
        Golden.Check($"{Directory}/module.schema.json", Encoding.UTF8.GetString(ModuleJsonSchema.Write()));

    private static IEnumerable<string> Rows(FormulaFunction function) => function.Examples.Select((example, i) =>
        $"| {(i == 0 ? $"`{function.Signature}`" : "")} | {(i == 0 ? function.Help : "")} | `{example.Formula}` with `{example.Json}` | `{example.Result}` |");

    private static string Keys(ModuleShape.Members shape, string title)
    {
        var rows = shape.Keys.Select(key => $"| `{key.Name}`{(key.IsRequired ? ", required" : "")} | {key.Shape.Expected.Replace("|", "\\|", StringComparison.Ordinal)} | {key.Help} |");
        var inner = shape.Keys.Select(key => Inner(key.Shape)).OfType<ModuleShape.Members>().DistinctBy(one => one.Name);
        return $"### {title}\n\n| key | value | meaning |\n| --- | --- | --- |\n{string.Join('\n', rows)}\n\n"
            + string.Concat(inner.Select(one => Keys(one, char.ToUpperInvariant(one.Name[0]) + one.Name[1..])));
    }

    private static ModuleShape.Members? Inner(ModuleShape shape) => shape switch
    {
        ModuleShape.Members members => members,
        ModuleShape.MapOf map => Inner(map.Value),
        ModuleShape.ListOf list => Inner(list.Item),
        ModuleShape.Either either => either.Long,
        _ => null,
    };
}
