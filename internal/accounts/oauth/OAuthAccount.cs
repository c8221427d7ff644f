namespace Exporter.Accounts;

/// <summary>What an account at an OAuth 2 server consists of, for the source that creates the <see cref="Account"/>. Immutable.</summary>
/// <param name="Provider">The server's host, for people.</param>
/// <param name="Revoke">See <see cref="Account.Revoke"/>.</param>
/// <param name="Paste">See <see cref="Account.Paste"/>.</param>
/// <param name="SharingProblem">See <see cref="Account.SharingProblem"/>.</param>
public sealed record OAuthAccount(
    TokenManager TokenManager, LoginMethod Login, string Provider, Func<Token, CancellationToken, Task<string?>>? Revoke, PastedToken Paste,
    string? SharingProblem)
{
    private const string ByClient = "The exporter logs in with the client ID and the client secret.";
    private const string ByPassword = "The exporter logs in with the configured user name and password.";

    /// <summary>Opens the account without using the network.</summary>
    public static OAuthAccount Open(OAuthOptions options, AccountContext context)
    {
        var metadata = options.NeedsMetadata ? new ServerMetadata(context.TokenHttp, new Uri(options.Issuer!), context.Time) : null;
        var token = At(Where(options.Token, OAuthSettings.Token), options.TokenParameters.Reveal(), options.TokenAt, options.IsTokenError);
        var manager = context.CreateTokenManager(CreateGrant(options, token, context));
        var known = options.Authorization ?? options.Device ?? options.Token;
        var revocation = options.Revocation ?? (options.Token is null ? Where(null, OAuthSettings.Revocation) : null);
        LoginMethod login = options.Grant switch
        {
            OAuthGrant.AuthorizationCode => new LoginMethod.Redirect(new AuthorizationCodeGrant(
                token, Where(options.Authorization, OAuthSettings.Authorization), options.Scopes, options.Pkce, options.RedirectUri,
                // With metadata, the server announces whether its callbacks have an issuer.
                metadata is null ? options.Issuer : null)
            {
                ScopeSeparator = options.ScopeSeparator,
                ExtraParameters = options.AuthorizeParameters.Reveal(),
                Metadata = metadata,
            }),
            OAuthGrant.DeviceCode => new LoginMethod.Device(new DeviceCodeGrant(
                At(Where(options.Device, OAuthSettings.Device)), token, options.Scopes, context.Time, options.Pkce,
                options.AuthorizeParameters.Reveal())
            {
                ScopeSeparator = options.ScopeSeparator,
            }),
            OAuthGrant.ClientCredentials => new LoginMethod.Unattended(ByClient),
            OAuthGrant.Password => new LoginMethod.Unattended(ByPassword),
            _ => new LoginMethod.Unattended(),
        };
        return new OAuthAccount(
            manager, login, (known ?? new Uri(options.Issuer!)).Host,
            revocation is null ? null : new RevocationEndpoint(At(revocation)).RevokeAsync,
            new PastedToken(
                "refresh token", login is LoginMethod.Unattended { Explanation: { } explanation } ? Refuse(explanation) : manager.TryAsync),
            // In memory only, each replica would send a rejected password again, and some servers lock the user.
            options.Grant is OAuthGrant.Password ? "a password that the server rejects is recorded in a file" : null);

        EndpointAddress Where(Uri? address, Setting setting) => address is null ? metadata!.Endpoint(setting.Key) : address;

        // Many servers and gateways describe an error in the nonstandard member "message".
        TokenEndpoint At(
            EndpointAddress address, IReadOnlyList<KeyValuePair<string, string>>? parameters = null, string? tokenAt = null,
            Func<System.Text.Json.JsonElement, bool>? isError = null) => new(context.TokenHttp, address, options.Client, context.Time)
            {
                ErrorMembers = new(Description: "message"),
                ExtraParameters = parameters ?? [],
                TokenAt = tokenAt,
                IsError = isError,
            };
    }

    private static IGrant CreateGrant(OAuthOptions options, TokenEndpoint token, AccountContext context) => options.Grant switch
    {
        OAuthGrant.ClientCredentials => new ClientCredentialsGrant(token, options.Scopes, options.ScopeSeparator),
        OAuthGrant.Password => new PasswordGrant(
            token, options.Credentials!, options.Scopes, context.Time,
            context.TokenFile is { } file ? $"{file}.rejected-password" : null, context.Logging.CreateLogger<PasswordGrant>())
        {
            ScopeSeparator = options.ScopeSeparator,
        },
        _ => new RefreshTokenGrant(token, context.Time),
    };

    /// <summary>The login that would follow a rejected token would look like a success.</summary>
    private static Func<Secret, Func<Token, Task<bool>>, CancellationToken, Task<Renewal>> Refuse(string explanation) =>
        (_, _, _) => Task.FromResult<Renewal>(new Renewal.InvalidClient($"{explanation.TrimEnd('.')}; a pasted token is of no use"));
}
