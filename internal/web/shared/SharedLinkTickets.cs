using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace Exporter.Web;

/// <summary>
/// Tickets that every replica accepts: the ticket is encrypted and contains the permission, and the database records which links and tickets
/// were used. Safe for concurrent use.
/// </summary>
internal sealed class SharedLinkTickets(
    ISharedAccounts accounts, IDataProtectionProvider protection, TimeProvider time, ILogger<SharedLinkTickets> logger) : ILinkTickets
{
    private readonly IDataProtector protector = protection.CreateProtector("login link ticket");

    public async ValueTask<string?> IssueAsync(
        string linkId, DateTimeOffset until, string account, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        if (!await accounts.UseLinkAsync($"link {linkId}", until, cancellationToken))
        {
            return null;
        }
        var deadline = (time.GetUtcNow() + lifetime).UtcTicks.ToString(CultureInfo.InvariantCulture);
        return protector.Protect($"{deadline}\n{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16))}\n{account}");
    }

    public async ValueTask<bool> IsValidAsync(string ticket, string account, CancellationToken cancellationToken) =>
        Read(ticket) is { } permission && permission.Account == account && permission.Deadline > time.GetUtcNow()
        && !await accounts.IsLinkUsedAsync($"ticket {permission.Id}", cancellationToken);

    /// <summary>The login is finished, so a database that cannot be reached must not make it fail. The ticket then lasts until it expires.</summary>
    public async ValueTask SpendAsync(string ticket)
    {
        if (Read(ticket) is not { } permission)
        {
            return;
        }
        try
        {
            await accounts.UseLinkAsync($"ticket {permission.Id}", permission.Deadline, CancellationToken.None);
        }
        catch (StoreUnavailableException e)
        {
            logger.LogWarning(
                "account {Account}: the permission of a one-time link lasts until {Deadline:u}, because its use could not be recorded: {Reason}",
                permission.Account, permission.Deadline, e.Reason);
        }
    }

    private (DateTimeOffset Deadline, string Id, string Account)? Read(string ticket)
    {
        try
        {
            var parts = protector.Unprotect(ticket).Split('\n', 3);
            return (new DateTimeOffset(long.Parse(parts[0], CultureInfo.InvariantCulture), TimeSpan.Zero), parts[1], parts[2]);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
