using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace Exporter.Tokens;

/// <summary>Describes a response that is not one of OAuth, such as the page of a firewall, a proxy or a gateway.</summary>
internal static partial class UnknownAnswer
{
    private const int LongestTitle = 80;

    private static readonly string[] OwnErrorMembers = ["status", "error", "message"];

    /// <summary>
    /// What came, and from where: the media type, a page's title or the length, the host, and the server's name. Nothing else of the content,
    /// because it can contain a new token.
    /// </summary>
    public static string Describe(HttpResponseMessage response, byte[] body, Uri address)
    {
        var type = response.Content.Headers.ContentType?.MediaType;
        var title = type == "text/html" ? Title().Match(Encoding.UTF8.GetString(body)) : Match.Empty;
        var content = title.Success
            ? $"\"{Sanitize.Line(WebUtility.HtmlDecode(title.Groups[1].Value).Trim(), LongestTitle)}\""
            : $"{body.Length} bytes";
        var server = response.Headers.Server.FirstOrDefault();
        return $"{(type is null ? "" : $"{type}, ")}{content} from {address.IdnHost}{(server is null ? "" : $" ({server})")}";
    }

    /// <summary>What a server says in an error of its own: the members that usually describe one.</summary>
    public static string DescribeOwnError(JsonMembers? members) => string.Join(", ", OwnErrorMembers
        .Select(name => (Name: name, Text: members?.Text(name)))
        .Where(member => member.Text is not null)
        .Select(member => $"{member.Name} {member.Text}"));

    [GeneratedRegex("<title[^>]*>([^<]*)<", RegexOptions.IgnoreCase)]
    private static partial Regex Title();
}
