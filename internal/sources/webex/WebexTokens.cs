using System.Net;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exporter.Webex;

/// <summary>Where the Webex token manager's files are, and what Webex is.</summary>
public sealed record WebexTokensOptions
{
    /// <summary>The service app, the personal access token and the integration. A relative path starts from the working directory.</summary>
    public string ConfigFile { get; init; } = WebexOptions.ConfigFileName;

    /// <summary>The <c>.env</c> that the service app's token is kept in; it need not be there.</summary>
    public string EnvFile { get; init; } = WebexOptions.EnvFileName;

    /// <summary>Another than Webex's is a stand-in.</summary>
    public Uri Api { get; init; } = WebexOptions.Webex;

    /// <summary>For token requests; must not follow redirects. Null makes one. Not disposed of.</summary>
    public HttpClient? Http { get; init; }
}

/// <summary>
/// The token of a service app for a C# program that has the Webex token manager's files: kept, renewed through all levels, and saved where
/// that program looks for it. Safe for concurrent use, also beside a running exporter on the same files. Renews when it is asked; for
/// renewals in time, give <see cref="ServiceApp"/> and <see cref="Personal"/> to <see cref="Rounds"/>.
/// </summary>
public sealed class WebexTokens : IAsyncDisposable
{
    private readonly WebexChain chain;
    private readonly HttpClient http;
    private readonly WebexTokensOptions options;
    private readonly TimeProvider time;

    public WebexTokens(WebexTokensOptions options, TimeProvider time, ILogger? logger = null)
    {
        (this.options, this.time) = (options, time);
        http = options.Http ?? TokenEndpoint.CreateHttp();
        var config = new TokenConfig(Path.GetFullPath(options.ConfigFile), ServiceAppSettings.None);
        var parts = new WebexChainParts(
            "webex", config, null, options.Api, WebexOptions.LoopbackRedirect, [WebexOptions.ApplicationsToken], "exporter login");
        chain = new WebexChain(
            parts,
            new FileStore(Path.GetFullPath(options.EnvFile), [new DotEnvTokenFormat()], time),
            new FileStore(config.Path, [new TokenConfigFormat()], time),
            new KeeperOptions { Pace = new Pace(time) },
            time,
            logger ?? NullLogger.Instance,
            http);
    }

    /// <summary>Keeps the service app's token.</summary>
    public Keeper ServiceApp => chain.ServiceApp;

    /// <summary>Keeps the personal access token.</summary>
    public Keeper Personal => chain.Personal;

    /// <summary>The four ways to the service app's token, in the order in which they are gone, at this moment.</summary>
    public IReadOnlyList<TokenLevel> Levels => chain.Levels.At(time.GetUtcNow());

    /// <summary>Reads both files; the first use of anything else does so as well.</summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        await Personal.LoadAsync(cancellation);
        await ServiceApp.LoadAsync(cancellation);
    }

    /// <summary>The service app's token, renewed if it has ended; null when there is none to be had, and <see cref="ServiceApp"/>'s snapshot says why.</summary>
    public async Task<Token?> GetTokenAsync(CancellationToken cancellation)
    {
        await LoadAsync(cancellation);
        return await ServiceApp.GetTokenAsync(cancellation);
    }

    /// <summary>
    /// The counterpart of the token manager's <c>is_token_valid()</c>: asks <c>GET /v1/dataSources</c> under the token that is stored,
    /// and renews nothing. A network that fails is no invalid token here.
    /// </summary>
    /// <returns>Whether Webex accepts it, false without one; or why that could not be found out.</returns>
    public async Task<ApiAnswer<bool>> IsTokenValidAsync(CancellationToken cancellation)
    {
        await LoadAsync(cancellation);
        if (ServiceApp.Snapshot.State.Token?.AccessToken is not { } token)
        {
            return new ApiAnswer<bool>.Success(false);
        }
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(options.Api, "/v1/dataSources")) { Headers = { Authorization = new("Bearer", token.Reveal()) } };
        return await ApiRequest.SendAsync(http, request, "Webex", reply => Validity(reply, token), time, cancellation);
    }

    /// <summary>
    /// The counterpart of <c>refresh_token()</c>: renews now, whatever the token's age, by the first level that works. One renewal at a time, whoever asks.
    /// </summary>
    /// <returns>What there is afterwards; an active state without failed renewals is a success.</returns>
    public async Task<KeeperSnapshot> RefreshTokenAsync(CancellationToken cancellation)
    {
        await LoadAsync(cancellation);
        return await ServiceApp.RenewAsync(null, cancellation);
    }

    /// <summary>Waits for a renewal that was sent, and saves what is only in memory.</summary>
    public async ValueTask DisposeAsync()
    {
        await ServiceApp.DisposeAsync();
        await Personal.DisposeAsync();
        chain.Dispose();
        if (options.Http is null)
        {
            http.Dispose();
        }
    }

    private static ApiAnswer<bool> Validity(ApiReply reply, Secret token) => reply.Status switch
    {
        HttpStatusCode.OK => new ApiAnswer<bool>.Success(true),
        HttpStatusCode.Unauthorized => new ApiAnswer<bool>.Success(false),
        _ => WebexAnswer.Failure<bool>(reply, WebexApi.ReadScope, [token]),
    };
}
