using System.Text.Json.Nodes;
using Exporter.Accounts;
using Exporter.Tokens;

namespace Exporter;

/// <summary><c>exporter token</c>: prints a token that can be used now, for other programs.</summary>
internal sealed class TokenCommand(OneAccount accounts, Terminal terminal, TimeProvider time)
{
    /// <param name="name">The account; null when there is one.</param>
    /// <param name="id">The identity token instead of the access token.</param>
    /// <param name="json">As an object with its expiry.</param>
    /// <returns>The exit code.</returns>
    public Task<int> RunAsync(string? name, bool id, bool json, CancellationToken cancellationToken) => accounts.WithAsync(name, async account =>
    {
        var manager = account.TokenManager;
        // Who asks wants to work with it for a while: what would be renewed by now anyhow is renewed first, if that succeeds.
        if (manager.NextRenewal <= time.GetUtcNow() || (id && Ended(manager.Snapshot.State.Token?.IdToken)))
        {
            await manager.RenewAsync(null, cancellationToken);
        }
        if (await manager.GetTokenAsync(cancellationToken) is not { } token)
        {
            return accounts.Explain(account);
        }
        var (secret, end) = id ? (token.IdToken, Jwt.Expiry(token.IdToken)) : (token.AccessToken, token.ExpiresAt);
        if (secret is null || (id && Ended(secret)))
        {
            terminal.Error.WriteLine($"{account.Name}: there is no identity token that is good; the scope openid has to be asked for when logging in");
            return ExitCode.Failed;
        }
        terminal.Output.WriteLine(json ? Json(id ? "id_token" : "access_token", secret, end) : secret.Reveal());
        return ExitCode.Done;
    }, cancellationToken);

    private bool Ended(Secret? identity) => identity is not null && Jwt.Expiry(identity) <= time.GetUtcNow();

    private static string Json(string member, Secret secret, DateTimeOffset? end)
    {
        var token = new JsonObject { [member] = secret.Reveal() };
        if (end is { } at)
        {
            token["expires_at"] = at.UtcDateTime;
        }
        return token.ToJsonString();
    }
}
