namespace Exporter.Http;

/// <summary>A setting that a module declares and an account fills in.</summary>
/// <param name="Default">Null if the account must set it.</param>
internal sealed record ModuleSetting(string Name, string Help, string? Default, IReadOnlyList<string> Choices, bool IsSecret);

/// <summary>A module file that is read, but whose settings have no values yet.</summary>
internal sealed class ModuleFile
{
    /// <summary>Metrics of the exporter, of its libraries and of its other sources.</summary>
    private static readonly string[] ReservedNames =
        ["exporter", "oauth", "netatmo", "bmw", "webex", "ergani", "process", "dotnet", "go", "http", "promhttp", "scrape", "up", "prometheus",
            "kestrel"];

    private readonly YamlValue.Map? top;

    private ModuleFile(YamlValue.Map? top, string text, ModuleProblems problems)
    {
        (this.top, Text, Problems) = (top, text, problems);
        if (top is null)
        {
            return;
        }
        ModuleSchema.File.Check(top, problems);
        Name = top.Text("module") ?? "";
        Settings = [.. top.Entries("settings").Select(ReadSetting)];
        if (top.Find("module") is { } name)
        {
            CheckName(name);
        }
    }

    public string Name { get; } = "";

    public string Text { get; }

    public IReadOnlyList<ModuleSetting> Settings { get; } = [];

    public ModuleProblems Problems { get; }

    /// <summary>How the API accepts requests, as far as the file is correct.</summary>
    public ModuleAuth Auth => top?.Text("auth") switch
    {
        "oauth2" => ModuleAuth.OAuth2,
        "api_key" => ModuleAuth.ApiKey,
        "basic" => ModuleAuth.Basic,
        null when top?.Find("oauth") is not null => ModuleAuth.OAuth2,
        _ => ModuleAuth.None,
    };

    /// <param name="file">The file's name as the user wrote it.</param>
    public static ModuleFile Parse(string file, string text)
    {
        var problems = new ModuleProblems(file);
        var (top, mistakes) = YamlFile.Parse(file, text);
        problems.Add(mistakes);
        return new ModuleFile(mistakes.Count == 0 ? top : null, text, problems);
    }

    /// <summary>The module with the values of its settings; null if it has mistakes.</summary>
    /// <param name="values">The values that the account sets; defaults count for the others.</param>
    public Module? Bind(IReadOnlyDictionary<string, string> values) =>
        top is null ? null : new ModuleParser(top, new ModuleText(Problems, Settings, values), this).Parse();

    private ModuleSetting ReadSetting(YamlEntry entry)
    {
        var value = entry.Value;
        var setting = new ModuleSetting(
            entry.Key, value.Text("help") ?? "", value.Text("default"), value.Texts("choices"), value.Text("secret") is "true" or "yes");
        if (!IsName(setting.Name) || setting.Name.EndsWith("_file", StringComparison.Ordinal))
        {
            Problems.Add(
                entry, "a setting's name has lowercase letters, digits and single _, starts with a letter, and does not end in _file; rename it");
        }
        if (setting is { IsSecret: true, Default: not null })
        {
            Problems.Add(entry, $"{setting.Name} is secret, so it has no default; remove the default");
        }
        if (setting is { Default: { } text, Choices: { Count: > 0 } choices } && !choices.Contains(text))
        {
            Problems.Add(entry, $"the default of {setting.Name} is not one of its choices; add it there");
        }
        return setting;
    }

    private void CheckName(YamlValue at)
    {
        if (!IsName(Name) || Name.Length > 40)
        {
            Problems.Add(
                at, "a module's name is the prefix of its metrics: at most 40 lowercase letters, digits and single _, and a letter first; rename it");
        }
        else if (ReservedNames.FirstOrDefault(name => Name == name || Name.StartsWith(name + "_", StringComparison.Ordinal)) is { } reserved)
        {
            Problems.Add(at, $"metrics that start with {reserved}_ belong to the exporter; choose another name");
        }
    }

    /// <summary>Single underscores, because two separate the parts of a variable.</summary>
    private static bool IsName(string name) =>
        name.Length > 0 && char.IsAsciiLetterLower(name[0]) && !name.Contains("__", StringComparison.Ordinal) && name[^1] != '_'
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_');
}

/// <summary>Reads YAML whose shape was checked. Values of another shape count as missing.</summary>
internal static class YamlExtensions
{
    public static YamlValue? Find(this YamlValue? value, string key) => value.FindEntry(key)?.Value;

    public static YamlEntry? FindEntry(this YamlValue? value, string key) =>
        (value as YamlValue.Map)?.Entries.FirstOrDefault(entry => entry.Key == key);

    public static string? Text(this YamlValue? value, string key) => (value.Find(key) as YamlValue.Scalar)?.Text;

    public static bool Flag(this YamlValue? value, string key) => value.Text(key) is "true" or "yes";

    public static int? Number(this YamlValue? value, string key) => int.TryParse(value.Text(key), out var number) ? number : null;

    /// <summary>The entries of the map below a key.</summary>
    public static IEnumerable<YamlEntry> Entries(this YamlValue? value, string key) => (value.Find(key) as YamlValue.Map)?.Entries ?? [];

    /// <summary>The items of the list below a key; a single value is a list of one.</summary>
    public static IEnumerable<YamlValue> Items(this YamlValue? value, string key) => value.Find(key) switch
    {
        YamlValue.List list => list.Items,
        YamlValue.Scalar { Text: not null } one => [one],
        _ => [],
    };

    public static IReadOnlyList<string> Texts(this YamlValue? value, string key) =>
        [.. value.Items(key).Select(item => (item as YamlValue.Scalar)?.Text).OfType<string>()];
}
