using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Exporter.Web;

/// <summary>
/// Device logins (RFC 8628). The device authorization request runs while the browser waits, the polling in the background. Safe for
/// concurrent use.
/// </summary>
internal sealed class DeviceLogins(NewLogins logins, LoginLinks links, ILogger<DeviceLogins> logger, IHostApplicationLifetime lifetime)
{
    private readonly CancellationToken stopping = lifetime.ApplicationStopping;
    private readonly ConditionalWeakTable<Account, string> failures = [];
    private readonly ConcurrentDictionary<Login, CancellationTokenSource> pending = new();

    /// <summary>Why the account's last login failed, without a full stop; null if it did not, or a later login has started.</summary>
    public string? FailureOf(Account account) => failures.TryGetValue(account, out var reason) ? reason : null;

    /// <summary>Requests a user code, unless one is already waiting. The token manager's snapshot then contains it.</summary>
    public async Task StartAsync(Account account, DeviceCodeGrant grant, LoginPermission permission, LoginAttempt attempt)
    {
        if (account.TokenManager.Snapshot.Login is not null)
        {
            return;
        }
        var (authorization, failure) = await grant.BeginAsync(stopping);
        attempt.Succeeded = authorization is not null;
        if (authorization is null)
        {
            Fail(account, ReasonOf(failure));
            return;
        }
        failures.Remove(account);
        var login = new Login(authorization.Link, authorization.UserCode, authorization.Deadline);
        var cancellation = CancellationTokenSource.CreateLinkedTokenSource(stopping, account.Leaving);
        pending[login] = cancellation;
        account.TokenManager.ShowLogin(login);
        _ = PollAsync(account, grant, authorization, login, permission, cancellation);
    }

    /// <summary>Ends the login in progress, if there is one. A code that the user enters later then changes nothing here.</summary>
    public void Cancel(Account account)
    {
        if (account.TokenManager.Snapshot.Login is { } login && pending.TryRemove(login, out var cancellation))
        {
            logger.LogInformation("account {Account}: the login was canceled", account.Name);
            account.TokenManager.EndLogin(login);
            cancellation.Cancel();
        }
    }

    private async Task PollAsync(
        Account account, DeviceCodeGrant grant, DeviceAuthorization authorization, Login login, LoginPermission permission,
        CancellationTokenSource cancellation)
    {
        using var disposeCancellation = cancellation;
        try
        {
            var outcome = await grant.WaitAsync(authorization, cancellation.Token);
            if (outcome is Renewal.Renewed(var token))
            {
                var adopted = await logins.AdoptAsync(account, token, permission);
                if (adopted == LoginOutcome.Success)
                {
                    await links.SpendAsync(permission);
                }
                else if (adopted == LoginOutcome.NotFirst)
                {
                    Fail(account, "another login was faster");
                }
                else if (adopted == LoginOutcome.AccountChanged)
                {
                    Fail(account, "a reload changed the account");
                }
            }
            else
            {
                Fail(account, ReasonOf(outcome));
            }
        }
        catch (OperationCanceledException) when (account.Leaving.IsCancellationRequested)
        {
            logger.LogWarning("account {Account}: a reload changed the account and ended the login; log in again", account.Name);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            logger.LogError(e, "account {Account}: unexpected error during the login", account.Name);
            Fail(account, "an unexpected error occurred; see the log");
        }
        finally
        {
            pending.TryRemove(login, out _);
            account.TokenManager.EndLogin(login);
        }
    }

    private void Fail(Account account, string reason)
    {
        logger.LogWarning("account {Account}: the login failed: {Reason}", account.Name, reason);
        failures.AddOrUpdate(account, reason);
    }

    private static string ReasonOf(Renewal? failure) => failure switch
    {
        Renewal.Transient(_, var reason, _) => reason,
        Renewal.InvalidClient(var reason) => reason,
        Renewal.InvalidGrant(var reason) => reason,
        _ => throw new InvalidOperationException("not a failure"),
    };
}
