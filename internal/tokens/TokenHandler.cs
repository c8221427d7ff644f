using System.Net;
using System.Net.Http.Headers;

namespace Exporter.Tokens;

/// <summary>There is no token for a request. The message contains the reason and the fix.</summary>
public sealed class TokenUnavailableException(string message) : Exception(message);

/// <summary>
/// Adds the current access token to a request. When the response rejects it, renews the token once and sends the request once more; the
/// second response counts. Never sends a request without a token, and does not change a request that has an Authorization header. Safe for
/// concurrent use. Throws <see cref="TokenUnavailableException"/> when there is no token.
/// </summary>
/// <param name="tokenManagerOf">
/// The token manager of the account of a request, so that one client can serve many accounts; null for a request that needs no token.
/// </param>
/// <param name="isRejected">Whether a response rejects the access token; may read the buffered body. By default, status 401 does.</param>
public sealed class TokenHandler(
    Func<HttpRequestMessage, TokenManager?> tokenManagerOf, Func<HttpResponseMessage, CancellationToken, ValueTask<bool>>? isRejected = null)
    : DelegatingHandler
{
    /// <summary>Longer than a token request and a wait for another process, so that their own reasons are reported.</summary>
    private static readonly TimeSpan LongestWait = TokenEndpoint.RequestTimeout + TimeSpan.FromSeconds(15);

    private readonly Func<HttpResponseMessage, CancellationToken, ValueTask<bool>> isRejected =
        isRejected ?? ((response, _) => new(response.StatusCode == HttpStatusCode.Unauthorized));

    /// <summary>For a client of one account.</summary>
    public TokenHandler(TokenManager manager, Func<HttpResponseMessage, CancellationToken, ValueTask<bool>>? isRejected = null)
        : this(_ => manager, isRejected)
    {
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Headers.Authorization is not null || tokenManagerOf(request) is not { } manager)
        {
            return await base.SendAsync(request, cancellationToken);
        }
        var waiting = manager.GetTokenAsync(cancellationToken).AsTask();
        if (!await ArrivesInTimeAsync(waiting, manager))
        {
            throw new TokenUnavailableException($"a renewal in progress has returned no token for {LongestWait.TotalSeconds:0} s");
        }
        var token = await waiting ?? throw Unavailable(manager);
        if (request.Content is not null)
        {
            await request.Content.LoadIntoBufferAsync(cancellationToken);
        }
        request.Headers.Authorization = Bearer(token);
        var response = await base.SendAsync(request, cancellationToken);
        if (!await isRejected(response, cancellationToken))
        {
            return response;
        }
        var renewal = RenewAsync(manager, token, cancellationToken);
        var renewed = await ArrivesInTimeAsync(renewal, manager) ? await renewal : null;
        if (renewed is null || renewed.AccessToken!.Equals(token.AccessToken))
        {
            return response;
        }
        response.Dispose();
        request.Headers.Authorization = Bearer(renewed);
        return await base.SendAsync(request, cancellationToken);
    }

    private static async Task<Token?> RenewAsync(TokenManager manager, Token rejected, CancellationToken cancellationToken)
    {
        await manager.RenewAsync(rejected.AccessToken, cancellationToken);
        return await manager.GetTokenAsync(cancellationToken);
    }

    /// <summary>The renewal continues if it takes longer.</summary>
    private static async Task<bool> ArrivesInTimeAsync(Task waiting, TokenManager manager)
    {
        using var timeout = waiting.IsCompleted ? null : new CancellationTokenSource(LongestWait, new RunningTime(manager.Time));
        try
        {
            await waiting.WaitAsync(timeout?.Token ?? default);
            return true;
        }
        catch (OperationCanceledException) when (!waiting.IsCompleted)
        {
            return false;
        }
    }

    private static AuthenticationHeaderValue Bearer(Token token) => new("Bearer", token.AccessToken!.Reveal());

    private static TokenUnavailableException Unavailable(TokenManager manager) => new(manager.Snapshot switch
    {
        { State: TokenState.Missing, History.LastError: { } error } when manager.NextRenewal is not null => $"there is no token yet: {error}",
        { State: TokenState.Missing } => "there is no token yet: log in",
        { State: TokenState.Lost(_, var reason, _) } => $"the login is lost ({reason}): log in again",
        { State: TokenState.InvalidClient(_, var reason, _) } => $"the token cannot be renewed: {reason}",
        { State: TokenState.Active, History.LastError: var error } =>
            $"the access token has expired and cannot be renewed at the moment: {error ?? "a renewal is in progress"}",
        _ => throw new InvalidOperationException("a token has no other state"),
    });
}

/// <summary>Adds a fixed access token to every request, for a program that receives tokens from another. Safe for concurrent use.</summary>
public sealed class DirectTokenHandler(Secret accessToken) : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Authorization ??= new("Bearer", accessToken.Reveal());
        return base.SendAsync(request, cancellationToken);
    }
}
