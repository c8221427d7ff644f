using System.Text.Json;

namespace Exporter.Webex;

/// <summary>
/// The personal access token, and the integration that renews it, in <c>token-config.json</c>. Other members of the file stay. The
/// integration has one of three shapes that the Webex token manager and its template used, and keeps it.
/// </summary>
public sealed class TokenConfigFormat : ITokenFormat
{
    internal const string Section = "tokenManager";
    internal const string PersonalAccessToken = "personalAccessToken";

    /// <summary>The client that the refresh token was issued to, as members of the token.</summary>
    internal const string ClientId = "client_id";
    internal const string ClientSecret = "client_secret";

    private const string Expiry = "expiry";
    internal const string RefreshToken = "refreshToken";
    private const string Hash = "of";

    private static readonly JsonStyle NewFile = new("  ", true);

    public string Name => "token-config.json";

    public bool IsShared => true;

    public bool Recognises(ReadOnlySpan<byte> content) => true;

    public Token Read(ReadOnlySpan<byte> content)
    {
        var manager = ManagerIn(Parse(content));
        var (shape, integration) = IntegrationShape.Of(manager);
        var token = new Token
        {
            AccessToken = Secret.From(manager.Value(PersonalAccessToken)),
            RefreshToken = Secret.From(integration.Value(shape.RefreshToken)),
            Members = JsonMembers.Empty.With(ClientId, integration.Value(shape.ClientId)).With(ClientSecret, integration.Value(shape.ClientSecret)),
        };
        return manager.Inner(Expiry) is { } expiry
            ? new TokenPairExpiry(
                TokenPairExpiry.ParseTime(expiry.Text(PersonalAccessToken)), TokenPairExpiry.ParseTime(expiry.Text(RefreshToken)),
                expiry.Text(Hash) ?? "").ApplyTo(token)
            : token;
    }

    public byte[] Write(Token token, ReadOnlySpan<byte> previous)
    {
        var style = previous.IsEmpty ? NewFile : JsonStyle.Of(previous);
        var file = Parse(previous);
        var (manager, inner) = (ManagerIn(file), style.Nested());
        var (shape, before) = IntegrationShape.Of(manager);
        var integration = before
            .With(shape.ClientId, token.Members.Text(ClientId) ?? before.Text(shape.ClientId))
            .With(shape.ClientSecret, token.Members.Text(ClientSecret) ?? before.Text(shape.ClientSecret))
            .With(shape.RefreshToken, token.RefreshToken?.Reveal());
        manager = shape.Inner is null ? integration : integration.Count == 0 ? manager : manager.With(shape.Inner, integration, inner);
        manager = TokenPairExpiry.From(token) is { } expiry
            ? manager.With(Expiry, (manager.Inner(Expiry) ?? JsonMembers.Empty)
                .With(PersonalAccessToken, TokenPairExpiry.Format(expiry.Access))
                .With(RefreshToken, TokenPairExpiry.Format(expiry.Refresh))
                .With(Hash, expiry.Hash), inner)
            : manager.Without(Expiry);
        return file.With(Section, manager.With(PersonalAccessToken, token.AccessToken?.Reveal()), style).ToBytes(style);
    }

    private static JsonMembers ManagerIn(JsonMembers file) =>
        file.Inner(Section) ?? (file.Has(Section) ? throw new FormatException($"{Section} is not a JSON object") : JsonMembers.Empty);

    private static JsonMembers Parse(ReadOnlySpan<byte> content)
    {
        try
        {
            return content.IsEmpty ? JsonMembers.Empty : JsonMembers.Parse(content);
        }
        catch (JsonException e)
        {
            throw new FormatException($"it is not JSON{(e.LineNumber is { } line ? $" (line {line + 1})" : "")}");
        }
    }
}

/// <summary>Where <c>tokenManager</c> contains the integration: in an object of its own, or next to the personal access token.</summary>
internal sealed record IntegrationShape(string? Inner, string ClientId, string ClientSecret, string RefreshToken)
{
    /// <summary>A new file has the first shape.</summary>
    private static readonly IntegrationShape[] All =
    [
        new("integration", "clientId", "clientSecret", TokenConfigFormat.RefreshToken),
        new(null, "oauthClientId", "oauthClientSecret", "oauthRefreshToken"),
        new(null, "clientId", "clientSecret", TokenConfigFormat.RefreshToken),
    ];

    public IEnumerable<string> Names => [ClientId, ClientSecret, RefreshToken];

    /// <summary>The first shape that has any member, and the object that contains its members.</summary>
    public static (IntegrationShape Shape, JsonMembers Members) Of(JsonMembers manager)
    {
        var shape = All.FirstOrDefault(one => one.Names.Any(one.MembersIn(manager).Has)) ?? All[0];
        return (shape, shape.MembersIn(manager));
    }

    /// <summary>The dotted name of a member in the file.</summary>
    public string QualifiedName(string name) =>
        Inner is null ? $"{TokenConfigFormat.Section}.{name}" : $"{TokenConfigFormat.Section}.{Inner}.{name}";

    private JsonMembers MembersIn(JsonMembers manager) => Inner is null ? manager : manager.Inner(Inner) ?? JsonMembers.Empty;
}
