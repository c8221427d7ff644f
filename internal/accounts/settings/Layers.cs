namespace Exporter.Accounts;

/// <summary>Flags over variables over the file, for settings that have a flag and a variable of their own.</summary>
internal static class Layers
{
    /// <summary>By key, what a flag or else a variable says.</summary>
    public static Dictionary<string, Given> Single(IEnumerable<Setting> settings, Variables variables, IReadOnlyDictionary<Setting, Given> flags)
    {
        var given = new Dictionary<string, Given>(StringComparer.Ordinal);
        foreach (var setting in settings)
        {
            if ((flags.GetValueOrDefault(setting) ?? variables.Find(setting.Variable)) is { } said)
            {
                given[setting.Key] = said;
            }
        }

        return given;
    }

    /// <summary>The flags and variables by which a setting can be set.</summary>
    public static IEnumerable<string> Ways(Setting setting) =>
        Setting.WithFiles([setting]).SelectMany(one => new[] { one.Flag, one.Variable }).OfType<string>().DefaultIfEmpty(setting.Key);
}

/// <summary>From what stands in the file to what a setting reads.</summary>
internal static class YamlSettings
{
    public static Given Given(YamlValue value, Origin origin) => value switch
    {
        YamlValue.Scalar { Text: { } text } => new Given([text], origin),
        YamlValue.List { Items: { Count: > 0 } items } => new Given([.. items.Select(item => (item as YamlValue.Scalar)?.Text ?? "")], origin, IsYamlList: true),
        _ => new Given([""], origin),
    };

    /// <summary>Whether the value has the form that the setting wants; if not, that is a problem.</summary>
    public static bool Fits(Setting setting, YamlValue value, Origin origin, Problems problems)
    {
        var wrong = value switch
        {
            YamlValue.Scalar => null,
            YamlValue.List { Items.Count: > 0 } list when setting.IsList => list.Items.All(item => item is YamlValue.Scalar { Text.Length: > 0 })
                ? null
                : "each item of this list has to be a single value",
            YamlValue.List { Items.Count: 0 } when setting.IsList => "this list is empty; write an item, or leave the setting out",
            YamlValue.List => "this has to be a single value, not a list",
            _ => setting.IsList ? "this has to be a list, not a map" : "this has to be a single value, not a map",
        };
        if (wrong is not null)
        {
            problems.Add(origin.Problem(wrong));
        }

        return wrong is null;
    }
}

/// <summary>Two accounts with one token file would each spend the other's refresh token.</summary>
internal static class TokenFiles
{
    private const int MostLinks = 40;

    public static IEnumerable<Problem> Shared(IEnumerable<AccountSection> accounts)
    {
        var first = new Dictionary<string, AccountSection>(StringComparer.Ordinal);
        foreach (var account in accounts)
        {
            if (account.Section.Find(AccountSettings.TokenFile) is not { } path || first.TryAdd(RealPath(path), account))
            {
                continue;
            }

            var other = first[RealPath(path)];
            var origin = account.Section.Place(AccountSettings.TokenFile) ?? new Origin(Layer.Default, account.Name, null, 0, "");
            yield return origin.Problem(
                $"{path} is the token file of two accounts, {other.Name} ({other.Section.Origin(AccountSettings.TokenFile)}) and {account.Name}; give each a file of its own");
        }
    }

    /// <summary>The path without symbolic links, as far as it exists.</summary>
    internal static string RealPath(string path)
    {
        var links = 0;
        var real = "/";
        var rest = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).AsEnumerable().Reverse());
        while (rest.TryPop(out var name))
        {
            var next = name == ".." ? Path.GetDirectoryName(real) ?? "/" : Path.Combine(real, name);
            string? target = null;
            try
            {
                target = links < MostLinks ? new FileInfo(next).LinkTarget : null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Not to be looked into: compared as it is written.
            }

            if (target is null)
            {
                real = next;
                continue;
            }

            links++;
            real = target.StartsWith('/') ? "/" : real;
            foreach (var part in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".").Reverse())
            {
                rest.Push(part);
            }
        }

        return real;
    }
}
