using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace Exporter.Tests.Web;

/// <summary>Checks a value against a schema of an OpenAPI document, with the keywords that the document uses. Another keyword fails the test.</summary>
internal sealed class JsonSchema(JsonElement document)
{
    public JsonElement Resolve(JsonElement element)
    {
        while (element.ValueKind == JsonValueKind.Object && element.TryGetProperty("$ref", out var reference))
        {
            element = reference.GetString()!.Split('/').Skip(1).Aggregate(document, (at, part) => at.GetProperty(part));
        }
        return element;
    }

    public void Check(JsonElement value, JsonElement schema, string at = "$")
    {
        schema = Resolve(schema);
        foreach (var keyword in schema.EnumerateObject())
        {
            var rule = keyword.Value;
            switch (keyword.Name)
            {
                case "type":
                    var types = rule.ValueKind == JsonValueKind.Array ? rule.EnumerateArray().Select(type => type.GetString()) : [rule.GetString()];
                    Assert.True(types.Contains(TypeOf(value)) || (types.Contains("number") && TypeOf(value) == "integer"), $"{at} is {value}");
                    break;
                case "required" when value.ValueKind == JsonValueKind.Object:
                    Assert.All(rule.EnumerateArray(), name => Assert.True(value.TryGetProperty(name.GetString()!, out _), $"{at} lacks {name}"));
                    break;
                case "properties" when value.ValueKind == JsonValueKind.Object:
                    foreach (var member in value.EnumerateObject().Where(member => rule.TryGetProperty(member.Name, out _)))
                    {
                        Check(member.Value, rule.GetProperty(member.Name), $"{at}.{member.Name}");
                    }
                    break;
                case "additionalProperties" when value.ValueKind == JsonValueKind.Object:
                    Assert.Equal(JsonValueKind.False, rule.ValueKind);
                    Assert.Empty(value.EnumerateObject().Select(m => m.Name).Except(schema.GetProperty("properties").EnumerateObject().Select(p => p.Name)));
                    break;
                case "items" when value.ValueKind == JsonValueKind.Array:
                    Assert.All(value.EnumerateArray(), item => Check(item, rule, $"{at}[]"));
                    break;
                case "enum":
                    Assert.Contains(value.GetString(), rule.EnumerateArray().Select(one => one.GetString()));
                    break;
                case "minimum":
                    Assert.True(value.GetDouble() >= rule.GetDouble(), $"{at} is {value}");
                    break;
                case "maximum":
                    Assert.True(value.GetDouble() <= rule.GetDouble(), $"{at} is {value}");
                    break;
                case "minLength" when value.ValueKind == JsonValueKind.String:
                    Assert.True(value.GetString()!.Length >= rule.GetInt32(), $"{at} is {value}");
                    break;
                case "maxLength" when value.ValueKind == JsonValueKind.String:
                    Assert.True(value.GetString()!.Length <= rule.GetInt32(), $"{at} is {value}");
                    break;
                case "pattern" when value.ValueKind == JsonValueKind.String:
                    Assert.Matches(new Regex(rule.GetString()!, RegexOptions.ECMAScript), value.GetString());
                    break;
                case "format" when value.ValueKind == JsonValueKind.String:
                    Assert.True(IsOfFormat(value.GetString()!, rule.GetString()!), $"{at} is {value}");
                    break;
                case "required" or "properties" or "additionalProperties" or "items" or "minLength" or "maxLength" or "pattern" or "format":
                case "description":
                    break;
                default:
                    Assert.Fail($"{at}: the keyword {keyword.Name} is not checked");
                    break;
            }
        }
    }

    private static string TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.TryGetInt64(out _) ? "integer" : "number",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        var kind => kind.ToString().ToLowerInvariant(),
    };

    private static bool IsOfFormat(string text, string format) => format switch
    {
        "date-time" => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _) && text.EndsWith('Z'),
        "uri" => Uri.TryCreate(text, UriKind.Absolute, out _),
        _ => false,
    };
}
