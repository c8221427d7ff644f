namespace Exporter.OAuth2;

/// <summary>A token from any OAuth 2 server, renewed for programs that read its file or run <c>token</c>.</summary>
public sealed class OAuth2Source : ISource
{
    public string Name => "oauth2";

    public SourceSettings Settings { get; } = new("oauth2", OAuthSettings.All);

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new PlainTokenFormat()];

    public Func<AccountContext, Account> Configure(Section section)
    {
        var options = OAuthOptions.Read(section);
        return context => Open(options, context);
    }

    private Account Open(OAuthOptions options, AccountContext context)
    {
        var opened = OAuthAccount.Open(options, context);
        return new Account(context.Name, Name, context.HasAccountLabel, opened.TokenManager, readingSource: null)
        {
            Provider = opened.Provider,
            Login = opened.Login,
            Revoke = opened.Revoke,
            Paste = opened.Paste,
            SharingProblem = opened.SharingProblem,
        };
    }
}
