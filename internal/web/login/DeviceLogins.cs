using System.Collections.Concurrent;
using Exporter.Accounts;
using Exporter.Tokens;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Exporter.Web;

/// <summary>Device logins (RFC 8628) under way: the code is asked for while the browser waits, the rest happens in the background. Safe for concurrent use.</summary>
internal sealed class DeviceLogins(ILogger<DeviceLogins> logger, IHostApplicationLifetime lifetime)
{
    private readonly CancellationToken stopping = lifetime.ApplicationStopping;
    private readonly ConcurrentDictionary<string, string> failures = new();
    private readonly Dictionary<string, Task> beginning = [];
    private readonly Lock gate = new();

    /// <summary>Why the account's last login came to nothing, in a sentence without a full stop; null where it did not, or was followed by another login.</summary>
    public string? FailureOf(Account account) => failures.GetValueOrDefault(account.Name);

    /// <summary>Asks for a code, unless one is waiting to be typed already. The token manager's snapshot shows it from then on.</summary>
    public Task BeginAsync(Account account, DeviceCodeGrant grant)
    {
        lock (gate)
        {
            return beginning.GetValueOrDefault(account.Name) is { IsCompleted: false } underWay ? underWay : beginning[account.Name] = Task.Run(() => BeginOnceAsync(account, grant));
        }
    }

    private async Task BeginOnceAsync(Account account, DeviceCodeGrant grant)
    {
        if (account.TokenManager.Snapshot.Login is not null)
        {
            return;
        }
        var (begun, failure) = await grant.BeginAsync(stopping);
        if (begun is null)
        {
            Fail(account, Reason(failure));
            return;
        }
        failures.TryRemove(account.Name, out _);
        var login = new Login(begun.Link, begun.UserCode, begun.Deadline);
        account.TokenManager.ShowLogin(login);
        _ = WaitAsync(account, grant, begun, login);
    }

    private async Task WaitAsync(Account account, DeviceCodeGrant grant, DeviceAuthorization begun, Login login)
    {
        try
        {
            var outcome = await grant.WaitAsync(begun, stopping);
            if (outcome is Renewal.Renewed(var token))
            {
                await account.AdoptAsync(token, CancellationToken.None);
            }
            else
            {
                Fail(account, Reason(outcome));
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            logger.LogError(e, "account {Account}: the login failed in a way that was not foreseen", account.Name);
            Fail(account, "it failed in a way that was not foreseen; the log says more");
        }
        finally
        {
            account.TokenManager.EndLogin(login);
        }
    }

    private void Fail(Account account, string reason)
    {
        logger.LogWarning("account {Account}: the login came to nothing: {Reason}", account.Name, reason);
        failures[account.Name] = reason;
    }

    private static string Reason(Renewal? failure) => failure switch
    {
        Renewal.Transient(_, var reason, _) => reason,
        Renewal.InvalidClient(var reason) => reason,
        Renewal.InvalidGrant(var reason) => reason,
        _ => throw new InvalidOperationException("a failure is no token"),
    };
}
