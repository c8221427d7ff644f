namespace Exporter.Accounts;

/// <summary>Logs out an account: at the provider if that is possible, and in every file that has a copy of the token.</summary>
public static class AccountLogout
{
    /// <summary>Revokes the login first, so that a failure keeps the token.</summary>
    /// <param name="isLocal">Removes the local token only. The login stays valid at the provider.</param>
    public static async Task<LogoutResult> LogOutAsync(this Account account, bool isLocal, CancellationToken cancellationToken)
    {
        var revoke = isLocal ? null : account.Revoke;
        List<ForgetResult> results = [await account.TokenManager.ForgetAsync(revoke, cancellationToken)];
        foreach (var upstream in account.Upstream.Where(_ => results[^1].Failure is null))
        {
            results.Add(await upstream.ForgetAsync(cancellationToken));
        }
        return new LogoutResult(results[^1].Failure, revoke is not null, [.. results.Select(result => result.Left).OfType<string>()]);
    }
}

/// <param name="Failure">Why the logout is not complete, without a full stop; null if it is.</param>
/// <param name="IsRevoked">Whether the provider was asked to revoke the login.</param>
/// <param name="Left">Copies of the token that could not be removed, a sentence each without a full stop.</param>
public sealed record LogoutResult(string? Failure, bool IsRevoked, IReadOnlyList<string> Left);
