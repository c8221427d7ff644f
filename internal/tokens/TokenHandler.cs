using System.Net;
using System.Net.Http.Headers;

namespace Exporter.Tokens;

/// <summary>There is no token to send a request with. The message says why and what to do.</summary>
public sealed class TokenUnavailableException(string message) : Exception(message);

/// <summary>
/// Puts the current access token on a request. On an answer that means "token" it asks the token manager once for a fresh one and
/// sends the request once more; what the second answer says stands. A request never goes out without a token; one that brings
/// its own is let through as it is. Safe for concurrent use. Throws <see cref="TokenUnavailableException"/> when there is no token.
/// </summary>
/// <param name="tokenManagerOf">The token manager of the account that a request is for, so that one client may serve many accounts.</param>
/// <param name="isTokenRejected">Whether this answer is the provider's way of rejecting the access token; may read the body, which is buffered. By default status 401 is.</param>
public sealed class TokenHandler(Func<HttpRequestMessage, TokenManager> tokenManagerOf, Func<HttpResponseMessage, CancellationToken, ValueTask<bool>>? isTokenRejected = null) : DelegatingHandler
{
    private readonly Func<HttpResponseMessage, CancellationToken, ValueTask<bool>> isTokenRejected =
        isTokenRejected ?? ((response, _) => new(response.StatusCode == HttpStatusCode.Unauthorized));

    /// <summary>For a client of one account.</summary>
    public TokenHandler(TokenManager manager, Func<HttpResponseMessage, CancellationToken, ValueTask<bool>>? isTokenRejected = null)
        : this(_ => manager, isTokenRejected)
    {
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Headers.Authorization is not null)
        {
            return await base.SendAsync(request, cancellationToken);
        }
        var manager = tokenManagerOf(request);
        var token = await manager.GetTokenAsync(cancellationToken) ?? throw Unavailable(manager);
        if (request.Content is not null)
        {
            await request.Content.LoadIntoBufferAsync(cancellationToken);
        }
        request.Headers.Authorization = Bearer(token);
        var response = await base.SendAsync(request, cancellationToken);
        if (!await isTokenRejected(response, cancellationToken))
        {
            return response;
        }
        await manager.RenewAsync(token.AccessToken, cancellationToken);
        var fresh = await manager.GetTokenAsync(cancellationToken);
        if (fresh is null || fresh.AccessToken!.Equals(token.AccessToken))
        {
            return response;
        }
        response.Dispose();
        request.Headers.Authorization = Bearer(fresh);
        return await base.SendAsync(request, cancellationToken);
    }

    private static AuthenticationHeaderValue Bearer(Token token) => new("Bearer", token.AccessToken!.Reveal());

    private static TokenUnavailableException Unavailable(TokenManager manager) => new(manager.Snapshot.State switch
    {
        TokenState.Missing when manager.NextRenewal is not null && manager.Snapshot.History.LastError is { } reason => $"there is no token yet: {reason}",
        TokenState.Missing => "there is no token yet: log in",
        TokenState.Lost(_, var reason, _) => $"the login is lost ({reason}): log in again",
        TokenState.InvalidClient(_, var reason, _) => $"the token cannot be renewed: {reason}",
        TokenState.Active => $"the access token has expired and cannot be renewed at the moment: {manager.Snapshot.History.LastError ?? "a renewal is in progress"}",
        _ => throw new InvalidOperationException("a token has no other state"),
    });
}

/// <summary>Puts one given access token on every request, for a program that was handed a token and keeps none. Nothing renews it. Safe for concurrent use.</summary>
public sealed class DirectTokenHandler(Secret accessToken) : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Authorization ??= new("Bearer", accessToken.Reveal());
        return base.SendAsync(request, cancellationToken);
    }
}
