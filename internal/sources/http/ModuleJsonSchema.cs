using System.Text.Json;

namespace Exporter.Http;

/// <summary>The JSON Schema of a module file, for editors.</summary>
internal static class ModuleJsonSchema
{
    private const string DurationPattern = @"^([0-9.]+(ns|us|µs|ms|s|m|h|d))+$|\$\{";

    public static byte[] Write()
    {
        var schema = JsonText.Write(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("$schema", "http://json-schema.org/draft-07/schema#");
            writer.WriteString("title", "A module of oauth-exporter's source http");
            WriteObject(writer, ModuleSchema.File);
            writer.WriteEndObject();
        }, JsonText.ForPeople);
        return [.. schema, (byte)'\n'];
    }

    private static void WriteObject(Utf8JsonWriter writer, ModuleShape.Members shape)
    {
        writer.WriteString("type", "object");
        writer.WriteBoolean("additionalProperties", false);
        writer.WriteStartObject("properties");
        foreach (var key in shape.Keys)
        {
            writer.WriteStartObject(key.Name);
            writer.WriteString("description", key.Help);
            WriteShape(writer, key == ModuleSchema.OAuth ? null : key.Shape);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
        var required = shape.Keys.Where(key => key.IsRequired).ToList();
        if (required.Count > 0)
        {
            writer.WriteStartArray("required");
            required.ForEach(key => writer.WriteStringValue(key.Name));
            writer.WriteEndArray();
        }
    }

    /// <param name="shape">Null for the settings of the source oauth2.</param>
    private static void WriteShape(Utf8JsonWriter writer, ModuleShape? shape)
    {
        switch (shape)
        {
            case null:
                WriteSettings(writer);
                break;
            case ModuleShape.Text:
                WriteTypes(writer, "string", "number", "boolean");
                break;
            case ModuleShape.FormulaText:
                WriteTypes(writer, "string", "number", "boolean");
                writer.WriteNumber("maxLength", Formula.Longest);
                break;
            case ModuleShape.Duration:
                WriteTypes(writer, "string");
                writer.WriteString("pattern", DurationPattern);
                break;
            case ModuleShape.Number number:
                WriteTypes(writer, "integer");
                writer.WriteNumber("minimum", number.Least);
                writer.WriteNumber("maximum", number.Most);
                break;
            case ModuleShape.Flag:
                WriteTypes(writer, "boolean");
                break;
            case ModuleShape.Choice choice:
                writer.WriteStartArray("enum");
                foreach (var name in choice.Names)
                {
                    writer.WriteStringValue(name);
                }
                writer.WriteEndArray();
                break;
            case ModuleShape.ListOf list:
                WriteAlternatives(writer, list.Item, () =>
                {
                    writer.WriteString("type", "array");
                    WriteInner(writer, "items", list.Item);
                });
                break;
            case ModuleShape.MapOf map:
                writer.WriteString("type", "object");
                WriteInner(writer, "additionalProperties", map.Value);
                break;
            case ModuleShape.Either either:
                WriteAlternatives(writer, either.Short, () => WriteObject(writer, either.Long));
                break;
            case ModuleShape.Members inner:
                WriteObject(writer, inner);
                break;
        }
    }

    private static void WriteAlternatives(Utf8JsonWriter writer, ModuleShape one, Action writeOther)
    {
        writer.WriteStartArray("anyOf");
        writer.WriteStartObject();
        WriteShape(writer, one);
        writer.WriteEndObject();
        writer.WriteStartObject();
        writeOther();
        writer.WriteEndObject();
        writer.WriteEndArray();
    }

    private static void WriteInner(Utf8JsonWriter writer, string name, ModuleShape shape)
    {
        writer.WriteStartObject(name);
        WriteShape(writer, shape);
        writer.WriteEndObject();
    }

    private static void WriteTypes(Utf8JsonWriter writer, params ReadOnlySpan<string> types)
    {
        if (types.Length == 1)
        {
            writer.WriteString("type", types[0]);
            return;
        }
        writer.WriteStartArray("type");
        foreach (var type in types)
        {
            writer.WriteStringValue(type);
        }
        writer.WriteEndArray();
    }

    private static void WriteSettings(Utf8JsonWriter writer)
    {
        writer.WriteString("type", "object");
        writer.WriteBoolean("additionalProperties", false);
        writer.WriteStartObject("properties");
        foreach (var setting in Setting.WithFiles(OAuthSettings.All))
        {
            writer.WriteStartObject(setting.Key);
            writer.WriteString("description", setting.Help);
            if (setting.Choices.Count > 0)
            {
                WriteShape(writer, new ModuleShape.Choice(setting.Choices));
            }
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }
}
