using System.Net.Http.Headers;

namespace Exporter.Tokens;

/// <summary>There is no token to send a request with. The message says why and what to do.</summary>
public sealed class TokenUnavailableException(string message) : Exception(message);

/// <summary>
/// Puts the current access token on a request. On an answer that means "token" it asks the keeper once for a fresh one and
/// sends the request once more; what the second answer says stands. A request never goes out without a token.
/// </summary>
/// <param name="meansToken">Whether this answer is the cloud's way of refusing the access token; may read the body, which is buffered.</param>
public sealed class TokenHandler(Keeper keeper, Func<HttpResponseMessage, CancellationToken, ValueTask<bool>> meansToken) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var token = await keeper.GetTokenAsync(cancellationToken) ?? throw Unavailable();
        if (request.Content is not null)
        {
            await request.Content.LoadIntoBufferAsync(cancellationToken);
        }
        request.Headers.Authorization = Bearer(token);
        var response = await base.SendAsync(request, cancellationToken);
        if (!await meansToken(response, cancellationToken))
        {
            return response;
        }
        await keeper.RenewAsync(token.AccessToken, cancellationToken);
        var fresh = await keeper.GetTokenAsync(cancellationToken);
        if (fresh is null || fresh.AccessToken!.Equals(token.AccessToken))
        {
            return response;
        }
        response.Dispose();
        request.Headers.Authorization = Bearer(fresh);
        return await base.SendAsync(request, cancellationToken);
    }

    private static AuthenticationHeaderValue Bearer(Token token) => new("Bearer", token.AccessToken!.Reveal());

    private TokenUnavailableException Unavailable() => new(keeper.Snapshot.State switch
    {
        TokenState.Missing => "there is no token yet: somebody has to log in",
        TokenState.Lost(_, var reason, _) => $"the login is lost ({reason}): somebody has to log in again",
        TokenState.Refused(_, var reason, _) => $"the token cannot be renewed: {reason}",
        TokenState.Active => $"the token has ended and cannot be renewed at the moment: {keeper.Snapshot.History.LastError ?? "a renewal is under way"}",
        _ => throw new InvalidOperationException("a token has no other state"),
    });
}
