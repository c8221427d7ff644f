namespace Exporter.Accounts;

/// <summary>Rejects token files that two accounts share: each account would spend the other's refresh token.</summary>
internal static class TokenFiles
{
    public static void RejectShared(IEnumerable<AccountSection> accounts, Problems problems)
    {
        var first = new Dictionary<string, AccountSection>(StringComparer.Ordinal);
        foreach (var account in accounts)
        {
            if (account.Section.Find(AccountSettings.TokenFile) is not { } path || first.TryAdd(RealPath(path), account))
            {
                continue;
            }
            var other = first[RealPath(path)];
            var origin = account.Section.Place(AccountSettings.TokenFile) ?? new Origin(Layer.Default, account.Name, "");
            var place = other.Section.Origin(AccountSettings.TokenFile);
            problems.Add(origin.Problem(
                $"{path} is the token file of two accounts, {other.Name} ({place}) and {account.Name}; give each its own file"));
        }
    }

    /// <summary>The path without symbolic links. Links that cannot be read or form a loop stay in it.</summary>
    internal static string RealPath(string path)
    {
        var linksLeft = 40;
        return Resolve(path, ref linksLeft);
    }

    private static string Resolve(string path, ref int linksLeft)
    {
        if (Path.GetDirectoryName(path) is not { } directory)
        {
            return path;
        }
        var parent = Resolve(directory, ref linksLeft);
        var real = Path.GetFileName(path) switch
        {
            ".." => Path.GetDirectoryName(parent) ?? parent,
            "." => parent,
            var name => Path.Combine(parent, name),
        };
        try
        {
            return new FileInfo(real).LinkTarget is { } target && linksLeft-- > 0 ? Resolve(Path.Combine(parent, target), ref linksLeft) : real;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return real;
        }
    }
}
