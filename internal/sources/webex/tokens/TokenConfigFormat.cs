using System.Text.Json;
using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>
/// The personal access token, and the integration that renews it, in <c>token-config.json</c> beside what else that file holds. The
/// integration may stand in any of the three ways that the Webex token manager and its template had; it stays in its own.
/// </summary>
public sealed class TokenConfigFormat : ITokenFormat
{
    internal const string Section = "tokenManager";
    internal const string PersonalAccessToken = "personalAccessToken";

    /// <summary>Among a token's members, the client that its refresh token was given to.</summary>
    internal const string ClientId = "client_id";
    internal const string ClientSecret = "client_secret";

    private const string Expiry = "expiry";
    private const string RefreshToken = "refreshToken";
    private const string Of = "of";

    private static readonly JsonStyle NewFile = new("  ", true);

    /// <summary>A new file is written in the first.</summary>
    internal static readonly IReadOnlyList<IntegrationShape> Shapes =
    [
        new("integration", "clientId", "clientSecret", RefreshToken),
        new(null, "oauthClientId", "oauthClientSecret", "oauthRefreshToken"),
        new(null, "clientId", "clientSecret", RefreshToken),
    ];

    public string Name => "token-config.json";

    public bool IsShared => true;

    public bool Recognises(ReadOnlySpan<byte> content) => true;

    public Token Read(ReadOnlySpan<byte> content)
    {
        var held = content.IsEmpty ? JsonMembers.Empty : Manager(Parse(content));
        var shape = IntegrationShape.Of(held);
        var integration = shape.In(held);
        var token = new Token
        {
            AccessToken = Secret.From(held.Text(PersonalAccessToken)),
            RefreshToken = Secret.From(integration.Text(shape.RefreshToken)),
            Members = JsonMembers.Empty.With(ClientId, integration.Text(shape.ClientId)).With(ClientSecret, integration.Text(shape.ClientSecret)),
        };
        return held.Inner(Expiry) is { } ends ? new Ends(Ends.Time(ends.Text(PersonalAccessToken)), Ends.Time(ends.Text(RefreshToken)), ends.Text(Of) ?? "").Put(token) : token;
    }

    public byte[] Write(Token token, ReadOnlySpan<byte> previous)
    {
        var style = previous.IsEmpty ? NewFile : JsonStyle.Of(previous);
        var before = previous.IsEmpty ? JsonMembers.Empty : Parse(previous);
        var held = Manager(before);
        var (shape, inner) = (IntegrationShape.Of(held), style.Nested());
        var integration = shape.In(held)
            .With(shape.ClientId, token.Members.Text(ClientId) ?? shape.In(held).Text(shape.ClientId))
            .With(shape.ClientSecret, token.Members.Text(ClientSecret) ?? shape.In(held).Text(shape.ClientSecret))
            .With(shape.RefreshToken, token.RefreshToken?.Reveal());
        if (shape.Inner is not null)
        {
            held = integration.Count == 0 ? held : held.With(shape.Inner, integration, inner);
        }
        else
        {
            held = integration;
        }
        held = Ends.From(token) is { } ends
            ? held.With(Expiry, (held.Inner(Expiry) ?? JsonMembers.Empty).With(PersonalAccessToken, Ends.Text(ends.Access)).With(RefreshToken, Ends.Text(ends.Refresh)).With(Of, ends.Of), inner)
            : held.Without(Expiry);
        return before.With(Section, held.With(PersonalAccessToken, token.AccessToken?.Reveal()), style).ToBytes(style);
    }

    private static JsonMembers Manager(JsonMembers file) =>
        file.Inner(Section) ?? (file.Has(Section) ? throw new FormatException($"{Section} is no JSON object") : JsonMembers.Empty);

    private static JsonMembers Parse(ReadOnlySpan<byte> content)
    {
        try
        {
            return JsonMembers.Parse(content);
        }
        catch (JsonException e)
        {
            throw new FormatException($"it is not JSON{(e.LineNumber is { } line ? $" (line {line + 1})" : "")}");
        }
    }
}

/// <summary>How the integration stands in <c>tokenManager</c>: in an object of its own, or beside the personal access token.</summary>
internal sealed record IntegrationShape(string? Inner, string ClientId, string ClientSecret, string RefreshToken)
{
    /// <summary>The first shape of which there is anything.</summary>
    public static IntegrationShape Of(JsonMembers manager) =>
        TokenConfigFormat.Shapes.FirstOrDefault(shape => shape.Names.Any(shape.In(manager).Has)) ?? TokenConfigFormat.Shapes[0];

    public IEnumerable<string> Names => [ClientId, ClientSecret, RefreshToken];

    /// <summary>Where its members are.</summary>
    public JsonMembers In(JsonMembers manager) => Inner is null ? manager : manager.Inner(Inner) ?? JsonMembers.Empty;

    /// <summary>The name of a member as a person looks for it.</summary>
    public string Dotted(string name) => Inner is null ? $"{TokenConfigFormat.Section}.{name}" : $"{TokenConfigFormat.Section}.{Inner}.{name}";
}
