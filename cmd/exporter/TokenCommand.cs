using System.Text.Json.Nodes;

namespace Exporter;

/// <summary><c>token</c>: prints a valid token for other programs.</summary>
internal static class TokenCommand
{
    public static void AddTo(CommandLine program)
    {
        var id = CommandLine.Switch("--id", "Print the ID token instead of the access token.");
        var json = CommandLine.Switch("--json", "Print a JSON object with the expiry time.");
        program.Add(
            new Command("token", "Prints a valid access token and nothing else. Renews it first if necessary.") { id, json },
            new(CommandGroup.Accounts,
                [
                    "oauth-exporter token home --json",
                    "curl --oauth2-bearer \"$(oauth-exporter token home)\" https://api.example.org/",
                ],
                program.EssentialSettings),
            (context, account, result, cancellationToken) =>
                RunAsync(context, account, result.GetValue(id), result.GetValue(json), cancellationToken));
    }

    private static async Task<int> RunAsync(CommandContext context, Account account, bool id, bool json, CancellationToken cancellationToken)
    {
        var manager = account.TokenManager;
        // The caller needs the token for a while, so a token whose renewal is due is renewed first. If that fails, a valid token is still printed.
        if (manager.NextRenewal <= context.Time.GetUtcNow() || (id && IsExpired(manager.Snapshot.State.Token?.IdToken)))
        {
            await manager.RenewAsync(null, cancellationToken);
        }
        if (await manager.GetTokenAsync(cancellationToken) is not { } token)
        {
            return context.ReportFailure(account);
        }
        var (secret, expiry) = id ? (token.IdToken, Jwt.Expiry(token.IdToken)) : (token.AccessToken, token.ExpiresAt);
        if (secret is null || (id && IsExpired(secret)))
        {
            return context.Terminal.Fail($"{account.Name}: there is no valid ID token; log in with the scope openid");
        }
        context.Terminal.Output.WriteLine(json ? Json(id ? "id_token" : "access_token", secret, expiry) : secret.Reveal());
        return ExitCode.Done;

        bool IsExpired(Secret? idToken) => idToken is not null && Jwt.Expiry(idToken) <= context.Time.GetUtcNow();
    }

    private static string Json(string member, Secret secret, DateTimeOffset? expiry)
    {
        var token = new JsonObject { [member] = secret.Reveal() };
        if (expiry is { } at)
        {
            token["expires_at"] = at.UtcDateTime;
        }
        return token.ToJsonString();
    }
}
