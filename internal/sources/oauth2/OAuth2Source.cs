namespace Exporter.OAuth2;

/// <summary>A token from any OAuth 2 server, renewed for programs that read its file or run <c>token</c>.</summary>
public sealed class OAuth2Source : ISource
{
    public string Name => "oauth2";

    public SourceSettings Settings => OAuth2Options.All;

    public IReadOnlyList<ITokenFormat> TokenFormats(TimeProvider time) => [new PlainTokenFormat()];

    public Func<AccountContext, Account> Configure(Section section)
    {
        var options = OAuth2Options.Read(section);
        return context => Open(options, context);
    }

    private Account Open(OAuth2Options options, AccountContext context)
    {
        // Many servers and gateways describe an error in the nonstandard member "message".
        TokenEndpoint At(Uri address) => new(context.TokenHttp, address, options.Client, context.Time) { ErrorMembers = new(Description: "message") };

        var token = At(options.Token);
        var manager = context.CreateTokenManager(new RefreshTokenGrant(token, context.Time));
        return new Account(context.Name, Name, context.HasAccountLabel, manager, readingSource: null)
        {
            Provider = (options.Authorization ?? options.Device ?? options.Token).Host,
            Login = options switch
            {
                { Authorization: { } authorization } => new LoginMethod.Redirect(
                    new AuthorizationCodeGrant(token, authorization, options.Scopes, options.Pkce, options.RedirectUri, options.Issuer)),
                { Device: { } device } => new LoginMethod.Device(new DeviceCodeGrant(At(device), token, options.Scopes, context.Time, options.Pkce)),
                _ => new LoginMethod.Unattended(),
            },
            Revoke = options.Revocation is { } revocation ? new RevocationEndpoint(At(revocation)).RevokeAsync : null,
        };
    }
}
