namespace Exporter.Accounts;

/// <summary>Rejects token files that two accounts share: each account would spend the other's refresh token.</summary>
internal static class TokenFiles
{
    public static void RejectShared(IEnumerable<AccountSection> accounts, Problems problems)
    {
        var first = new Dictionary<string, AccountSection>(StringComparer.Ordinal);
        foreach (var account in accounts)
        {
            if (account.Section.Find(AccountSettings.TokenFile) is not { } path || first.TryAdd(AtomicFile.RealPath(path), account))
            {
                continue;
            }
            var other = first[AtomicFile.RealPath(path)];
            var origin = account.Section.Place(AccountSettings.TokenFile) ?? new Origin(Layer.Default, account.Name, "");
            var place = other.Section.Origin(AccountSettings.TokenFile);
            problems.Add(origin.Problem(
                $"{path} is the token file of two accounts, {other.Name} ({place}) and {account.Name}; give each its own file"));
        }
    }
}
