namespace Exporter.Accounts;

/// <summary>Rejects directories, and token files that two accounts share: each account would spend the other's refresh token.</summary>
internal static class TokenFiles
{
    /// <summary>Docker creates a directory in place of a file that does not exist.</summary>
    public static void RejectDirectories(IEnumerable<AccountSection> accounts)
    {
        foreach (var account in accounts)
        {
            if (account.Section.Find(AccountSettings.TokenFile) is { } path && Directory.Exists(path))
            {
                account.Section.Problem(AccountSettings.TokenFile,
                    $"{path} is a directory; name a file. Docker creates a directory if the file to mount does not exist");
            }
        }
    }

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
