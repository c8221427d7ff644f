namespace Exporter.Http;

/// <summary>The settings of an account whose API a module describes.</summary>
/// <param name="OAuth">Null if the module needs no login.</param>
internal sealed record HttpOptions(Module Module, OAuthOptions? OAuth, string? Username, Secret? Password)
{
    internal static readonly Setting<string> ModuleSetting = Settings.Of<string>(
        "module", "Module that is part of the program.", text => Recipes.Names.Contains(text)
            ? new(text, null)
            : new(null, $"there is no module {Sanitize.Line(text, 60)}"
                + Nearest.Remedy(text, Recipes.Names, $"choose one of {string.Join(", ", Recipes.Names)}, or set module_file to your own")), "NAME");
    internal static readonly Setting<string> ModuleFileSetting = Settings.Path("module_file", "File with your own module.");
    private static readonly Setting<TextMap> SettingsSetting = Settings.Map("settings", "Values of the module's settings.");
    private static readonly Setting<Uri> ApiSetting = Settings.Address("api_url", "Base address of the API; change it only for tests.");

    public static SourceSettings All { get; } = new(HttpSource.SourceName,
        [ModuleSetting, ModuleFileSetting, SettingsSetting, ApiSetting, .. OAuthSettings.All]);

    /// <summary>The module file of an account as far as it can be read; null, with a problem, if it cannot.</summary>
    public static ModuleFile? ReadFile(Section section)
    {
        var (name, path) = (section.Find(ModuleSetting), section.Find(ModuleFileSetting));
        if (name is not null && path is not null)
        {
            section.Problem(ModuleFileSetting, "is set together with module; an account has one module, so remove one of the two");
            return null;
        }
        if (path is null)
        {
            return section.Require(ModuleSetting) is { } recipe ? ModuleFile.Parse(recipe, Recipes.Find(recipe)!) : null;
        }
        var (text, problem) = SmallFile.Read(path, YamlFile.Largest);
        if (text is null)
        {
            section.Problem(ModuleFileSetting, problem!);
            return null;
        }
        return ModuleFile.Parse(Path.GetFileName(path), text);
    }

    public static HttpOptions? Read(Section section)
    {
        if (ReadFile(section) is not { } file)
        {
            return null;
        }
        section.AddDependency(file.Text);
        section.Claim($"the module {file.Name}", file.Text, ModuleFileSetting,
            "two different modules have this name, and so the same metrics; rename one of them");
        var module = file.Bind(Values(section, file));
        foreach (var problem in file.Problems.All)
        {
            section.Add(problem);
        }
        foreach (var warning in file.Problems.Warnings)
        {
            section.Warn(warning);
        }
        if (module is null || section.HasProblems)
        {
            return null;
        }
        if (section.Find(ApiSetting) is { } api)
        {
            module = module with { Api = api };
        }
        return new HttpOptions(module, module.Auth == ModuleAuth.OAuth2 ? ReadOAuth(section, module, file) : null,
            module.Auth == ModuleAuth.Basic ? section.Require(OAuthSettings.Username) : null,
            module.Auth == ModuleAuth.Basic ? section.Require(OAuthSettings.Password) : null);
    }

    private static OAuthOptions? ReadOAuth(Section section, Module module, ModuleFile file)
    {
        var directory = section.Find(ModuleFileSetting) is { } path ? Path.GetDirectoryName(path)! : "/";
        var merged = section.WithDefaults(module.OAuth, new DefaultsFile(file.Problems.File, directory, "oauth"), OAuthSettings.All);
        return OAuthOptions.Read(merged);
    }

    /// <summary>The values of the module's settings. A secret setting can also be in a file (<c>KEY_file</c>).</summary>
    private static Dictionary<string, string> Values(Section section, ModuleFile file)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var given = section.Find(SettingsSetting) ?? TextMap.Empty;
        foreach (var (key, text) in given.Reveal())
        {
            var setting = file.Settings.FirstOrDefault(setting => setting.Name == key);
            if (setting is null && file.Settings.FirstOrDefault(one => one.IsSecret && key == one.Name + "_file") is { } secret)
            {
                values[secret.Name] = ReadSecret(section, key, given.PathOf(key));
            }
            else if (setting is null)
            {
                var names = file.Settings.SelectMany(one => one.IsSecret ? new[] { one.Name, one.Name + "_file" } : [one.Name]).ToList();
                section.Problem(SettingsSetting, $"the module {file.Name} has no setting {Sanitize.Line(key, 60)}" + Nearest.Remedy(
                    key, names, names.Count == 0 ? "remove it" : $"there are {string.Join(", ", names)}"));
            }
            else if (setting.Choices.Count > 0 && !setting.Choices.Contains(text))
            {
                section.Problem(SettingsSetting, $"{key} must be one of {string.Join(", ", setting.Choices)}");
            }
            else
            {
                values[key] = text;
            }
        }
        foreach (var setting in file.Settings.Where(setting => setting.Default is null && !values.ContainsKey(setting.Name)))
        {
            section.Problem(SettingsSetting,
                $"the module {file.Name} needs {setting.Name}{(setting.IsSecret ? $" or {setting.Name}_file" : "")}: {setting.Help}");
        }
        return values;
    }

    private static string ReadSecret(Section section, string key, string path)
    {
        var (text, problem) = SmallFile.Read(path, YamlFile.Largest);
        if (problem is not null)
        {
            section.Problem(SettingsSetting, $"{key}: {problem}");
        }
        return text?.Trim() ?? "";
    }
}
