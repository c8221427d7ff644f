namespace Exporter.Accounts;

/// <summary>
/// The merged settings of one account, or of the program. What was set is read when the section is made, so that a value that is no good is
/// reported whether or not anybody asks for it. A setting is found by its key. Not thread-safe while problems may still be added.
/// </summary>
public sealed class Section
{
    private readonly Origin at;
    private readonly Dictionary<string, Setting> declared;
    private readonly Dictionary<string, (object Value, Origin Origin)> values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Origin> refused = new(StringComparer.Ordinal);
    private readonly Func<Setting, IEnumerable<string>> ways;
    private readonly Problems problems;

    /// <param name="at">The place of the section itself, where what is missing is missed.</param>
    /// <param name="settings">What may be set; files of secrets come along by themselves.</param>
    /// <param name="given">By key, what was set, of each the strongest.</param>
    /// <param name="ways">How a setting can be set here, for the remedy.</param>
    internal Section(
        Origin at, IEnumerable<Setting> settings, IReadOnlyDictionary<string, Given> given, Func<Setting, IEnumerable<string>> ways, Problems problems)
    {
        this.at = at;
        this.ways = ways;
        this.problems = problems;
        declared = Setting.WithFiles(settings).ToDictionary(setting => setting.Key, StringComparer.Ordinal);
        foreach (var setting in declared.Values)
        {
            if (given.GetValueOrDefault(setting.Key) is { } said)
            {
                Read(setting, said);
            }
            else if (setting.DefaultText is { } text)
            {
                Read(setting, Given.Default(text, at.Directory));
            }
        }

        foreach (var secret in declared.Values.OfType<Setting<Tokens.Secret>>().Where(secret => secret.FromFile is not null))
        {
            ReadFile(secret);
        }
    }

    /// <summary>Something in this section is wrong, so that what is made of it must not be used.</summary>
    public bool HasProblems { get; private set; }

    /// <summary>The value or its default. For a value that was reported as a problem, the default.</summary>
    /// <exception cref="InvalidOperationException">The setting has neither: ask with Find or Require.</exception>
    public T Get<T>(Setting<T> setting) =>
        Value(setting, out var value) ? value! : throw new InvalidOperationException($"{setting.Key} has no default; ask for it with Find or Require.");

    /// <summary>The value, or its default; null when there is neither.</summary>
    public T? Find<T>(Setting<T> setting)
        where T : class => Value(setting, out var value) ? value : null;

    /// <summary>The value, or its default. When there is neither, that is a problem: the caller goes on with null (or zero) to find the others.</summary>
    public T? Require<T>(Setting<T> setting)
    {
        if (!Value(setting, out var value) && !refused.ContainsKey(setting.Key) && !(setting.FromFile is { } file && refused.ContainsKey(file.Key)))
        {
            var article = setting.Noun[0] is 'a' or 'e' or 'i' or 'o' or 'u' ? "an" : "a";
            Report(at, $"need {article} {setting.Noun}; set {string.Join(" or ", ways(setting))}");
            problems.Missed();
        }

        return value;
    }

    /// <summary>Reports that a rule between settings is broken, at the place of this one.</summary>
    /// <param name="setting">The one to change.</param>
    /// <param name="sentence">Without a full stop, with the remedy.</param>
    public void Problem(Setting setting, string sentence)
    {
        ArgumentNullException.ThrowIfNull(setting);
        var origin = Place(setting);
        Report(origin ?? at, origin is null ? $"{setting.Key}: {sentence}" : sentence);
    }

    /// <summary>Reports what was found wrong in a file that a setting of this section names.</summary>
    public void Add(Problem problem)
    {
        HasProblems = true;
        problems.Add(problem);
    }

    /// <summary>Where the value was said: <c>accounts.yml:12</c>, a variable, a flag, <c>default</c>; null when it is not set.</summary>
    public string? Origin(Setting setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        return Place(setting)?.Place ?? (values.ContainsKey(setting.Key) ? "default" : null);
    }

    internal bool Value<T>(Setting<T> setting, out T? value)
    {
        ArgumentNullException.ThrowIfNull(setting);
        if (!declared.ContainsKey(setting.Key))
        {
            throw new InvalidOperationException($"{setting.Key} is not declared for {at.Subject ?? at.Place}.");
        }

        var known = values.TryGetValue(setting.Key, out var said);
        value = known ? (T)said.Value : default;
        return known;
    }

    /// <summary>Where it was said, good or not; null for a default.</summary>
    internal Origin? Place(Setting setting) =>
        refused.GetValueOrDefault(setting.Key) ?? (values.TryGetValue(setting.Key, out var said) && said.Origin.Layer != Layer.Default ? said.Origin : null);

    private void Read(Setting setting, Given said)
    {
        if (Quotes(said) is { } quotes)
        {
            Refuse(setting, said.Origin, quotes);
            return;
        }

        if (said.Text.Length == 0)
        {
            Refuse(setting, said.Origin, "there is no value; write one, or leave the setting out");
            return;
        }

        var (value, problem) = setting.ReadObject(said);
        if (problem is null)
        {
            values[setting.Key] = (value!, said.Origin);
            return;
        }

        Refuse(setting, said.Origin, problem);
        if (setting.DefaultText is { } text)
        {
            Read(setting, Given.Default(text, at.Directory));
        }
    }

    /// <summary>A secret's file counts like the secret itself: the stronger layer wins, and within one layer there may be only one of the two.</summary>
    private void ReadFile(Setting<Tokens.Secret> secret)
    {
        if (!values.TryGetValue(secret.FromFile!.Key, out var file))
        {
            return;
        }

        if (Place(secret) is { } direct && direct.Layer >= file.Origin.Layer)
        {
            if (direct.Layer == file.Origin.Layer)
            {
                Refuse(secret.FromFile, file.Origin, $"{secret.Key} is set as well ({direct.Place}); keep one of the two");
            }

            return;
        }

        var (value, problem) = SecretFile.Read((string)file.Value);
        if (value is null)
        {
            Refuse(secret.FromFile, file.Origin, problem!);
            return;
        }

        values[secret.Key] = (value, file.Origin);
    }

    /// <summary>Compose files hand on the quotes of <c>- CLIENT_ID="abc"</c> as part of the value, and the provider then knows no such client.</summary>
    private static string? Quotes(Given said) => said.Origin.Layer >= Layer.DotEnv && said.Text is [('"' or '\'') and var first, .., var last] && first == last
        ? $"the value stands in quotes ({first}…{last}), which are part of it; leave them out"
        : null;

    private void Refuse(Setting setting, Origin origin, string sentence)
    {
        refused[setting.Key] = origin;
        Report(origin, sentence);
    }

    private void Report(Origin origin, string sentence)
    {
        HasProblems = true;
        problems.Add(origin.Problem(sentence));
    }
}

public static class SectionExtensions
{
    /// <summary>The value, or its default; null when there is neither.</summary>
    public static T? Find<T>(this Section section, Setting<T> setting)
        where T : struct
    {
        ArgumentNullException.ThrowIfNull(section);
        return section.Value(setting, out var value) ? value : null;
    }
}
