namespace Exporter.Tokens;

/// <summary>
/// The grant of an account whose requests contain a credential of the configuration, such as an API key, or none. There is nothing to renew,
/// and its token is in no request.
/// </summary>
public sealed class ConfiguredCredential : IGrant
{
    /// <summary>The location of <see cref="CreateStore"/>, for messages.</summary>
    public const string Location = "the configuration";

    /// <summary>A store that always contains the token of such an account.</summary>
    public static ITokenStore CreateStore() => new MemoryStore(new Token { AccessToken = new Secret(Location), IsConfigured = true }, Location);

    public bool CanRenew(Token? current) => false;

    public Task<Renewal> RenewAsync(Token? current, CancellationToken cancellationToken) => Task.FromResult<Renewal>(
        new Renewal.Transient(FailureKind.Unexpected, "the credential is in the configuration, so there is nothing to renew"));
}
