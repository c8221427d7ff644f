using System.Text;
using System.Text.Json;

namespace Exporter.Http;

/// <summary>A text with formulas in braces: <c>/homes/{$home.id}/zones</c>. The account's settings are filled in already. Immutable.</summary>
/// <param name="Parts">Each is a text or a formula.</param>
internal sealed record Template(IReadOnlyList<TemplatePart> Parts)
{
    /// <summary>The text; null if one of the values is absent or is not text.</summary>
    /// <param name="encode">Encodes each value, not the text around it.</param>
    public string? Fill(FormulaScope scope, Func<string, string> encode)
    {
        var filled = new StringBuilder();
        foreach (var (text, formula) in Parts)
        {
            var value = text ?? formula!.EvaluateText(scope);
            if (value is null)
            {
                return null;
            }
            filled.Append(text is null ? encode(value) : value);
        }
        return filled.ToString();
    }

    public string? Fill(FormulaScope scope) => Fill(scope, value => value);

    /// <summary>The value of the only formula; the text otherwise.</summary>
    public object? Evaluate(FormulaScope scope) => Parts is [{ Formula: { } formula }] ? formula.Evaluate(scope) : Fill(scope);

    public override string ToString() => string.Concat(Parts.Select(part => part.Text ?? $"{{{part.Formula}}}"));
}

/// <param name="Text">Null for a formula.</param>
internal sealed record TemplatePart(string? Text, Formula? Formula);

/// <summary>A JSON value with templates as its texts. A template that is one formula keeps the type of the formula's value.</summary>
internal abstract record JsonTemplate
{
    private JsonTemplate() { }

    internal sealed record Members(IReadOnlyList<JsonTemplateMember> All) : JsonTemplate;

    internal sealed record Items(IReadOnlyList<JsonTemplate> All) : JsonTemplate;

    internal sealed record Text(Template Template) : JsonTemplate;

    /// <param name="Json">A number, true, false or null.</param>
    internal sealed record Literal(string Json) : JsonTemplate;

    /// <summary>Writes the value. An absent value is null.</summary>
    public void Write(Utf8JsonWriter writer, FormulaScope scope)
    {
        switch (this)
        {
            case Members members:
                writer.WriteStartObject();
                foreach (var (name, value) in members.All)
                {
                    writer.WritePropertyName(name);
                    value.Write(writer, scope);
                }
                writer.WriteEndObject();
                break;
            case Items items:
                writer.WriteStartArray();
                foreach (var item in items.All)
                {
                    item.Write(writer, scope);
                }
                writer.WriteEndArray();
                break;
            case Literal literal:
                writer.WriteRawValue(literal.Json);
                break;
            case Text text:
                Write(writer, text.Template.Evaluate(scope));
                break;
        }
    }

    private static void Write(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case JsonElement json:
                json.WriteTo(writer);
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case double number:
                writer.WriteNumberValue(number);
                break;
            case object?[] list:
                writer.WriteStartArray();
                foreach (var item in list)
                {
                    Write(writer, item);
                }
                writer.WriteEndArray();
                break;
            default:
                writer.WriteStringValue((string?)value);
                break;
        }
    }
}

internal sealed record JsonTemplateMember(string Name, JsonTemplate Value);
