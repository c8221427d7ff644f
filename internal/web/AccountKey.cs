using System.Security.Cryptography;
using System.Text;

namespace Exporter.Web;

/// <summary>Identifies an account where only some characters are allowed: in IDs of a page and names of cookies.</summary>
internal static class AccountKey
{
    /// <summary>The start of a hash of the account's name. It stays the same when other accounts are added or removed.</summary>
    public static string Of(Account account) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(account.Name)).AsSpan(0, 8));

    /// <summary>The ID of the account's card on the start page.</summary>
    public static string CardOf(Account account) => $"account-{Of(account)}";

    /// <summary>The ID of the place that shows the code of a device login.</summary>
    public static string CodeOf(Account account) => $"login-{Of(account)}";
}
