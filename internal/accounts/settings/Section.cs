namespace Exporter.Accounts;

/// <summary>
/// The merged settings of one account, or of the program. All values are parsed in the constructor, so that an invalid one is reported even if
/// it is not used. Settings are matched by their keys. Not thread-safe while problems may still be added.
/// </summary>
public sealed class Section
{
    private const int LargestSecret = 65536;

    private readonly Origin at;
    private readonly Dictionary<string, Setting> declared;

    /// <summary>Each value, and where it was set. An invalid value is replaced by the default, or by null without a default.</summary>
    private readonly Dictionary<string, (object? Value, Origin Origin)> values = new(StringComparer.Ordinal);

    private readonly IReadOnlyDictionary<string, RawValue> rawValues;
    private readonly Func<Setting, IEnumerable<string>> namesOf;
    private readonly Problems problems;
    private readonly List<string> dependencies = [];
    private readonly List<Problem> own = [];

    /// <summary>The sections that <see cref="WithDefaults"/> made of this one.</summary>
    private readonly List<Section> completed = [];

    /// <param name="at">The place of the section itself, for required settings that are missing.</param>
    /// <param name="settings">The declared settings; those for files of secrets are added.</param>
    /// <param name="rawValues">The value with the highest priority for each key.</param>
    /// <param name="namesOf">The names that set a setting here, for messages.</param>
    internal Section(Origin at, IEnumerable<Setting> settings, IReadOnlyDictionary<string, RawValue> rawValues,
        Func<Setting, IEnumerable<string>> namesOf, Problems problems)
    {
        (this.at, this.rawValues, this.namesOf, this.problems) = (at, rawValues, namesOf, problems);
        declared = Setting.WithFiles(settings).DistinctBy(setting => setting.Key).ToDictionary(setting => setting.Key, StringComparer.Ordinal);
        foreach (var setting in declared.Values)
        {
            var fallback = setting.DefaultText is { } text ? RawValue.Default(text, at.Directory) : null;
            if ((rawValues.GetValueOrDefault(setting.Key) ?? fallback) is { } raw)
            {
                var (value, problem) = setting.IsMap && raw.Entries is { } entries ? setting.ReadObject(raw with { Entries = Valid(entries) })
                    : FormProblem(raw) is { } malformed ? new(null, malformed)
                    : setting.ReadObject(raw);
                Store(setting, raw.Origin, problem is null ? value : fallback is null ? null : setting.ReadObject(fallback).Value, problem);
            }
        }
        foreach (var secret in declared.Values.OfType<Setting<Secret>>().Where(secret => secret.FromFile is not null))
        {
            ReadFile(secret);
        }
    }

    /// <summary>Whether the section has errors, so that options created from it must not be used.</summary>
    public bool HasProblems => own.Count > 0 || completed.Exists(section => section.HasProblems);

    /// <summary>The errors of this section so far.</summary>
    public IReadOnlyList<Problem> Problems => own;

    /// <summary>The value, or its default. For an invalid value, the default.</summary>
    /// <exception cref="InvalidOperationException">The setting has neither; use Find or Require.</exception>
    public T Get<T>(Setting<T> setting) =>
        Value(setting, out var value) ? value! : throw new InvalidOperationException($"{setting.Key} has no default; use Find or Require.");

    /// <summary>The value, or its default; null if there is neither.</summary>
    public T? Find<T>(Setting<T> setting)
        where T : class => Value(setting, out var value) ? value : null;

    /// <summary>The value, or its default. If there is neither, adds a problem and returns null (or zero), so that more problems are found.</summary>
    public T? Require<T>(Setting<T> setting)
    {
        if (!Value(setting, out var value) && !Setting.WithFiles([setting]).Any(one => values.ContainsKey(one.Key)))
        {
            var article = setting.Noun[0] is 'a' or 'e' or 'i' or 'o' or 'u' ? "an" : "a";
            Report(at, $"need {article} {setting.Noun}; set {string.Join(" or ", namesOf(setting))}");
            problems.Missed(setting);
        }
        return value;
    }

    /// <summary>Reports a conflict between settings at the place of one of them.</summary>
    /// <param name="setting">The one to change.</param>
    /// <param name="sentence">The error and the fix, without a full stop.</param>
    public void Problem(Setting setting, string sentence)
    {
        var origin = Place(setting);
        Report(origin ?? at, origin is null ? $"{setting.Key}: {sentence}" : sentence);
    }

    /// <summary>Reports a problem at the place of one entry of a map.</summary>
    /// <param name="sentence">The error and the fix, without a full stop and without the entry's text, which may be secret.</param>
    public void Problem(Setting<TextMap> setting, string key, string sentence)
    {
        var origin = Find(setting)?.OriginOf(key);
        Report(origin ?? at, origin?.Subject is null ? $"{setting.Key}.{Quote.Plain(key)}: {sentence}" : sentence);
    }

    /// <summary>Reports a setting that works but should change, for the log and the command <c>check</c>.</summary>
    public void Warn(Setting setting, string sentence) => Warn((Place(setting) ?? at).Problem(sentence));

    /// <summary>Reports what works but should change in a file that a setting of this section names.</summary>
    public void Warn(Problem warning)
    {
        if (!problems.Warnings.Contains(warning))
        {
            problems.Warnings.Add(warning);
        }
    }

    /// <summary>
    /// This section, with values of another file for settings without a value. Entries of a map are completed one by one. A problem in the file
    /// is one of the configuration, and a change of the file makes the account unequal.
    /// </summary>
    /// <param name="settings">The settings that the file may have.</param>
    public Section WithDefaults(IEnumerable<YamlEntry> entries, DefaultsFile file, IReadOnlyList<Setting> settings)
    {
        var wrong = new List<Problem>();
        var offered = RawValue.OfKnown(entries.Select(entry => KeyValuePair.Create(entry.Key, RawValue.Of(entry.Value, file.At(entry)))),
            settings, (key, _) => file.Unknown(key, settings), wrong.Add);
        var merged = new Dictionary<string, RawValue>(rawValues, StringComparer.Ordinal);
        foreach (var (key, raw) in offered)
        {
            if (merged.TryAdd(key, raw) || merged[key].Entries is not { } known)
            {
                continue;
            }
            merged[key] = merged[key] with { Entries = RawEntry.Merge(known, raw.Entries ?? []) };
        }
        var section = new Section(at, [.. declared.Values, .. settings], merged, namesOf, problems);
        completed.Add(section);
        wrong.ForEach(section.Add);
        return section;
    }

    /// <summary>Reports a problem in a file that a setting of this section names.</summary>
    public void Add(Problem problem)
    {
        own.Add(problem);
        problems.Add(problem);
    }

    /// <summary>
    /// Claims a name for all accounts of the configuration. It is a problem at <paramref name="setting"/> if another account has claimed it for
    /// other content.
    /// </summary>
    public void Claim(string name, string content, Setting setting, string sentence)
    {
        if (!problems.Claims.TryAdd(name, content) && problems.Claims[name] != content)
        {
            Problem(setting, sentence);
        }
    }

    /// <summary>
    /// Records what else the options depend on, such as the content of a file that a setting names. An account whose dependencies changed is
    /// opened again by a reload.
    /// </summary>
    public void AddDependency(string content) => dependencies.Add(content);

    /// <summary>Where the value comes from: <c>accounts.yml:12</c>, a variable, a flag, <c>default</c>; null if it is not set.</summary>
    public string? Origin(Setting setting) => values.GetValueOrDefault(setting.Key).Origin?.Place;

    internal bool Value<T>(Setting<T> setting, out T? value)
    {
        if (!declared.ContainsKey(setting.Key))
        {
            throw new InvalidOperationException($"{setting.Key} is not declared for {at.Subject ?? at.Place}.");
        }
        var found = values.GetValueOrDefault(setting.Key).Value;
        value = found is T typed ? typed : default;
        return found is not null;
    }

    /// <summary>The keys whose values differ from those of an earlier reading of the same settings.</summary>
    internal IEnumerable<string> ChangedKeys(Section before) => declared.Keys.Union(before.declared.Keys).Where(key =>
        !AreEqual(values.GetValueOrDefault(key).Value, before.values.GetValueOrDefault(key).Value));

    /// <summary>
    /// Whether options created from both sections are equal. It compares secrets, also those in files. A default counts as different from the
    /// same value that a user set, because a source may treat the two differently.
    /// </summary>
    internal bool IsEqualTo(Section other) =>
        !ChangedKeys(other).Any() && dependencies.SequenceEqual(other.dependencies)
        && declared.Values.All(setting => Place(setting) is null == other.Place(setting) is null)
        && completed.Count == other.completed.Count && completed.Zip(other.completed).All(pair => pair.First.IsEqualTo(pair.Second));

    private static bool AreEqual(object? one, object? other) =>
        one is IEnumerable<string> texts && other is IEnumerable<string> others ? texts.SequenceEqual(others) : Equals(one, other);

    /// <summary>Where the value comes from, valid or not; null for a default.</summary>
    internal Origin? Place(Setting setting) =>
        values.GetValueOrDefault(setting.Key).Origin is { Layer: not Layer.Default } origin ? origin : null;

    /// <summary>Reads a secret from its file. The layer with the higher priority wins; within one layer only one of the two may be set.</summary>
    private void ReadFile(Setting<Secret> secret)
    {
        if (!Value(secret.FromFile!, out var path) || Place(secret.FromFile!) is not { } file)
        {
            return;
        }
        var direct = Place(secret);
        if (direct?.Layer == file.Layer)
        {
            Store(secret.FromFile!, file, null, $"{secret.Key} is also set ({direct.Place}); keep one of the two");
        }
        else if (direct is null || direct.Layer < file.Layer)
        {
            var (value, problem) = ReadSecret(secret, path!, file);
            Store(problem is null ? secret : secret.FromFile!, file, value, problem);
        }
    }

    /// <summary>The only content of a file, as Docker, Kubernetes and systemd provide it.</summary>
    private static Result<object, string> ReadSecret(Setting<Secret> secret, string path, Origin origin)
    {
        var (text, problem) = SmallFile.Read(path, LargestSecret);
        return problem is not null ? new(null, problem)
            : string.IsNullOrWhiteSpace(text) ? new(null, $"the file {path} is empty; write the secret into it")
            : QuotesOf(text) is { } quotes ? new(null, $"the secret in {path} includes its quotes ({quotes}); remove them")
            : secret.ReadObject(new RawValue([text], origin)) is (var value, var wrong) && wrong is null ? new(value, null)
            : new(null, $"{path}: {wrong}");
    }

    /// <summary>Compose files pass the quotes of <c>- CLIENT_ID="abc"</c> as part of the value, and the provider then rejects the client.</summary>
    private static string? FormProblem(RawValue raw) =>
        raw.Origin.Layer >= Layer.DotEnv && QuotesOf(raw.Text) is { } quotes ? $"the value includes its quotes ({quotes}); remove them"
        : string.IsNullOrWhiteSpace(raw.Text) ? "there is no value; write one, or remove the setting" : null;

    /// <summary>The valid entries of a map. Each of the others is a problem at its place.</summary>
    private List<RawEntry> Valid(IReadOnlyList<RawEntry> entries)
    {
        var valid = new List<RawEntry>();
        foreach (var entry in entries)
        {
            if ((FormProblem(new RawValue([entry.Text], entry.Origin)) ?? Settings.OneLine(entry.Text.Trim()).Failure) is { } wrong)
            {
                Report(entry.Origin, wrong);
            }
            else
            {
                valid.Add(entry);
            }
        }
        return valid;
    }

    private static string? QuotesOf(string text) =>
        text.Trim() is [('"' or '\'') and var first, .., var last] && first == last ? $"{first}…{last}" : null;

    private void Store(Setting setting, Origin origin, object? value, string? problem)
    {
        values[setting.Key] = (value, origin);
        if (problem is not null)
        {
            Report(origin, problem);
        }
    }

    private void Report(Origin origin, string sentence) => Add(origin.Problem(sentence));
}

public static class SectionExtensions
{
    /// <summary>The value, or its default; null if there is neither.</summary>
    public static T? Find<T>(this Section section, Setting<T> setting)
        where T : struct => section.Value(setting, out var value) ? value : null;
}
