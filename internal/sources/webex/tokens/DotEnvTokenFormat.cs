namespace Exporter.Webex;

/// <summary>
/// The service app's token as the Webex token manager stores it: two lines of a <c>.env</c> file that can contain other lines. A third
/// line, which that program ignores, contains the expiry times.
/// </summary>
public sealed class DotEnvTokenFormat : ITokenFormat
{
    public const string AccessToken = "WEBEX_SERVICE_APP_ACCESS_TOKEN";
    public const string RefreshToken = "WEBEX_SERVICE_APP_REFRESH_TOKEN";

    /// <summary>None of the three names is a prefix of another, because some programs match by prefix.</summary>
    public const string Expiry = "WEBEX_SERVICE_APP_EXPIRY";

    public string Name => ".env";

    public bool IsShared => true;

    public bool Recognises(ReadOnlySpan<byte> content) =>
        (DotEnv.Find(content, AccessToken) ?? DotEnv.Find(content, RefreshToken)) is not null;

    public Token Read(ReadOnlySpan<byte> content)
    {
        var token = new Token
        {
            AccessToken = Secret.From(DotEnv.Find(content, AccessToken)),
            RefreshToken = Secret.From(DotEnv.Find(content, RefreshToken)),
        };
        return TokenPairExpiry.Parse(DotEnv.Find(content, Expiry))?.ApplyTo(token) ?? token;
    }

    public byte[] Write(Token token, ReadOnlySpan<byte> previous)
    {
        var content = DotEnv.With(previous, AccessToken, token.AccessToken?.Reveal());
        content = DotEnv.With(content, RefreshToken, token.RefreshToken?.Reveal());
        return DotEnv.With(content, Expiry, TokenPairExpiry.From(token)?.ToString());
    }
}
