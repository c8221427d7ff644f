using System.Security.Cryptography;
using System.Text;

namespace Exporter.Web;

/// <summary>Identifies an account where only letters and digits are allowed: in IDs of a page and names of cookies.</summary>
internal static class AccountKey
{
    /// <summary>The start of a hash of the account's name. It stays the same when other accounts are added or removed.</summary>
    public static string Of(Account account) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(account.Name)).AsSpan(0, 8));
}
