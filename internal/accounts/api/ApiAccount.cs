using Exporter.Tokens;

namespace Exporter.Accounts;

/// <summary>
/// The account that a request to a provider's API is for. It travels in the request's options, so that one client serves every account of a source:
/// a Refit method takes it as <c>[Property(ApiAccount.Option)]</c>.
/// </summary>
public class ApiAccount
{
    /// <summary>The name of the request option.</summary>
    public const string Option = "Exporter.Accounts.ApiAccount";

    private static readonly HttpRequestOptionsKey<ApiAccount> Key = new(Option);

    /// <param name="manager">Its token is put on each request, and renewed if the provider rejects it.</param>
    /// <param name="address">The base address of the API; accounts of one source may have different ones.</param>
    public ApiAccount(TokenManager manager, Uri address) => (TokenManager, Address) = (manager, address);

    /// <param name="accessToken">A token that somebody else renews.</param>
    /// <param name="address">The base address of the API.</param>
    public ApiAccount(Secret accessToken, Uri address) => (AccessToken, Address) = (accessToken, address);

    public Uri Address { get; }

    /// <summary>Null where <see cref="AccessToken"/> is given.</summary>
    public TokenManager? TokenManager { get; }

    /// <summary>Null where <see cref="TokenManager"/> is given.</summary>
    public Secret? AccessToken { get; }

    /// <summary>Counts the calls of this account; null if nothing does.</summary>
    public ApiCalls? Calls { get; init; }

    /// <summary>The access token at this moment; null if there is none.</summary>
    public Secret? CurrentToken => AccessToken ?? TokenManager?.Snapshot.State.Token?.AccessToken;

    /// <summary>The account of a request that a Refit client made.</summary>
    public static ApiAccount Of(HttpRequestMessage request) =>
        request.Options.TryGetValue(Key, out var account) ? account : throw new InvalidOperationException($"the request has no option {Option}");

    internal static TokenManager TokenManagerOf(HttpRequestMessage request) =>
        Of(request).TokenManager ?? throw new InvalidOperationException("the account has a token of its own, and the request goes out without it");
}
