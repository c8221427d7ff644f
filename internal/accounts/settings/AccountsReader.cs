namespace Exporter.Accounts;

/// <summary>What a source contributes to the configuration.</summary>
/// <param name="Name">As <c>source:</c> names it, and as the account is called that its own flags and variables make.</param>
/// <param name="Settings">Its settings; one with the key of a common setting takes that one's place, with a flag and variable of its own.</param>
public sealed record SourceSettings(string Name, IReadOnlyList<Setting> Settings)
{
    /// <summary>Its settings and the common ones.</summary>
    public IReadOnlyList<Setting> All { get; } =
        [.. AccountSettings.Common.Where(common => !Settings.Any(own => own.Key == common.Key)), .. Settings];

    /// <summary>Whether the files in the working directory show that an account of this source is meant; asked when no accounts are listed.</summary>
    public Func<string, bool> IsDetectedIn { get; init; } = _ => false;
}

/// <summary>The settings that every account has.</summary>
public static class AccountSettings
{
    public static readonly Setting<string> Source = Settings.Text("source", "Kind of provider the account is at.", placeholder: "NAME");

    public static readonly Setting<string> TokenFile = Settings.Path("token_file", "File that the token is kept in.");

    public static readonly Setting<TimeSpan> RefreshMargin = Settings.Duration("refresh_margin",
        "How long before its end the token is renewed; by default a tenth of its lifetime and at least a minute.", min: TimeSpan.Zero);

    public static readonly Setting<string> TokenExportFile = Settings.Path("sink_file",
        "File of another program that is given each new access token after the token file; no token is ever read from it.");

    internal static readonly Setting<TokenExportFormat> TokenExportFormat = Settings.Choice("sink_format",
        "Whether the sink has lines NAME=VALUE or is a JSON object; by default json where its name ends in .json.", [("env", Exporter.Accounts.TokenExportFormat.Env), ("json", Exporter.Accounts.TokenExportFormat.Json)]);

    internal static readonly Setting<string> TokenExportName = Settings.Text("sink_name",
        "Variable or member that holds the token in the sink, ACCESS_TOKEN or access_token by default; dots lead into a JSON object.", placeholder: "NAME");

    public static IReadOnlyList<Setting> Common { get; } = [Source, TokenFile, RefreshMargin, TokenExportFile, TokenExportFormat, TokenExportName];
}

/// <summary>One account as configured.</summary>
/// <param name="Labelled">It was given a name, so its series carry it; without, there is one account and no label.</param>
public sealed record AccountSection(string Name, string Source, bool Labelled, Section Section);

/// <summary>The accounts that file and environment list, or else those that the sources' own flags and variables make.</summary>
internal sealed class AccountsReader(
    IReadOnlyList<SourceSettings> sources, Variables variables, IReadOnlyDictionary<Setting, Given> flags, string workingDirectory, Problems problems)
{
    public const string Key = "accounts";
    private const string Prefix = "EXPORTER_ACCOUNTS__";

    /// <param name="file">As the person named it.</param>
    /// <param name="fileDirectory">Where relative paths in the file start.</param>
    /// <param name="listed">What stands under <c>accounts:</c>; null without a file or without that key.</param>
    public IReadOnlyList<AccountSection> Read(string? file, string fileDirectory, YamlValue? listed)
    {
        var accounts = new List<Listed>();
        ReadFile(accounts, file, fileDirectory, listed);
        ReadEnvironment(accounts);
        if (listed is null && accounts.Count == 0)
        {
            return Implied(file);
        }

        RefuseSingle(listed is null ? accounts[0].At.Place : file!);
        var sections = accounts.Select(Section).OfType<AccountSection>().ToArray();
        foreach (var problem in TokenFiles.Shared(sections))
        {
            problems.Add(problem);
        }

        return sections;
    }

    /// <summary>An account that somebody gave a name. Key by key, what was set; a key is checked once the source is known.</summary>
    private sealed record Listed(string Name, Origin At)
    {
        public Dictionary<string, (Given Given, YamlValue? Value)> Said { get; } = new(StringComparer.Ordinal);

        public string Variable(string key) => Prefix + Plain(Name).ToUpperInvariant() + "__" + key.ToUpperInvariant();
    }

    private void ReadFile(List<Listed> accounts, string? file, string fileDirectory, YamlValue? listed)
    {
        if (listed is null)
        {
            return;
        }

        Origin At(int line, string subject) => new(Layer.File, $"{file}:{line}", subject, line, fileDirectory);
        if (listed is not YamlValue.Map { Entries: { Count: > 0 } entries })
        {
            problems.Add(At(listed.Line, Key).Problem("this has to be a map from names to accounts; write at least one NAME: with its settings below it"));
            return;
        }

        foreach (var (name, value, line) in entries)
        {
            var account = new Listed(name, At(line, $"{Key}.{Quote.Plain(name)}"));
            if (NameProblem(name, accounts) is { } wrong)
            {
                problems.Add(account.At.Problem(wrong));
            }
            else if (value is not YamlValue.Map map)
            {
                problems.Add(account.At.Problem("an account is a map of its settings; write at least source: below its name"));
            }
            else
            {
                accounts.Add(account);
                foreach (var (key, said, keyLine) in map.Entries)
                {
                    account.Said[key] = (YamlSettings.Given(said, At(keyLine, $"{account.At.Subject}.{Quote.Plain(key)}")), said);
                }
            }
        }
    }

    /// <summary><c>EXPORTER_ACCOUNTS__NAME__KEY</c>, whatever the case of NAME and KEY. No key has two underscores in a row, so the last pair divides.</summary>
    private void ReadEnvironment(List<Listed> accounts)
    {
        foreach (var (variable, given) in variables.StartingWith(Prefix))
        {
            var path = variable[Prefix.Length..];
            var split = path.LastIndexOf("__", StringComparison.Ordinal);
            if (split <= 0 || split + 2 == path.Length)
            {
                problems.Add(given.Origin.Problem($"an account's variable is {Prefix}NAME__KEY; name both the account and the setting"));
                continue;
            }

            var name = path[..split].ToLowerInvariant();
            var account = accounts.Find(account => Plain(account.Name) == Plain(name));
            if (account is null)
            {
                if (NameProblem(name, accounts) is { } wrong)
                {
                    problems.Add(given.Origin.Problem(wrong));
                    continue;
                }

                account = new Listed(name, given.Origin);
                accounts.Add(account);
            }

            var key = Plain(path[(split + 2)..]);
            if (account.Said.TryGetValue(key, out var earlier) && earlier.Given.Origin.Layer == given.Origin.Layer)
            {
                problems.Add(given.Origin.Problem($"{earlier.Given.Origin.Subject ?? earlier.Given.Origin.Place} sets the same; keep one of the two"));
            }
            else if (earlier.Given is null || earlier.Given.Origin.Layer < given.Origin.Layer)
            {
                account.Said[key] = (given, null);
            }
        }
    }

    /// <summary>
    /// Lower case only: the name is also a label, part of a file's name, and part of a variable, where case does not count and <c>-</c>
    /// cannot be written; two names that differ in nothing else would be one there.
    /// </summary>
    private static string? NameProblem(string name, List<Listed> accounts)
    {
        if (name.Length is 0 or > 64 || !(char.IsAsciiLetterLower(name[0]) || char.IsAsciiDigit(name[0]))
            || !name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-'))
        {
            return "an account's name consists of lower-case letters, digits, - and _, begins with a letter or digit and has at most 64 characters; rename it";
        }

        return accounts.Find(other => Plain(other.Name) == Plain(name)) is { } same
            ? $"in a variable this name is the same as {same.Name} ({same.At.Place}); rename one of the two"
            : null;
    }

    private AccountSection? Section(Listed account)
    {
        var source = Source(account);
        if (source is null)
        {
            return null;
        }

        var given = new Dictionary<string, Given>(StringComparer.Ordinal);
        var known = Setting.WithFiles(source.All).ToDictionary(setting => setting.Key, StringComparer.Ordinal);
        foreach (var (key, (said, value)) in account.Said)
        {
            if (!known.TryGetValue(key, out var setting))
            {
                var names = value is null ? known.Keys.Select(account.Variable) : known.Keys;
                problems.Add(said.Origin.Problem(
                    "there is no such setting" + Nearest.Remedy(value is null ? account.Variable(key) : key, names, $"those of {source.Name} are in exporter --help")));
            }
            else if (value is null || YamlSettings.Fits(setting, value, said.Origin, problems))
            {
                given[key] = said;
            }
        }

        var section = new Section(account.At, source.All, given, Ways, problems);
        return new AccountSection(account.Name, source.Name, Labelled: true, section);

        IEnumerable<string> Ways(Setting setting)
        {
            var keys = setting.FromFile is { } file ? new[] { setting.Key, file.Key } : [setting.Key];
            return account.At.Layer == Layer.File ? keys.Append(account.Variable(setting.Key)) : keys.Select(account.Variable);
        }
    }

    /// <summary>The account's source; where it is misspelt, the one that was probably meant, so that the account's other problems are found in the same run.</summary>
    private SourceSettings? Source(Listed account)
    {
        var names = sources.Select(source => source.Name).ToArray();
        if (!account.Said.TryGetValue(AccountSettings.Source.Key, out var said) || said is { Value: YamlValue.Scalar { Text: null } })
        {
            var way = account.At.Layer == Layer.File ? "write source: below its name" : $"set {account.Variable(AccountSettings.Source.Key)}";
            problems.Add(account.At.Problem($"need a source; {way}, one of {string.Join(", ", names)}"));
            return null;
        }

        var name = said.Given.Text.Trim();
        if (sources.FirstOrDefault(source => source.Name == name) is { } source)
        {
            return source;
        }

        problems.Add(said.Given.Origin.Problem($"there is no source {Quote.Of(name)}{Nearest.Remedy(name, names, "choose one of " + string.Join(", ", names))}"));
        return sources.FirstOrDefault(source => source.Name == Nearest.To(name, names));
    }

    /// <summary>An account for each source of which anything is set, or for the first source if nothing is.</summary>
    private List<AccountSection> Implied(string? file)
    {
        var accounts = new List<AccountSection>();
        var given = sources.ToDictionary(source => source, source => Layers.Single(Setting.WithFiles(source.All), variables, flags));
        bool IsMeant(SourceSettings source) => given[source].Count > 0 || source.IsDetectedIn(workingDirectory);
        var nothing = !sources.Any(IsMeant);
        foreach (var source in sources.Where((source, index) => IsMeant(source) || (nothing && index == 0)))
        {
            var at = new Origin(Layer.Default, source.Name, null, 0, workingDirectory);
            accounts.Add(new AccountSection(source.Name, source.Name, Labelled: false, new Section(at, source.All, given[source], Layers.Ways, problems)));
        }

        if (nothing)
        {
            problems.HintIfMissed(new Problem(
                Configuration.ConfigFile.Flag!,
                file is null ? $"nothing is configured yet; for other sources or several accounts name a file with {Key}: in it" : $"{file} lists no accounts; write {Key}: into it"));
        }

        foreach (var problem in TokenFiles.Shared(accounts))
        {
            problems.Add(problem);
        }

        return accounts;
    }

    /// <summary>A flag cannot say which of the listed accounts it is for.</summary>
    private void RefuseSingle(string list)
    {
        foreach (var source in sources)
        {
            foreach (var (key, said) in Layers.Single(Setting.WithFiles(source.All), variables, flags))
            {
                problems.Add(said.Origin.Problem($"the accounts are listed ({list}), so this would be for none of them; set {key} in the account of {source.Name} it is for"));
            }
        }
    }

    private static string Plain(string name) => name.Replace('-', '_').ToLowerInvariant();
}
