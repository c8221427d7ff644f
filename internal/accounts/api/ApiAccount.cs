namespace Exporter.Accounts;

/// <summary>
/// The account that a request to a provider's API is for. It travels in the request's options, so that one client serves every account of a
/// source: a Refit method takes it as <c>[Property(ApiAccount.Option)]</c>.
/// </summary>
public class ApiAccount
{
    public const string Option = "Exporter.Accounts.ApiAccount";

    private static readonly HttpRequestOptionsKey<ApiAccount> Key = new(Option);

    /// <param name="manager">
    /// Its token is added to each request, and renewed if the provider rejects it. Null if requests contain their credentials, or need none.
    /// </param>
    /// <param name="address">The base address of the API; accounts of one source may have different ones.</param>
    public ApiAccount(TokenManager? manager, Uri address) => (TokenManager, Address) = (manager, address);

    /// <param name="accessToken">A token that the client does not renew.</param>
    public ApiAccount(Secret accessToken, Uri address) => (AccessToken, Address) = (accessToken, address);

    public Uri Address { get; }

    /// <summary>Null for an account with a fixed token or without a token.</summary>
    public TokenManager? TokenManager { get; }

    /// <summary>A fixed token; null for any other account.</summary>
    public Secret? AccessToken { get; }

    /// <summary>Counts the calls of this account; null for no counts.</summary>
    public ApiCalls? Calls { get; init; }

    /// <summary>Limits the requests of this account; null for no limit.</summary>
    public IRequestBudget? Budget { get; init; }

    /// <summary>The largest response in bytes.</summary>
    public int LargestResponse { get; init; } = ApiLimits.LargestBody;

    /// <summary>The current access token; null if there is none.</summary>
    public Secret? CurrentToken => AccessToken ?? TokenManager?.Snapshot.State.Token?.AccessToken;

    /// <summary>Marks a request as one of this account.</summary>
    public void Mark(HttpRequestMessage request) => request.Options.Set(Key, this);

    public static ApiAccount Of(HttpRequestMessage request) =>
        request.Options.TryGetValue(Key, out var account) ? account : throw new InvalidOperationException($"the request has no option {Option}");

    internal static TokenManager? TokenManagerOf(HttpRequestMessage request) => Of(request).TokenManager;
}
