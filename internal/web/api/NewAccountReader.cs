using System.Text.Json;

namespace Exporter.Web;

/// <summary>Reads an account to create: an object with <c>name</c>, <c>template</c> and, if there is one, <c>refresh_token</c>.</summary>
internal static class NewAccountReader
{
    public const int MaxLength = 16 * 1024;

    private static readonly string[] Members = ["name", "template", "refresh_token"];

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 4 };

    /// <summary>The account, or a sentence with the fix.</summary>
    public static Result<NewSharedAccount, string> Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            return Read(document.RootElement);
        }
        catch (JsonException)
        {
            return "This is not JSON, or a member occurs twice; write an object with name, template and refresh_token.";
        }
        catch (InvalidOperationException)
        {
            // A string with half of a surrogate pair.
            return "A text is not valid Unicode; correct it.";
        }
    }

    private static Result<NewSharedAccount, string> Read(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return "This is not a JSON object; write an object with name, template and refresh_token.";
        }
        var values = new Dictionary<string, string?>();
        foreach (var member in json.EnumerateObject())
        {
            if (!Members.Contains(member.Name))
            {
                return $"Unknown member {Sanitize.Line(member.Name, 60)}{Nearest.Remedy(member.Name, Members, $"use {string.Join(", ", Members)}")}"
                    .TrimEnd('?') + ".";
            }
            if (member.Value.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
            {
                return $"The member {member.Name} is not a string; write it in quotes.";
            }
            values[member.Name] = member.Value.GetString();
        }
        if (Members.Take(2).FirstOrDefault(name => values.GetValueOrDefault(name) is null) is { } missing)
        {
            return $"The member {missing} is missing; add it.";
        }
        var token = values.GetValueOrDefault("refresh_token");
        return token is not null && (token.Length == 0 || token.Any(char.IsControl))
            ? "The refresh token is empty or has more than one line; leave the member out for an account that a user logs in."
            : new NewSharedAccount(values["name"]!, values["template"]!, Secret.From(token));
    }
}
