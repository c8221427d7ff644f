using Exporter.Tokens;

namespace Exporter.Webex;

/// <summary>
/// The service app's token as the Webex token manager keeps it: two lines of a <c>.env</c> file among other lines. A third, which
/// that program passes over, says when the two end.
/// </summary>
public sealed class DotEnvTokenFormat : ITokenFormat
{
    public const string AccessToken = "WEBEX_SERVICE_APP_ACCESS_TOKEN";
    public const string RefreshToken = "WEBEX_SERVICE_APP_REFRESH_TOKEN";

    /// <summary>No beginning of this is the name of one of the others: some programs look no further than that.</summary>
    public const string Expiry = "WEBEX_SERVICE_APP_EXPIRY";

    public string Name => ".env";

    public bool IsShared => true;

    public bool Recognises(ReadOnlySpan<byte> content) => (DotEnv.Find(content, AccessToken) ?? DotEnv.Find(content, RefreshToken)) is not null;

    public Token Read(ReadOnlySpan<byte> content) => Ends.Parse(DotEnv.Find(content, Expiry)).Put(new Token
    {
        AccessToken = Secret.From(DotEnv.Find(content, AccessToken)),
        RefreshToken = Secret.From(DotEnv.Find(content, RefreshToken)),
    });

    public byte[] Write(Token token, ReadOnlySpan<byte> previous) => DotEnv.With(
        DotEnv.With(DotEnv.With(previous, AccessToken, token.AccessToken?.Reveal()), RefreshToken, token.RefreshToken?.Reveal()), Expiry, Ends.From(token)?.ToString());
}
