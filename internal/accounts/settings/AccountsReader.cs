namespace Exporter.Accounts;

/// <summary>Reads the accounts that the file and the environment list, otherwise those that the sources' own flags and variables imply.</summary>
internal sealed class AccountsReader(IReadOnlyList<SourceSettings> sources,
    Variables variables, IReadOnlyDictionary<Setting, RawValue> flags, string workingDirectory, Problems problems)
{
    public const string Key = "accounts";
    private const string Prefix = "EXPORTER_ACCOUNTS__";

    private readonly List<AccountEntry> entries = [];

    /// <summary>The keys of maps, whose entries have variables of their own.</summary>
    private readonly string[] maps =
        [.. sources.SelectMany(source => source.All).Where(setting => setting.IsMap).Select(setting => setting.Key).Distinct()];

    /// <param name="file">The file's name as the user wrote it.</param>
    /// <param name="fileDirectory">The directory of relative paths in the file.</param>
    /// <param name="listed">The value of <c>accounts:</c>; null without a file or without that key.</param>
    public IReadOnlyList<AccountSection> Read(string? file, string fileDirectory, YamlValue? listed)
    {
        if (listed is not null)
        {
            ReadFile(file, fileDirectory, listed);
        }
        ReadEnvironment();
        var list = listed is not null ? file : entries.FirstOrDefault()?.At.Place;
        if (list is not null)
        {
            RejectSingleAccountSettings(list);
        }
        IReadOnlyList<AccountSection> sections = list is null ? Implied(file) : [.. entries.Select(ToSection).OfType<AccountSection>()];
        TokenFiles.RejectDirectories(sections);
        TokenFiles.RejectShared(sections, problems);
        return sections;
    }

    /// <summary>A named account with its values by key. Keys are checked once the source is known.</summary>
    private sealed record AccountEntry(string Name, Origin At)
    {
        public Dictionary<string, RawValue> Values { get; } = new(StringComparer.Ordinal);

        public string Variable(string key) => Prefix + Normalize(Name).ToUpperInvariant() + "__" + key.ToUpperInvariant();
    }

    private void ReadFile(string? file, string fileDirectory, YamlValue listed)
    {
        Origin At(int line, string subject) => new(Layer.File, $"{file}:{line}", fileDirectory, subject, line);
        if (listed is not YamlValue.Map { Entries: { Count: > 0 } accounts })
        {
            problems.Add(At(listed.Line, Key).Problem("this must be a map of accounts; write at least one NAME: with its settings below it"));
            return;
        }
        foreach (var (name, value, line) in accounts)
        {
            var account = new AccountEntry(name, At(line, $"{Key}.{Quote.Plain(name)}"));
            if (NameProblem(name) is { } wrong)
            {
                problems.Add(account.At.Problem(wrong));
            }
            else if (value is not YamlValue.Map && sources.SelectMany(source => source.All).Any(setting => setting.Key == name))
            {
                problems.Add(account.At.Problem("this is a setting and not the name of an account; indent it further, below the account's name"));
            }
            else if (value is not YamlValue.Map map)
            {
                problems.Add(account.At.Problem("an account is a map of its settings; write at least source: below its name"));
            }
            else
            {
                entries.Add(account);
                foreach (var (key, yaml, keyLine) in map.Entries)
                {
                    account.Values[key] = RawValue.Of(yaml, At(keyLine, $"{account.At.Subject}.{Quote.Plain(key)}"));
                }
            }
        }
    }

    /// <summary>Reads <c>EXPORTER_ACCOUNTS__NAME__KEY</c>, in any case.</summary>
    private void ReadEnvironment()
    {
        foreach (var (variable, raw) in variables.StartingWith(Prefix))
        {
            var (name, key, entry) = Split(variable[Prefix.Length..]);
            if (name.Length == 0 || key.Length == 0)
            {
                problems.Add(raw.Origin.Problem($"an account's variable is {Prefix}NAME__KEY; name both the account and the setting"));
                continue;
            }
            if (Find(name) is not { } account)
            {
                if ((NameProblem(name) ?? MapProblem(name, key)) is { } wrong)
                {
                    problems.Add(raw.Origin.Problem(wrong));
                    continue;
                }
                entries.Add(account = new AccountEntry(name, raw.Origin));
            }
            if (maps.Contains(key))
            {
                SetEntries(account, key, entry, raw);
            }
            else if (account.Values.GetValueOrDefault(key)?.Origin is var earlier && earlier?.Layer == raw.Origin.Layer)
            {
                problems.Add(SetsTheSame(earlier, raw));
            }
            else if (earlier is null || earlier.Layer < raw.Origin.Layer)
            {
                account.Values[key] = raw;
            }
        }
    }

    /// <summary>
    /// The account's name, the key, and the name of an entry if the key is one of a map: <c>NAME__KEY__ENTRY</c>. No key contains <c>__</c>, so
    /// otherwise the last one separates.
    /// </summary>
    private (string Name, string Key, string? Entry) Split(string path)
    {
        foreach (var map in maps)
        {
            var at = Normalize(path).IndexOf($"__{map}__", StringComparison.Ordinal);
            var end = at + map.Length + 4;
            if (at > 0 && end < path.Length && Find(path[..(end - 2)]) is null)
            {
                return (path[..at].ToLowerInvariant(), map, path[end..].ToLowerInvariant());
            }
        }
        var split = path.LastIndexOf("__", StringComparison.Ordinal);
        return split < 0 ? ("", "", null) : (path[..split].ToLowerInvariant(), Normalize(path[(split + 2)..]), null);
    }

    /// <summary>The entries of a map have variables of their own, or share one. A higher priority replaces single entries.</summary>
    private void SetEntries(AccountEntry account, string key, string? entry, RawValue raw)
    {
        var (added, wrong) = entry is null ? RawEntry.Parse(raw.Text, raw.Origin) : new([new RawEntry(entry, raw.Text, raw.Origin)], null);
        if (added is null)
        {
            problems.Add(raw.Origin.Problem(wrong!));
            return;
        }
        var map = account.Values.GetValueOrDefault(key) ?? new RawValue([""], raw.Origin);
        var known = map.Entries ?? [];
        var twice = known.FirstOrDefault(one => one.Origin.Layer == raw.Origin.Layer && added.Any(other => other.Key == one.Key));
        if (twice is not null)
        {
            problems.Add(SetsTheSame(twice.Origin, raw));
            return;
        }
        account.Values[key] = map with { Entries = RawEntry.Merge(known, added) };
    }

    private static Problem SetsTheSame(Origin earlier, RawValue raw) =>
        raw.Origin.Problem($"{earlier.Subject ?? earlier.Place} sets the same; keep one of the two");

    /// <summary>For a misspelled key of a map, which would otherwise be part of another account's name.</summary>
    private string? MapProblem(string name, string entry) =>
        name.LastIndexOf("__", StringComparison.Ordinal) is > 0 and var split && Find(name[..split]) is { } account
        && Nearest.To(name[(split + 2)..], maps) is { } map
            ? $"there is no such setting; did you mean {account.Variable(map)}__{entry.ToUpperInvariant()}?"
            : null;

    /// <summary>
    /// Names are lowercase because a name is also part of a variable, where case does not matter and <c>-</c> is not allowed. Two names that
    /// differ only in these would have the same variable.
    /// </summary>
    private string? NameProblem(string name)
    {
        static bool IsAlphanumeric(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);

        if (name.Length is 0 or > 64 || !IsAlphanumeric(name[0]) || !name.All(c => IsAlphanumeric(c) || c is '_' or '-'))
        {
            return "an account's name has at most 64 lowercase letters, digits, - and _ and starts with a letter or digit; rename it";
        }
        return Find(name) is { } same
            ? $"in a variable this name is the same as {same.Name} ({same.At.Place}); rename one of the two"
            : null;
    }

    private AccountSection? ToSection(AccountEntry account)
    {
        if (SourceOf(account) is not { } source)
        {
            return null;
        }
        var values = RawValue.OfKnown(account.Values, source.All, UnknownKey, problems.Add);
        var section = new Section(account.At, source.All, values, NamesOf, problems);
        return new AccountSection(account.Name, source.Name, HasAccountLabel: true, section);

        string UnknownKey(string key, RawValue raw)
        {
            var keys = Setting.WithFiles(source.All).Select(setting => setting.Key);
            var (word, names) = raw.Yaml is null ? (account.Variable(key), keys.Select(account.Variable)) : (key, keys);
            return "there is no such setting" + Nearest.Remedy(word, names, $"docs/settings.md lists those of {source.Name}");
        }

        IEnumerable<string> NamesOf(Setting setting)
        {
            var keys = Setting.WithFiles([setting]).Select(one => one.Key);
            return account.At.Layer == Layer.File ? keys.Append(account.Variable(setting.Key)) : keys.Select(account.Variable);
        }
    }

    /// <summary>The account's source. For a misspelled name the nearest source, so that the same run finds the account's other problems.</summary>
    private SourceSettings? SourceOf(AccountEntry account)
    {
        var names = sources.Select(source => source.Name).ToArray();
        if (account.Values.GetValueOrDefault(AccountSettings.Source.Key) is not { Yaml: not YamlValue.Scalar { Text: null } } value)
        {
            var fix = account.At.Layer == Layer.File ? "write source: below its name" : $"set {account.Variable(AccountSettings.Source.Key)}";
            problems.Add(account.At.Problem($"need a source; {fix}, one of {string.Join(", ", names)}"));
            return null;
        }
        var name = value.Text.Trim();
        if (sources.FirstOrDefault(source => source.Name == name) is { } source)
        {
            return source;
        }
        problems.Add(value.Origin.Problem(
            $"there is no source {Quote.Of(name)}{Nearest.Remedy(name, names, "choose one of " + string.Join(", ", names))}"));
        return sources.FirstOrDefault(source => source.Name == Nearest.To(name, names));
    }

    /// <summary>An account for each source that has any flag, variable or file, otherwise for the first source.</summary>
    private List<AccountSection> Implied(string? file)
    {
        var accounts = new List<AccountSection>();
        var values = sources.ToDictionary(source => source, source => variables.Read(Setting.WithFiles(source.All), flags));
        var implied = sources.Where(source => values[source].Count > 0 || source.IsDetectedIn(workingDirectory)).ToList();
        foreach (var source in implied.Count > 0 ? implied : sources.Take(1))
        {
            var at = new Origin(Layer.Default, source.Name, workingDirectory);
            var section = new Section(at, source.All, values[source], setting => setting.Names, problems);
            accounts.Add(new AccountSection(source.Name, source.Name, HasAccountLabel: false, section));
        }
        if (implied.Count == 0)
        {
            problems.NothingIsConfigured = file is null;
            problems.HintIfMissed(new Problem(Configuration.ConfigFile.Flag!, file is null
                ? $"nothing is configured yet; for other sources or several accounts name a file with {Key}: in it"
                : $"{file} lists no accounts; write {Key}: into it"));
        }
        return accounts;
    }

    /// <summary>Rejects flags and variables for a single account, because they do not select one of the listed accounts.</summary>
    private void RejectSingleAccountSettings(string list)
    {
        foreach (var source in sources)
        {
            foreach (var (key, raw) in variables.Read(Setting.WithFiles(source.All), flags))
            {
                problems.Add(raw.Origin.Problem($"this sets no account because {list} lists accounts; set {key} in an account of {source.Name}"));
            }
        }
    }

    private AccountEntry? Find(string name) => entries.Find(entry => Normalize(entry.Name) == Normalize(name));

    private static string Normalize(string name) => name.Replace('-', '_').ToLowerInvariant();
}
